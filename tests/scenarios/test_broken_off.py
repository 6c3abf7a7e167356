"""A daemon killed while it answers: the next one finds out what became of it."""

import asyncio
import os
import signal

import psutil
import pytest

from bot.exchange import BRISK, Exchange
from bot.stage import Stage, until
from entraclaw.bot.inbox import State
from entraclaw.bot.inbox_look import look
from entraclaw.bot.outbox import Outcome
from scenarios.processes import RawHost, daemon, shim

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")


async def test_answer_that_had_not_left_is_sent_once_after_the_start(stage: Stage) -> None:
    await _answer_and_kill(stage, {"delay_ms": 3000, "before": True, "times": 1})
    assert await stage.answers() == []

    await _settle(stage)


async def test_answer_that_had_arrived_before_the_kill_is_not_sent_again(stage: Stage) -> None:
    """The daemon is held still, so that it never hears of it."""
    await _answer_and_kill(stage, {"delay_ms": 600, "times": 1}, is_held=True)

    await _settle(stage)


async def _answer_and_kill(
    stage: Stage, fault: dict[str, object], *, is_held: bool = False
) -> None:
    """Kill the daemon while an answer is under way."""
    async with daemon(stage) as running, shim(stage.environ) as hand:
        await hand.shake_hands()
        await stage.tenant.say(stage.agent.user, "hello")
        [message] = (await hand.tool("read_messages", wait_s=30))["messages"]
        await stage.control("PUT", "faults", {"connector": fault})
        pid = (await stage.status())["pid"]
        await _call(hand, message["turn"])
        await until(lambda: _is_under_way(stage))
        if is_held:
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: _is_said(stage))
        hand.process.kill()  # else it would start another daemon
        psutil.Process(pid).kill()
        await running.end()
    assert _outcomes(stage) == [Outcome.INTENT]


async def _call(hand: RawHost, turn: str) -> None:
    arguments = {"turn": turn, "text": "only once"}
    await hand.send(
        {"id": "r", "method": "tools/call", "params": {"name": "reply", "arguments": arguments}}
    )


async def _settle(stage: Stage) -> None:
    """Start again, and see that it comes out as one answer and a turn that is done."""
    await stage.control("PUT", "faults", {"connector": None})
    async with stage.daemon(BRISK) as later:
        talk = await Exchange.open(stage, later)
        assert (await talk.agency.desk.read("s", 0)).messages == ()
        await until(lambda: _is_done(stage))
        await asyncio.sleep(2 * BRISK.absent_s)
        assert (await talk.agency.desk.read("s", 0)).messages == ()

    assert [one["text"] for one in await stage.answers()] == ["only once"]
    assert _outcomes(stage) == [Outcome.SENT]


def _outcomes(stage: Stage) -> list[Outcome]:
    [entry] = stage.entries()
    with look(stage.folder / "inbox.db") as seen:
        return [part.outcome for part in seen.record(entry).parts]


async def _is_under_way(stage: Stage) -> bool:
    met = (await stage.control("GET", "faults"))["connector"]["met"]
    return bool(met) and _outcomes(stage) == [Outcome.INTENT]


async def _is_said(stage: Stage) -> bool:
    return bool(await stage.answers())


async def _is_done(stage: Stage) -> bool:
    return [entry.state for entry in stage.entries()] == [State.DONE]
