"""A host's permission dialogs through the real shim: relayed, answered, withdrawn with the shim."""

import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import pytest

from bot.asking import BASH, SESSION, asking
from bot.beside import Beside, answering, beside
from bot.stage import until
from entraclaw.bot.permission import Behavior
from entraclaw.errors import ApprovalRefused
from hosts.environ import environment
from hosts.standin import StandIn
from scenarios.processes import SHIM

__all__ = ["beside"]

PREVIEW = json.dumps(BASH, separators=(",", ":"))


def environ(beside: Beside, session: str) -> Mapping[str, str]:
    return environment({**os.environ, "ENTRACLAW_HOME": str(beside.home)}, session)


@asynccontextmanager
async def host(beside: Beside, session: str = SESSION) -> AsyncGenerator[StandIn]:
    async with StandIn.running(SHIM, environ(beside, session)) as running:
        yield running


async def test_dialog_is_relayed_and_the_verdict_closes_it(beside: Beside) -> None:
    async with host(beside) as running:
        assert running.relays_permission
        number = await running.ask_permission("Bash", "Run shell command", PREVIEW)
        assert await beside.waiting() == [number]
        beside.daemon.approvals.answer(number, Behavior.DENY, "desk")

        assert await running.verdict(number) == "deny"


async def test_dialog_and_hook_of_one_question_are_one_request(beside: Beside) -> None:
    async with host(beside) as running, asking(beside.folder) as hook:
        number = await running.ask_permission("Bash", "Run shell command", PREVIEW)

        async def is_joined() -> bool:
            return [len(one.origins) for one in beside.daemon.approvals.open()] == [2]

        await until(is_joined)
        [name] = await beside.waiting()
        beside.daemon.approvals.answer(name, Behavior.ALLOW, "desk")

        assert await running.verdict(number) == "allow"
        assert (await hook.hear())["behavior"] == "allow"


async def test_dialog_that_was_closed_in_the_terminal_drops_a_later_verdict(
    beside: Beside,
) -> None:
    """Claude Code does not say that it was: the request stays until it expires."""
    async with host(beside) as running:
        number = await running.ask_permission("Bash", "", PREVIEW)
        await beside.waiting()
        running.close_dialog(number)
        beside.daemon.approvals.answer(number, Behavior.ALLOW, "desk")
        await running.until(lambda: bool(running.dropped))

        assert not running.verdicts


async def test_shim_that_is_killed_withdraws_what_its_host_asked(beside: Beside) -> None:
    async with host(beside) as running:
        number = await running.ask_permission("Bash", "", PREVIEW)
        await beside.waiting()
        running.pipe.kill()
        await beside.waiting(0)

    with pytest.raises(ApprovalRefused, match="withdrawn"):
        beside.daemon.approvals.answer(number, Behavior.ALLOW, "desk")


async def test_what_the_host_starts_cannot_answer_its_dialog(beside: Beside) -> None:
    """Here the host is this very process, which starts the shim and the answer."""
    async with host(beside) as running:
        number = await running.ask_permission("Bash", "", PREVIEW)
        await beside.waiting()
        code, said = await beside.run(*answering(number, "allow"))

        assert code == 1
        assert "a session cannot answer for itself" in said
        assert await beside.waiting() == [number]
