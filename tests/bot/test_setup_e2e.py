"""From nothing to a message, by one command; and the same where it broke off on the way."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot.founding import asked, founded
from bot.lending import authority
from bot.stage import PROFILE, Sandbox, Stage
from entraclaw.bot.local_client import ask
from entraclaw.bot.setup.profile_files import JournalFile
from entraclaw.bot.tenant import Tenant
from entraclaw.errors import NotRunning
from entraclaw.identity import AgentIds
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.seeking import SETTLED_S
from sandbox import person as somebody

BOUND_S = 50.0  # two commands start, on a loaded machine


@pytest.fixture
async def bare(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with aiohttp.ClientSession() as session:
        tenant = Tenant(session, emulation.control, emulation.secret)
        yield Stage(emulation, session, tenant, AgentIds(await tenant.home()), tmp_path / "home")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


@pytest.mark.long
async def test_from_nothing_to_a_message_by_one_command(bare: Stage) -> None:
    """One command, one sign-in, no hand on a file; Ada writes once the agent is there."""
    port, ca = free_port(), authority(bare)
    browser = f"{sys.executable} {somebody.__file__} {ca} ada %s"
    environ = {**bare.environ, "BROWSER": browser, "ENTRACLAW_PORT": str(port)}
    words = ["--cloud", str(bare.sandbox.cloud), "--key-store", "unsafe-file"]
    words += [
        "--name",
        "Claw",
        "--licence",
        "SPE_E5",
        "--endpoint",
        f"http://127.0.0.1:{port}/api/messages",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "entraclaw", "--profile", PROFILE, "setup", "--json", *words),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        bare.agent = await listening(bare)
        await bare.say("hello, are you there?")
        out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    finally:
        await end_daemon(bare)

    assert process.returncode == 0, err.decode()
    document = json.loads(out)
    assert document["user"] == bare.agent.user
    assert document["consent"] is None
    assert err.decode().count("signed in:") == 1
    assert json.loads((bare.folder / "state" / "setup.json").read_text())["is_done"] is True


async def listening(stage: Stage) -> AgentIds:
    """Wait until the daemon that setup starts answers; gives whose it is."""
    found: list[AgentIds] = []

    async def is_up() -> bool:
        try:
            told = (await asyncio.to_thread(ask, str(stage.folder)))["identity"]
        except NotRunning:
            return False
        ids = (told["tenant"], told["blueprint"], told["agent"], told["agent_user"])
        found.append(AgentIds(*ids))
        return True

    async with asyncio.timeout(BOUND_S):
        # It is another process: there is no event to wait for.
        while not await is_up():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found[-1]


async def end_daemon(stage: Stage) -> None:
    try:
        pid = (await asyncio.to_thread(ask, str(stage.folder)))["pid"]
    except NotRunning:
        return
    os.kill(pid, signal.SIGTERM)


class CutOffError(Exception):
    """The process ended here."""


class Dying(JournalFile):
    """A journal with whose *last* note, written or not, the process ends."""

    def __init__(self, folder: Path, last: int, *, is_written: bool) -> None:
        super().__init__(folder)
        self._left, self._is_written = last, is_written

    def keep(self, journal: Journal) -> None:
        self._left -= 1
        if self._left or self._is_written:
            super().keep(journal)
        if not self._left:
            raise CutOffError


def backdate(file: JournalFile) -> None:
    """Let so much time pass that every copy of the directory shows what was made."""
    journal = file.read()
    if journal is not None:
        begun = {part: at - SETTLED_S for part, at in journal.begun.items()}
        file.keep(replace(journal, begun=begun))


@pytest.mark.long
@pytest.mark.parametrize("is_written", [False, True])
async def test_setup_that_broke_off_at_any_note_ends_the_same(
    bare: Stage, tmp_path: Path, *, is_written: bool
) -> None:
    """One of each, whole, and the journal says that all of it is ours."""
    number = 0
    while True:
        number += 1
        wanted = asked(bare.sandbox, licence="", no_licence=True)
        home = tmp_path / f"home {number}"
        dying = partial(Dying, last=number, is_written=is_written)
        try:
            await founded(bare.sandbox, home, wanted, file=dying)
        except CutOffError:
            backdate(JournalFile(home / PROFILE))
            made = await founded(bare.sandbox, home, wanted)
            journal = made.applied.journal
            assert all(journal.made(part) for part in Part), number
            assert made.applied.lacking.lacks == ()
            assert journal.certificates
            assert journal.endpoint
            continue
        break

    assert number > 12
