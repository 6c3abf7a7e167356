"""The monitor: a line for each bell, and gone with its host."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bot.stage import BOUND_S, PROFILE, Stage, until
from scenarios.beside import ended, host_environ, line_of, running, said
from scenarios.processes import daemon, shim


@asynccontextmanager
async def bell(home: Path) -> AsyncGenerator["asyncio.Queue[asyncio.StreamWriter]"]:
    """A daemon of which only the bell is there; gives whoever connects."""
    guests: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"waker=monitor" in await reader.readline()
        guests.put_nowait(writer)

    (home / PROFILE / "run").mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_unix_server(take, home / PROFILE / "run" / "daemon.sock")
    async with server:
        yield guests


def environ_of(home: Path) -> dict[str, str]:
    return host_environ({**os.environ, "ENTRACLAW_HOME": str(home)}, "one")


async def next_guest(guests: "asyncio.Queue[asyncio.StreamWriter]") -> asyncio.StreamWriter:
    async with asyncio.timeout(BOUND_S):
        return await guests.get()


async def test_each_bell_is_a_line_of_its_own(tmp_path: Path) -> None:
    async with bell(tmp_path) as guests, running(environ_of(tmp_path), "monitor") as monitor:
        guest = await next_guest(guests)
        guest.write(b'{"waiting": 2}\n{"waiting": 2}\nnonsense\n{"waiting": 1, "more": 5}\n')

        lines = [await said(monitor.stdout) for _ in range(3)]
        guest.close()

    assert lines == [
        "2 Teams messages wait. Call read_messages. [1]",
        "2 Teams messages wait. Call read_messages. [2]",
        "1 Teams message waits. Call read_messages. [3]",
    ]


async def test_daemon_that_comes_back_is_found_and_the_count_goes_on(tmp_path: Path) -> None:
    async with running(environ_of(tmp_path), "monitor") as monitor:
        for number in (1, 2):
            async with bell(tmp_path) as guests:
                guest = await next_guest(guests)
                guest.write(b'{"waiting": 1}\n')
                assert (await said(monitor.stdout)).endswith(f"[{number}]")
                guest.close()
            (tmp_path / PROFILE / "run" / "daemon.sock").unlink(missing_ok=True)


async def test_monitor_is_one_small_process_that_starts_no_daemon(tmp_path: Path) -> None:
    async with running(environ_of(tmp_path), "monitor") as monitor, bell(tmp_path) as guests:
        guest = await next_guest(guests)
        process = psutil.Process(monitor.pid)
        bare = await _bare_python()

        assert process.children() == []
        assert "entraclaw.bot.monitor" in " ".join(process.cmdline())  # the shell is gone
        assert process.memory_info().rss - bare <= 6_000_000
        guest.close()


async def _bare_python() -> int:
    """How much of memory an interpreter takes that does nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", "print(flush=True); input()"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await said(process.stdout)
    taken = int(psutil.Process(process.pid).memory_info().rss)
    process.kill()
    await process.wait()
    return taken


HOST = """
import subprocess, sys
process = subprocess.Popen(["/bin/sh", "-c", sys.argv[1]], stdout=subprocess.PIPE)
print(process.pid, flush=True)
for line in process.stdout:
    pass
"""


async def test_nothing_is_left_of_it_when_its_host_is_killed(tmp_path: Path) -> None:
    async with bell(tmp_path) as guests:
        environ = environ_of(tmp_path)
        host = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOST, line_of(environ, "monitor")),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
        )
        monitor = psutil.Process(int(await said(host.stdout)))
        guest = await next_guest(guests)

        host.send_signal(signal.SIGKILL)
        await ended(host)

        await asyncio.to_thread(_wait_for_the_end, monitor)
        guest.close()


def _wait_for_the_end(process: psutil.Process) -> None:
    gone, _ = psutil.wait_procs([process], timeout=BOUND_S)
    assert gone or process.status() == psutil.STATUS_ZOMBIE


async def test_message_in_teams_is_a_line_of_the_monitor(stage: Stage) -> None:
    environ = host_environ(stage.environ, "one")
    async with daemon(stage), shim(environ) as hand, running(environ, "monitor") as monitor:
        await hand.shake_hands()
        await until(lambda: _is_attached(stage))
        await stage.tenant.say(stage.agent.user, "a secret plan")

        line = await said(monitor.stdout)
        [message] = (await hand.tool("read_messages"))["messages"]
        await hand.tool("done", turn=message["turn"])

    assert line == "1 Teams message waits. Call read_messages. [1]"


async def _is_attached(stage: Stage) -> bool:
    return bool((await stage.status())["sessions"])
