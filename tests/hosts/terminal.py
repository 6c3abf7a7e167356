"""A terminal for a program that wants one: its screen is read and thrown away.

The last of what it drew is kept, to be shown when something goes wrong.
"""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_KEPT = 64 * 1024  # bytes
_ROWS, _COLUMNS = 50, 160
_GRACE_S = 10.0
# Takes the terminal as its own, as a login does, and becomes the program.
_LOGIN = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"
_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_TITLE = re.compile(rb"\x1b\]0;([^\x07\x1b]*)\x07")
_LONGEST_TITLE = 256  # bytes
_MOVES = re.compile(rb"\x1b\[[0-9;]*[ABEFHfJd]")  # leaves a line: what follows is another


class Ended(Exception):
    """The program has closed its terminal."""


class Terminal:
    """A running program and the terminal it runs in."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        """Hold the terminal's other side, *master*, for *process*."""
        self._master, self.process = master, process
        self._kept = bytearray()
        self._titled = asyncio.Event()
        self._is_closed = False
        self.title = ""  # of its window, as the program set it last

    @classmethod
    @asynccontextmanager
    async def running(
        cls, words: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> AsyncGenerator["Terminal"]:
        """Run *words* in *folder* while the body runs; at the end it is told, then made, to end."""
        master, slave = pty.openpty()
        try:
            _resize(master, _ROWS, _COLUMNS)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _LOGIN, *words,
                stdin=slave, stdout=slave, stderr=slave, env=dict(environ), cwd=folder,
            )  # fmt: skip
        finally:
            os.close(slave)
        terminal = cls(master, process)
        os.set_blocking(master, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, terminal._read)
        try:
            yield terminal
        finally:
            await terminal._end()
            loop.remove_reader(master)
            os.close(master)

    def type(self, text: str) -> None:
        """Press the keys of *text*."""
        os.write(self._master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Make the window so large; the program is told."""
        _resize(self._master, rows, columns)

    def kill(self) -> None:
        """End the program with no warning; one that has ended already is left alone."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def shows(self, title: str) -> None:
        """Wait until its window has a title that begins with *title*.

        Raises:
            Ended: There is no window any more.
        """
        while not self.title.startswith(title):
            if self._is_closed:
                raise Ended
            self._titled.clear()
            await self._titled.wait()

    @property
    def screen(self) -> str:
        """What was drawn last, roughly: without colours, and a line for each move."""
        lines = _MOVES.sub(b"\n", bytes(self._kept))
        text = _ESCAPE.sub(b"", lines).decode(errors="replace").replace("\r", "\n")
        return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())

    def _read(self) -> None:
        try:
            drawn = os.read(self._master, _KEPT)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody holds the other side any more
            drawn = b""
        if not drawn:
            asyncio.get_running_loop().remove_reader(self._master)
            self._is_closed = True
            self._titled.set()
            return
        self._kept += drawn
        del self._kept[:-_KEPT]
        titles = _TITLE.findall(self._kept[-len(drawn) - _LONGEST_TITLE :])
        if titles:
            self.title = titles[-1].decode(errors="replace")
            self._titled.set()

    async def _end(self) -> None:
        for word in (signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            with suppress(ProcessLookupError):
                self.process.send_signal(word)
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await self.process.wait()


def _resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
