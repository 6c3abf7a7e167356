"""A daemon in this loop, and people and hosts beside it; import the fixture `beside` to use it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.asking import BOUND_S
from bot.stage import PROFILE, until
from bot.typed import Said, typing
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.settings import Settings

Type = Callable[..., Awaitable[Said]]

# Runs what follows on a terminal of its own, as a person has one.
TERMINAL = (
    sys.executable,
    "-c",
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
)


@dataclass(frozen=True, slots=True)
class Beside:
    """A daemon in this loop, and a person beside it."""

    home: Path
    daemon: Daemon
    typed: Type

    @property
    def folder(self) -> Path:
        return self.home / PROFILE

    async def waiting(self, number: int = 1) -> list[str]:
        """Wait until *number* requests are open; gives their ids."""
        approvals = self.daemon.approvals

        async def are() -> bool:
            return len(approvals.open()) == number

        await until(are)
        return [one.id for one in approvals.open()]

    async def run(self, *words: str) -> tuple[int, str]:
        """Run a program; gives how it ended and what it said."""
        process = await asyncio.create_subprocess_exec(
            *words,
            env={**os.environ, "ENTRACLAW_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        async with asyncio.timeout(BOUND_S):
            said, _ = await process.communicate()
            return await process.wait(), said.decode()


@pytest.fixture
async def beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncGenerator[Beside]:
    """A daemon that relays what comes over channels; its profile has no agent."""
    (tmp_path / PROFILE).mkdir()
    text = 'channel_permissions = true\nkey_store = "unsafe-file"\n'
    (tmp_path / PROFILE / "config.toml").write_text(text, encoding="utf-8")
    run = typing(tmp_path, monkeypatch, capsys, PROFILE)

    def type_beside(*words: str) -> Awaitable[Said]:
        return asyncio.to_thread(run, *words)

    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, PROFILE)
    async with Daemon.running(settings) as daemon:
        yield Beside(tmp_path, daemon, type_beside)


def answering(*words: str) -> list[str]:
    """Answer at a terminal."""
    entraclaw = [sys.executable, "-m", "entraclaw", "--profile", PROFILE]
    return [*TERMINAL, *entraclaw, "approvals", "answer", *words]
