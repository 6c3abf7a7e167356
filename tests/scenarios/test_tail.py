"""`entraclaw tail` as a process: it follows, and ends well or plainly."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.stage import BOUND_S, PROFILE, Sandbox, Stage, staged
from scenarios.processes import daemon, raw_host, serving

in_module = pytest.mark.asyncio(loop_scope="module")
ENDED = "entraclaw: error: the daemon ended\nentraclaw: hint: start one with `entraclaw serve`\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for all that follow one which stays."""
    async with staged(emulation, tmp_path_factory.mktemp("tail")) as stage, daemon(stage):
        yield stage


@asynccontextmanager
async def tail(environ: Mapping[str, str], *words: str) -> AsyncGenerator[Process]:
    """Run it until the body ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "entraclaw", "--profile", PROFILE, "tail", *words),
        env={**environ, "COLUMNS": "80"},
        stdout=PIPE,
        stderr=PIPE,
        # As a terminal starts it: what runs in a shell's background has SIGINT switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    async with asyncio.timeout(BOUND_S):
        return (await stream.readline()).decode()


async def rest(process: Process) -> tuple[str, str]:
    async with asyncio.timeout(BOUND_S):
        out, err = await process.communicate()
    return out.decode(), err.decode()


async def heard(process: Process, what: str) -> dict[str, Any]:
    """Wait for the next happening *what*."""
    while (said := json.loads(await line(process.stdout)))["what"] != what:
        pass
    return dict(said)


@in_module
async def test_turn_is_followed_from_its_arrival_to_its_end(served: Stage) -> None:
    async with tail(served.environ) as following:
        assert (await line(following.stderr)).startswith("Following what happens")
        async with raw_host(served) as hand:
            await hand.shake_hands()
            await served.say("a secret question")
            [message] = (await hand.tool("read_messages", wait_s=30))["messages"]
            await hand.tool("reply", turn=message["turn"], text="a secret answer")
        lines = [await line(following.stdout) for _ in range(7)]

    assert [each[17:31].strip() for each in lines] == [
        "attached", "arrived", "opened", "handed out", "answered", "closed", "detached",
    ]  # fmt: skip
    assert "Ada Lovelace" in lines[3]
    assert "secret" not in "".join(lines)
    assert max(map(len, lines)) <= 81


@in_module
async def test_programs_get_a_document_a_line_with_ids_and_outcomes_only(served: Stage) -> None:
    async with tail(served.environ, "--json") as following:
        await heard(following, "watching")
        await served.say("a secret", person="mallory")
        arrived, dropped = await heard(following, "arrived"), await heard(following, "dropped")

    assert arrived["kind"] == "message"
    assert arrived["seq"] == dropped["seq"] == served.entries()[-1].seq
    assert set(dropped) == {"at", "what", "seq", "conversation", "reason"}


async def test_end_of_the_daemon_is_said_plainly(stage: Stage) -> None:
    async with AsyncExitStack() as stack:
        async with daemon(stage):
            following = await stack.enter_async_context(tail(stage.environ))
            await line(following.stderr)

        assert await rest(following) == ("", ENDED)
        assert following.returncode == 1


@in_module
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a console matter elsewhere")
async def test_ctrl_c_ends_it_without_a_word(served: Stage) -> None:
    async with tail(served.environ) as following:
        await line(following.stderr)
        following.send_signal(signal.SIGINT)

        assert await rest(following) == ("", "")
        assert following.returncode == 0


async def test_without_a_daemon_there_is_nothing_to_follow(tmp_path: Path) -> None:
    async with tail({**os.environ, "ENTRACLAW_HOME": str(tmp_path)}) as following:
        out, err = await rest(following)

    assert (following.returncode, out) == (1, "")
    assert err.startswith("entraclaw: error: no daemon serves this profile\n")


async def test_daemon_without_an_agent_says_that_nothing_can_happen(tmp_path: Path) -> None:
    environ = {**os.environ, "ENTRACLAW_HOME": str(tmp_path)}
    async with serving(environ, tmp_path / PROFILE), tail(environ) as following:
        out, err = await rest(following)

    assert (following.returncode, out) == (1, "")
    assert err.startswith("entraclaw: error: this profile has no agent yet\n")
