"""The contract against a real polkit; `test_presence_polkit` runs this as a user of its own.

What asks is a process on a terminal of its own, as a command in somebody's terminal is. The
password is typed there, at the prompt of polkit's own agent.
"""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.test_proving import Scene, proving
from contracts.presence import BOUND_S, WHAT, PresenceContract
from entraclaw.bot import presence
from entraclaw.bot.access import DESK
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.presence import Presence
from entraclaw.bot.presence.polkit import PLACES, Polkit, action, started
from entraclaw.errors import ProofRefused

PASSWORD = "a-password-for-the-test"
NO_AGENT, AGENT = "no agent", "agent"

# A command that waits to be asked: with an agent on its terminal, or without one.
COMMAND = f"""
import signal, sys
from entraclaw.bot.presence.terminal import asked_here
with asked_here("polkit" if sys.argv[1] == {AGENT!r} else "none"):
    print("ready", flush=True)
    signal.pause()
"""


# A command that wants something of a daemon.
WISH = """
import sys
from pathlib import Path
from entraclaw.bot.wishing import wish
wish(Path(sys.argv[1]), {"change": "thing", "here": True}, None, print)
"""


class Terminal:
    """A terminal, the command in it, and somebody who types when asked for a password."""

    def __init__(self, words: list[str], types: str) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            # As a login starts it: what runs in a shell's background has SIGINT switched off.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - our own interpreter
        self.said = b""
        self._code: int | None = None
        self._types, self._is_over = types, Event()
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait_for(self, words: bytes) -> None:
        end = time.monotonic() + BOUND_S
        while words not in self.said:
            assert time.monotonic() < end, self.said
            self._reading.join(0.02)

    def wait(self) -> int:
        """Wait until the command has ended; gives what it left with."""
        self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def close(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)
        self._is_over.set()
        self._reading.join()  # before the number of its terminal is somebody else's
        os.close(self._terminal)

    def _read(self) -> None:
        while not self._is_over.is_set():
            try:
                # It drops what is typed before it has turned the echo off, and says only that
                # it is about to: whoever types waits a moment, as a person does.
                if select.select([self._terminal], [], [], 0.2)[0]:
                    self.said += os.read(self._terminal, 4096)
                elif self._types and self.said.endswith(b"Password: "):
                    os.write(self._terminal, f"{self._types}\n".encode())
            except OSError:
                return


@contextmanager
def terminal(agent: str = AGENT, types: str = "") -> Generator[Terminal]:
    with typed(["-c", COMMAND, agent], types) as one:
        one.wait_for(b"ready")
        yield one


@contextmanager
def typed(words: list[str], types: str = PASSWORD) -> Generator[Terminal]:
    """Run Python with *words* in a terminal where somebody types."""
    one = Terminal(words, types)
    try:
        yield one
    finally:
        one.close()


class TestPolkit(PresenceContract):
    """Polkit, with its own agent on a terminal."""

    look_s = 3.0

    @pytest.fixture
    def agreeing(self) -> Generator[Presence]:
        with terminal(types=PASSWORD) as one:
            yield Polkit(one.pid)

    @pytest.fixture
    def refusing(self) -> Generator[Presence]:
        with terminal(types="\x03") as one:  # Ctrl-C at the prompt, or what is no password
            yield Polkit(one.pid)

    @pytest.fixture
    def silent(self) -> Generator[Presence]:
        with terminal() as one:
            yield Polkit(one.pid)


async def test_person_is_shown_exactly_what_is_asked() -> None:
    with terminal(types=PASSWORD) as one:
        assert await Polkit(one.pid).ask(WHAT)

        assert WHAT.encode() in one.said


async def test_wrong_password_is_a_no() -> None:
    with terminal(types="wrong") as one:
        asking = asyncio.create_task(Polkit(one.pid).ask(WHAT))
        await asyncio.to_thread(one.wait_for, b"AUTHENTICATION FAILED")
        assert not asking.done() or asking.result() is False
        asking.cancel()


@pytest.mark.parametrize(("types", "code"), [(PASSWORD, 0), ("\x03", 130)], ids=["yes", "no"])
def test_command_without_a_daemon_asks_for_the_password_and_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, types: str, code: int
) -> None:
    monkeypatch.setenv("ENTRACLAW_HOME", str(tmp_path))
    person = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10/b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
    with typed(["-m", "entraclaw", "access", "allow", person, "--here"], types) as one:
        assert one.wait() == code

        assert f"let {person} speak".encode() in one.said
    assert len(AccessFile(tmp_path / "default").load().allowed) == (code == 0)


@pytest.mark.parametrize("types", [PASSWORD, "\x03"], ids=["yes", "no"])
async def test_daemon_has_polkit_ask_on_the_terminal_of_the_command(
    tmp_path: Path, types: str
) -> None:
    scene = Scene()
    async with proving(tmp_path, scene, here=presence.here):
        with typed(["-c", WISH, str(tmp_path)], types) as one:
            await asyncio.to_thread(one.wait)

            assert b"agent to do the thing" in one.said
    assert scene.done == ([DESK] if types == PASSWORD else [])


async def test_where_nobody_can_ask_it_says_so() -> None:
    with terminal(NO_AGENT) as one, pytest.raises(ProofRefused, match="nobody who could ask"):
        await Polkit(one.pid).ask(WHAT)


async def test_process_that_is_gone_is_a_no() -> None:
    with terminal() as one:
        pid = one.pid

    assert await Polkit(pid).ask(WHAT) is False


async def test_polkit_that_says_yes_to_everything_proves_nothing() -> None:
    """Ours: a rule that lets the user do everything would let their agent, too."""
    with terminal(types=PASSWORD) as one, allowing_all():
        async with asyncio.timeout(BOUND_S):
            # polkitd sees its folder change, and says so to nobody; until then it asks.
            while await is_asked(one):
                pass
        with pytest.raises(ProofRefused, match="without asking anybody"):
            await Polkit(one.pid).ask(WHAT)


@contextmanager
def allowing_all() -> Generator[None]:
    """Have a rule of the system let this user do everything without a question."""
    rule = Path(os.environ["ENTRACLAW_POLKIT_RULES"]) / "00-all.rules"
    rule.write_text(
        "polkit.addRule(function(action, subject) { return polkit.Result.YES; });\n",
        encoding="ascii",
    )
    try:
        yield
    finally:
        rule.unlink()


async def is_asked(one: Terminal) -> bool:
    """Whether polkit would ask before it says yes."""
    words = ["pkcheck", "--action-id", action(os.getuid()), "--process"]
    process = await asyncio.create_subprocess_exec(
        *words,
        f"{one.pid},{started(one.pid)},{os.getuid()}",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return await process.wait() != 0


def test_it_is_what_linux_has_and_tells_what_is_missing() -> None:
    assert isinstance(presence.here(os.getpid()), Polkit)
    assert Polkit(0).unavailable() == "the system does not tell which process asks"
    assert any((place / f"{action(os.getuid())}.policy").is_file() for place in PLACES)
