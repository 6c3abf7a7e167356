"""Look at a whole profile: at this machine, at Microsoft and at the daemon, all at once."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from entraclaw.bot import health
from entraclaw.bot.diagnosis.aside import aside
from entraclaw.bot.diagnosis.blame import causes
from entraclaw.bot.diagnosis.facts import Facts, Past
from entraclaw.bot.diagnosis.finding import Finding, Group, told_once
from entraclaw.bot.diagnosis.gather import gather
from entraclaw.bot.diagnosis.hosts import hosts
from entraclaw.bot.diagnosis.identity import identity
from entraclaw.bot.diagnosis.microsoft import microsoft
from entraclaw.bot.health import Patient
from entraclaw.bot.inbox_look import look
from entraclaw.bot.local_client import ask
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, InboxUnreadable, NotRunning
from entraclaw.identity import AgentIds


def visit(profile: str, patient: Patient, *, fix: bool) -> list[Finding]:
    """Look at everything, and where *fix* says so put right what needs no choice first.

    Takes no longer than 15 s, whatever does not answer.
    """
    machine = health.examine(patient, fix=fix)
    return asyncio.run(_visit(profile, patient, machine))


async def _visit(profile: str, patient: Patient, machine: list[Finding]) -> list[Finding]:
    online, status = await asyncio.gather(_online(profile, patient), _status(patient.folder))
    return list(told_once([*online, *machine, *hosts(status)]))


async def _online(profile: str, patient: Patient) -> list[Finding]:
    try:
        settings = Settings.read(patient.environ, profile)
        if settings.agent is None:
            return [_no_agent()]
        facts = await gather(settings, settings.agent, _past(patient, settings.agent))
    except BadSettings as error:
        return [Finding("settings", str(error), error.hint, group=Group.IDENTITY)]
    return list(_judged(facts))


def _judged(facts: Facts) -> Iterator[Finding]:
    who, found = facts.who, causes(facts)
    says = f"acts as {who.acts_as}, for {', '.join(who.features)}, at {who.cloud.login}"
    yield Finding("settings", says, group=Group.IDENTITY)
    yield from identity(facts, found)
    yield from microsoft(facts, found)


def _no_agent() -> Finding:
    says = "config.toml names no agent yet"
    cure = "entraclaw setup"
    return Finding("settings", says, cure, group=Group.IDENTITY, is_note=True)


def _past(patient: Patient, agent: AgentIds) -> Past:
    try:
        with look(patient.inbox) as seen:
            return Past(seen.last_sent(), is_same=seen.owner() == agent)
    except InboxUnreadable:
        return Past()


async def _status(folder: Path) -> Mapping[str, Any] | NotRunning:
    try:
        return await aside(lambda: ask(str(folder)), None)
    except NotRunning as error:
        return error
