"""What a service manager starts: the daemon runs, ends and comes back as it should."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bot.stage import BOUND_S, PROFILE, until
from entraclaw.bot import lock
from entraclaw.bot.local_client import ask
from entraclaw.bot.services.program import Program
from entraclaw.errors import NotRunning

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no daemon runs there yet")


class Kept:
    """A keeper, and the daemon below it."""

    def __init__(self, home: Path, process: asyncio.subprocess.Process) -> None:
        self.home, self.process = home, process

    async def pid(self) -> int | None:
        """The daemon's; None while none answers."""
        try:
            return int((await asyncio.to_thread(ask, str(self.home / PROFILE)))["pid"])
        except NotRunning:
            return None

    async def is_up(self) -> bool:
        return await self.pid() is not None

    async def ended(self) -> int:
        async with asyncio.timeout(BOUND_S):
            return await self.process.wait()

    def says(self) -> str:
        log = self.home / PROFILE / "logs" / "service.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""


@asynccontextmanager
async def keeper(home: Path) -> AsyncGenerator[Kept]:
    """Start it as a service manager does, and leave nothing of it."""
    process = await asyncio.create_subprocess_exec(
        *Program(sys.executable, str(home), PROFILE).words,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Kept(home, process)
    finally:
        if process.returncode is None:
            process.kill()  # what is below it ends by itself: a test of its own
            await process.wait()


async def up(kept: Kept) -> psutil.Process:
    await until(kept.is_up)
    pid = await kept.pid()
    assert pid is not None
    return psutil.Process(pid)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_daemon_that_was_killed_is_back_and_ends_when_its_keeper_is_told(
    tmp_path: Path,
) -> None:
    async with keeper(tmp_path) as kept:
        first = await up(kept)
        first.kill()

        async def is_another() -> bool:
            return await kept.pid() not in {None, first.pid}

        await until(is_another)
        second = await up(kept)
        kept.process.terminate()

        assert await kept.ended() == 0
        assert is_gone(second)
        assert "the daemon ended with -9; started again in 1 s" in kept.says()


async def test_daemon_does_not_outlive_a_keeper_that_was_killed(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept:
        daemon = await up(kept)
        kept.process.kill()
        await kept.ended()

        async def is_over() -> bool:
            return is_gone(daemon)

        await until(is_over)


async def test_wrong_settings_are_said_once_and_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / PROFILE).mkdir()
    (tmp_path / PROFILE / "config.toml").write_text("port = 99999\n", encoding="utf-8")

    async with keeper(tmp_path) as kept:
        assert await kept.ended() == (0 if sys.platform == "darwin" else 2)
        assert kept.says().count("port: must be a port number") == 1
        assert "the daemon ended with 2, and is left" in kept.says()


async def test_profile_that_another_daemon_holds_is_taken_over_when_that_ends(
    tmp_path: Path,
) -> None:
    async with keeper(tmp_path) as kept:
        with lock.hold(tmp_path / PROFILE):

            async def is_refused() -> bool:
                return "a daemon already serves this profile" in kept.says()

            await until(is_refused)
        await up(kept)

        assert "the daemon ended with 1; started again in 1 s" in kept.says()


async def test_keeper_that_is_told_to_end_while_it_waits_ends_at_once(tmp_path: Path) -> None:
    with lock.hold(tmp_path / PROFILE):
        async with keeper(tmp_path) as kept:

            async def is_waiting() -> bool:
                return "started again in" in kept.says()

            await until(is_waiting)
            kept.process.send_signal(signal.SIGINT)

            assert await kept.ended() == 0


async def test_log_that_has_grown_is_kept_aside(tmp_path: Path) -> None:
    log = tmp_path / PROFILE / "logs" / "service.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 1_000_001)

    async with keeper(tmp_path) as kept:
        await up(kept)
        kept.process.terminate()

        assert await kept.ended() == 0
        assert log.stat().st_size < 1000
        assert log.with_name("service.log.1").stat().st_size == 1_000_001
        assert log.stat().st_mode & 0o777 == 0o600
