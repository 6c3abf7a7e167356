"""The shim as a pipe: it holds no line, keeps its memory, and never outlives its host."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.stage import BOUND_S, PROFILE, until
from hosts.inbox import Inbox
from hosts.pipe import Pipe
from hosts.played import Caller, PlayedDaemon
from hosts.standin import StandIn, environment
from scenarios.processes import SHIM

MORE_MB = 6.0  # of memory than the bare interpreter has
LONG = 100_000_000
INITIALIZE = b'{"method":"initialize","params":{},"jsonrpc":"2.0","id":0}\n'
INITIALIZED = b'{"method":"notifications/initialized","jsonrpc":"2.0"}\n'
RESTARTED = {"code": -32000, "message": "the daemon restarted, call again"}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@asynccontextmanager
async def attached(
    home: Path, inbox: Inbox | None = None
) -> AsyncGenerator[tuple[StandIn, Caller, PlayedDaemon]]:
    """A host, its shim and a daemon, past their handshake."""
    address = inbox.address if inbox else None
    environ = environment({**os.environ, "ENTRACLAW_HOME": str(home)}, "s1", inbox=address)
    async with PlayedDaemon.listening(home / PROFILE) as daemon:
        host = await StandIn.spawn(SHIM, environ)
        try:
            connecting = asyncio.create_task(host.connect())
            caller = await daemon.caller()
            await caller.shake_hands()
            await connecting
            yield host, caller, daemon
        finally:
            await host.close()


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def bare_mb() -> float:
    """What the interpreter takes that does nothing."""
    code = "print(open('/proc/self/status').read())"
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=BOUND_S
    ).stdout
    [line] = [line for line in shown.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


@on_linux
async def test_line_of_a_hundred_megabytes_passes_both_ways_in_a_few_of_memory(
    tmp_path: Path,
) -> None:
    asked = b'{"method":"x","params":{"text":"' + b"y" * LONG + b'"},"jsonrpc":"2.0","id":"a"}\n'
    said = b'{"jsonrpc":"2.0","id":"b","result":{"text":"' + b"y" * LONG + b'"}}\n'
    environ = {**os.environ, "ENTRACLAW_HOME": str(tmp_path)}
    async with PlayedDaemon.listening(tmp_path / PROFILE) as daemon:
        pipe = await Pipe.spawn(SHIM, environ)
        stdout = pipe.process.stdout
        assert stdout is not None
        await pipe.write_bytes(INITIALIZE + INITIALIZED)
        caller = await daemon.caller()
        await caller.shake_hands()
        await stdout.readline()
        assert await _passed(asked, pipe.write_bytes(asked), caller.reader)
        caller.writer.write(said)
        assert await _passed(said, caller.writer.drain(), stdout)
        more = peak_mb(pipe.process.pid) - bare_mb()
        caller.hang_up()
        answer = json.loads(await stdout.readline())
        pipe.hang_up()
        await pipe.ended()

    assert answer == {"jsonrpc": "2.0", "id": "a", "error": RESTARTED}
    assert more <= MORE_MB


async def _passed(
    line: bytes, writing: Coroutine[Any, Any, None], reader: asyncio.StreamReader
) -> bool:
    """Whether what is read is what is written."""
    task = asyncio.create_task(writing)
    seen, left = hashlib.sha256(), len(line)
    async with asyncio.timeout(2 * BOUND_S):
        while left:
            chunk = await reader.read(min(left, 1 << 20))
            seen.update(chunk)
            left -= len(chunk)
        await task
    return seen.digest() == hashlib.sha256(line).digest()


async def test_line_that_was_half_said_to_a_daemon_reaches_no_other(tmp_path: Path) -> None:
    async with attached(tmp_path) as (host, caller, daemon):
        asking = asyncio.create_task(host.pipe.ask("cut", "tools/call", None))
        first = await caller.line()
        await caller.answer(first["id"])
        await asking
        await host.pipe.write_bytes(b'{"method":"x","params":{"text":"' + b"y" * 300_000)
        async with asyncio.timeout(BOUND_S):
            await caller.reader.readexactly(300_000)
        caller.hang_up()

        later = await daemon.caller()
        await later.shake_hands()
        await host.pipe.write_bytes(b'yy"},"jsonrpc":"2.0","id":"half"}\n')
        await host.until(lambda: bool(host.dropped))
        assert host.dropped == [{"jsonrpc": "2.0", "id": "half", "error": RESTARTED}]

        await host.pipe.say("notifications/next", None)
        assert await later.line() == {"method": "notifications/next", "jsonrpc": "2.0"}


async def test_line_the_daemon_left_half_said_is_ended_and_its_request_answered(
    tmp_path: Path,
) -> None:
    async with attached(tmp_path) as (host, caller, daemon):
        asking = asyncio.create_task(host.pipe.ask("cut", "tools/call", None))
        await caller.line()
        caller.writer.write(b'{"jsonrpc":"2.0","id":"cut","result":{"text":"half of')
        await caller.writer.drain()
        await asyncio.sleep(0)
        caller.writer.close()  # what is written arrives first

        async with asyncio.timeout(BOUND_S):
            assert (await asking)["error"] == RESTARTED
        await (await daemon.caller()).shake_hands()


async def test_request_the_host_took_back_is_not_answered_for_a_lost_daemon(
    tmp_path: Path,
) -> None:
    async with attached(tmp_path) as (host, caller, daemon):
        for number in (7, 8):
            await host.pipe.say("tools/call", None, id=number)
        await host.pipe.say("notifications/cancelled", {"requestId": 7})
        for _ in range(3):
            await caller.line()
        caller.hang_up()
        await (await daemon.caller()).shake_hands()
        await host.until(lambda: bool(host.dropped))

        assert [one["id"] for one in host.dropped] == [8]


async def test_shim_ends_when_its_host_does_not_read_any_more(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    async with PlayedDaemon.listening(tmp_path / PROFILE) as daemon:
        process = await asyncio.create_subprocess_exec(
            *SHIM,
            env={**os.environ, "ENTRACLAW_HOME": str(tmp_path)},
            stdin=asyncio.subprocess.PIPE,
            stdout=writing,
        )
        os.close(writing)
        caller = await daemon.caller()
        os.close(reading)
        await caller.say({"jsonrpc": "2.0", "method": "notifications/x"})
        async with asyncio.timeout(BOUND_S):
            assert await process.wait() == 0


async def test_shim_ends_with_a_killed_host_though_the_daemon_hangs(tmp_path: Path) -> None:
    """It is stuck in a write, so nobody reads its input to see the end of it."""
    async with PlayedDaemon.listening(tmp_path / PROFILE) as daemon:
        environ = {**os.environ, "ENTRACLAW_HOME": str(tmp_path)}
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _FLOODING, *SHIM,
            env=environ, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert killed.stdout is not None
        async with asyncio.timeout(BOUND_S):
            shim = int(await killed.stdout.readline())
        caller = await daemon.caller()
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: _is_stuck(shim))
        killed.kill()
        await killed.wait()
        await until(lambda: _has_ended(shim))


async def test_shim_ends_with_its_host_though_the_next_daemon_never_answers(
    tmp_path: Path,
) -> None:
    async with attached(tmp_path) as (host, caller, daemon):
        caller.hang_up()
        later = await daemon.caller()
        assert (await later.line())["method"] == "initialize"
        await host.pipe.say("notifications/next", None)  # which waits for that daemon
        assert await host.close() == 0


# A host that spawns a shim, tells its pid, and writes for ever.
_FLOODING = """
import subprocess, sys
shim = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
print(shim.pid, flush=True)
while True:
    shim.stdin.write(b'{"method":"x","jsonrpc":"2.0"}' + b"\\n")
"""


async def _is_stuck(pid: int) -> bool:
    """Whether a process waits and nothing moves it."""
    before = _switches(pid)
    await asyncio.sleep(0.2)
    return before > 0 and _switches(pid) == before


async def _has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _switches(pid: int) -> int:
    """How often the threads of a process have gone to sleep or been made to wait."""
    counted = psutil.Process(pid).num_ctx_switches()
    return counted.voluntary + counted.involuntary


@on_linux
async def test_idle_shim_never_wakes(tmp_path: Path) -> None:
    async with (
        Inbox(tmp_path / "inbox").listening() as inbox,
        attached(tmp_path, inbox) as (host, _, daemon),
    ):
        bell = await daemon.caller()
        assert (bell.verb, bell.session) == ("ring", "s1")
        await until(lambda: _is_stuck(host.pipe.process.pid))
        before = _all_switches(host.pipe.process.pid)
        await asyncio.sleep(2)  # it is watched meanwhile
        assert _all_switches(host.pipe.process.pid) == before


def _all_switches(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text(encoding="ascii").splitlines()]
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


async def test_ring_of_the_daemon_comes_out_in_the_sessions_inbox(tmp_path: Path) -> None:
    async with (
        Inbox(tmp_path / "inbox", "token").listening() as inbox,
        attached(tmp_path, inbox) as (_, caller, daemon),
    ):
        bell = await daemon.caller()
        assert (bell.verb, bell.session) == ("ring", "s1")
        assert bell.facts.startswith("waker=inbox&host=claude-code&entry=cli&inbox=1&parent=")
        await bell.say({"waiting": 2})
        message = await inbox.message()
        assert message.text.startswith("2 Teams messages wait. Call read_messages.")

        for lost in (bell, caller):
            lost.hang_up()
        again = await daemon.caller()
        await again.shake_hands()
        assert (again.verb, (await daemon.caller()).verb) == ("mcp", "ring")


async def test_host_without_an_inbox_has_one_connection(tmp_path: Path) -> None:
    async with attached(tmp_path) as (host, caller, daemon):
        asking = asyncio.create_task(host.pipe.ask("last", "ping", None))
        await caller.line()
        await caller.answer("last")
        await asking

        assert daemon.others == 0
