"""A daemon that dies loses nothing: what a 202 promised outlives it."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncGenerator

import psutil
import pytest
import pytest_asyncio

from bot.stage import BOUND_S, Sandbox, Stage, staged, until
from entraclaw.bot import lock
from entraclaw.bot.children import Child
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice
from scenarios.processes import SHIM, RawHost, daemon, event, host, is_attached, raw_host

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for what needs none that dies."""
    async with staged(emulation, tmp_path_factory.mktemp("restart")) as stage, daemon(stage):
        yield stage


async def test_message_answered_202_before_a_kill_reaches_the_host_once_after_the_start(
    stage: Stage,
) -> None:
    async with daemon(stage) as first:
        delivery = await stage.tenant.say(stage.agent.user, "hello")
        await _kill(stage, first)
    assert delivery.status == 202

    async with daemon(stage), host(stage) as bot:
        received = await event(bot, "received")
        replied = await event(bot, "replied")

    assert (received["text"], replied["error"]) == ("hello", None)
    *before, answer = [said["text"] for said in await stage.answers()]
    assert answer == "You said: hello"
    # Whether anybody was at work when the daemon looked depends on who starts faster.
    assert before in ([], [Notice.QUEUED])
    assert [(entry.state, entry.attempt) for entry in stage.entries()] == [(State.DONE, 1)]


async def test_host_that_never_got_what_it_leased_is_given_it_after_the_restart(
    stage: Stage,
) -> None:
    """The daemon dies between the lease and the answer that would have told of it."""
    async with daemon(stage) as first, raw_host(stage) as hand:
        await hand.shake_hands()
        await stage.tenant.say(stage.agent.user, "hello")
        [message] = (await hand.tool("read_messages", wait_s=30))["messages"]
        await _kill(stage, first)
        await until(lambda: is_attached(stage))
        # It says "call again", and the host does, whatever it had understood before.
        [again] = (await hand.tool("read_messages", wait_s=30))["messages"]

    assert (again["turn"], again["attempt"]) == (message["turn"], message["attempt"] + 1)


@in_module
async def test_log_of_a_daemon_holds_no_words_of_what_it_cannot_read(served: Stage) -> None:
    secret = "the merger is on friday"
    poison = {"id": "1", "text": secret, "attachments": secret, "timestamp": secret}
    await served.control("POST", "activities", {"agent": served.agent.user, "activity": poison})
    await until(lambda: _is_dead(served))
    log = (served.folder / "logs" / "daemon.log").read_text(encoding="utf-8")

    assert "unreadable seq=" in log
    assert secret not in log


async def _is_dead(stage: Stage) -> bool:
    return [entry.state for entry in stage.entries()][-1:] == [State.DEAD]


async def test_host_keeps_its_turn_through_a_restart_and_answers_it(stage: Stage) -> None:
    """The shim starts a new daemon and repeats the handshake; the lease waits for its session."""
    async with daemon(stage) as first, raw_host(stage) as hand:
        await hand.shake_hands()
        await stage.tenant.say(stage.agent.user, "hello")
        [message] = (await hand.tool("read_messages", wait_s=30))["messages"]
        await _kill(stage, first)
        await until(lambda: is_attached(stage))

        sent = await hand.tool("reply", turn=message["turn"], text="still here")
        again = await hand.tool("read_messages")

    assert sent["turn"] == "closed"
    assert again["messages"] == []
    assert [entry.attempt for entry in stage.entries()] == [1]


async def test_call_that_was_under_way_is_answered_with_a_reason_to_call_again(
    stage: Stage,
) -> None:
    async with daemon(stage) as first, raw_host(stage) as hand:
        await hand.shake_hands()
        waiting = {"name": "read_messages", "arguments": {"wait_s": 60}}
        await hand.send({"id": "long", "method": "tools/call", "params": waiting})
        await hand.call("ping")  # answered, so the line before it has been read
        await _kill(stage, first)

        assert await hand.line() == {
            "jsonrpc": "2.0",
            "id": "long",
            "error": {"code": -32000, "message": "the daemon restarted, call again"},
        }
        assert (await hand.tool("whoami"))["agent_user"] == stage.agent.user


@in_module
async def test_turn_of_a_host_that_is_gone_goes_to_the_next_one(served: Stage) -> None:
    async with raw_host(served) as first:
        await first.shake_hands()
        await served.tenant.say(served.agent.user, "hello")
        [lost] = (await first.tool("read_messages", wait_s=30))["messages"]
    async with raw_host(served) as second:
        await second.shake_hands()
        [message] = (await second.tool("read_messages", wait_s=30))["messages"]

    assert (message["turn"], message["attempt"]) == (lost["turn"], 2)


async def _kill(stage: Stage, running: Child) -> None:
    psutil.Process((await stage.status())["pid"]).kill()
    await running.end()


async def test_shim_starts_another_daemon_when_the_first_is_refused(stage: Stage) -> None:
    """One that is just ending holds the profile a moment longer."""
    with lock.hold(stage.folder):
        process = await asyncio.create_subprocess_exec(
            *SHIM, env=stage.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        seen: set[int] = set()
        await until(lambda: _has_started_two(process.pid, seen))
    hand = RawHost(process)
    await hand.shake_hands()

    assert (await hand.tool("whoami"))["agent_user"] == stage.agent.user
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(BOUND_S):
        await process.wait()


async def _has_started_two(shim: int, seen: set[int]) -> bool:
    seen |= {child.pid for child in psutil.Process(shim).children()}
    return len(seen) > 1
