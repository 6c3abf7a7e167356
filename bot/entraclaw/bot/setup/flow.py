"""The way of a setup, from the first look to the first message.

What is decided is `entraclaw.identity.provisioning`'s; here it is put in order, with the
key, the settings, the daemon and the inbox of this machine.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from entraclaw.bot.administrator_desk import PERMISSIONS, SPONSOR
from entraclaw.bot.settings import Settings
from entraclaw.bot.setup.asked import Asked, in_json, wants_of
from entraclaw.bot.setup.awaiting import AGAIN, await_message, await_tokens, daemon_of
from entraclaw.bot.setup.key_of import certificate_of, key_for, thumbprint_here
from entraclaw.bot.setup.profile_files import JournalFile, new_settings, write_settings
from entraclaw.bot.setup.running import Running, Show
from entraclaw.errors import BadSettings, Problem, SetupBlocked, SetupUnfinished
from entraclaw.identity.keys import Key
from entraclaw.identity.provisioning.applying import Applied, apply
from entraclaw.identity.provisioning.consent import consent_page
from entraclaw.identity.provisioning.equipping import await_consent
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.graph_admin import GraphAdmin
from entraclaw.identity.provisioning.journal import Journal
from entraclaw.identity.provisioning.look import look
from entraclaw.identity.provisioning.plan import Row, blocked, plan

STEPS = 13  # that there are to begin, if nothing is there yet

Prove = Callable[[dict[str, object]], None]
Open = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """An agent that is there.

    Attributes:
        applied: What the tenant has of it.
        upn: Its user's address; empty where it was not read again.
        key: The machine's.
    """

    applied: Applied
    upn: str
    key: Key


class Flow:
    """One setup of one profile."""

    def __init__(self, settings: Settings, asked: Asked, file: JournalFile, show: Show) -> None:
        """Set up as *asked*, with *settings* as they will be; note in *file*."""
        self._settings, self._asked, self._file, self._show = settings, asked, file, show
        self._was = file.read()
        wish = asked.wish(settings, self._was)
        self.wish = wish if self._was else replace(wish, mark=str(uuid.uuid4()))

    @property
    def tenant(self) -> str:
        """Where it is, as far as that is known before anybody signs in; empty if it is not."""
        if self._was is not None:
            return self._was.tenant
        return self._settings.agent.tenant if self._settings.agent else ""

    def planned(
        self, graph: GraphAdmin, tenant: str, *, patiently: bool
    ) -> tuple[Facts, Journal, tuple[Row, ...]]:
        """Look at *tenant*, and say how each part stands; nothing is made or written.

        Raises:
            BadSettings: This profile was set up elsewhere.
            CallRefused: Whoever signed in may not look.
        """
        journal = self._was or Journal(self.wish.mark, self._settings.cloud.login, tenant)
        if (journal.login, journal.tenant) != (self._settings.cloud.login, tenant):
            reason = f"this profile was set up in {journal.tenant}, at {journal.login}"
            raise BadSettings(
                [Problem("cloud", reason, "use another profile, or `entraclaw teardown` first")]
            )
        wants = wants_of(self.wish, self._settings)
        steps = look(self.wish, wants, journal, time.time, patiently=patiently)
        facts = self._running(graph).run(steps)
        here = thumbprint_here(self._settings, tenant)
        return facts, journal, plan(self.wish, facts, journal, thumbprint=here)

    def prove(self, facts: Facts, journal: Journal, prove: Prove) -> None:
        """Have what would let an agent at work do more, or somebody more tell it, proved.

        Raises:
            ProofRefused: Nobody did.
        """
        if facts.user is None or not journal.is_done:
            return
        lacks = {row.resource.name: list(row.grantable) for row in facts.standing.lacks}
        scopes = {name: names for name, names in lacks.items() if names}
        if scopes:
            prove({"do": PERMISSIONS, "scopes": scopes})
        for one in facts.sponsors:
            if one.id not in facts.sponsoring:
                prove({"do": SPONSOR, "person": one.id, "on": ["user"]})

    def make(self, graph: GraphAdmin, facts: Facts, journal: Journal) -> Made:
        """Make what lacks, and write the settings down.

        Raises:
            EntraclawError: Something was refused; what went before is noted.
        """
        self._file.keep(journal)
        if not thumbprint_here(self._settings, journal.tenant):
            journal = replace(journal, has_key=True)
            self._file.keep(journal)
        key = key_for(self._settings, journal.tenant)
        certificate = certificate_of(key, self._settings.profile)
        steps = apply(
            self.wish,
            wants_of(self.wish, self._settings),
            facts,
            certificate,
            journal,
            now=time.time,
            graph=self._settings.cloud.graph,
        )
        applied = self._running(graph).run(steps)
        applied = replace(applied, journal=self._write(applied))
        address = facts.user.upn if facts.user else facts.address.upn if facts.address else ""
        return Made(applied, address, key)

    def consent(self, graph: GraphAdmin, made: Made, show: Open) -> str:
        """Wait for a consent that whoever signed in may not give; gives the page that *show* got.

        Raises:
            SetupUnfinished: Nobody consented in time.
        """
        lacking = made.applied.lacking
        if not lacking.lacks:
            return ""
        scopes = [(row.address, name) for row in lacking.lacks for name in row.grantable]
        ids, cloud = made.applied.ids, self._settings.cloud
        page = consent_page(cloud, ids.tenant, ids.agent, scopes, self._settings.profile)
        show(page)
        wants = wants_of(self.wish, self._settings)
        self._running(graph).run(await_consent(wants, ids, time.time, self._asked.wait))
        return page

    def see(self, made: Made) -> None:
        """See the agent get its tokens, its daemon run, and a message arrive.

        Raises:
            SetupUnfinished: One of them did not come in time.
            EntraclawError: Something else is wrong.
        """
        applied, settings = made.applied, self._settings
        self._show.begin("tokens", "what the agent is granted, asked for by itself")
        wants = wants_of(self.wish, settings)
        await_tokens(settings, applied.ids, wants, made.key, self._show)
        self._show.begin("daemon", "of this profile")
        status = daemon_of(settings.profile, settings.folder, applied.ids)
        self._show.begin("test message", f"write to {made.upn or 'the agent'} in Teams")
        self._show.wait("a message to the agent")
        if not await_message(settings.folder, self._asked.wait):
            raise SetupUnfinished(
                f"no message has arrived yet: {self._why(applied, status['webhook'])}", hint=AGAIN
            )
        self._file.keep(replace(applied.journal, is_done=True))

    def _why(self, applied: Applied, webhook: object) -> str:
        if applied.is_pointed:
            return "nobody wrote, or the address does not lead here"
        return f"have its messages sent to {webhook}/api/messages: docs/setup.md#the-endpoint"

    def _write(self, applied: Applied) -> Journal:
        """Write the agent into ``config.toml``; what else stands there stays."""
        self._show.begin("settings", "config.toml")
        ids = applied.ids
        values: dict[str, str | list[str]] = {
            **self._asked.values(self._settings, self.wish),
            "tenant": ids.tenant,
            "blueprint": ids.blueprint,
            "agent": ids.agent,
            "user": ids.user,
        }
        if ids.bot:
            values["bot"] = ids.bot
        journal = applied.journal
        new = new_settings(self._settings.folder, values)
        journal = replace(journal, settings={**journal.settings, **in_json(new)})
        self._file.keep(journal)
        write_settings(self._settings.folder, values)
        return journal

    def _running(self, graph: GraphAdmin) -> Running:
        return Running.by(graph, self._file.keep, self._show)


def refuse(rows: tuple[Row, ...]) -> None:
    """Refuse what the plan says cannot be done.

    Raises:
        SetupBlocked: Something of it cannot.
    """
    hindering = blocked(rows)
    if hindering:
        raise SetupBlocked(
            "; ".join(f"{row.part}: {row.says}" for row in hindering),
            hint="; ".join(row.cure for row in hindering),
        )
