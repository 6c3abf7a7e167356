"""The daemon under test: whoever started it, found by its local socket, watched by its pid.

A shim that is attached starts a daemon when the last one dies, as a user's would; the
harness starts one only when no shim is there to do it.
"""

import asyncio
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from bot.stage import PROFILE
from entraclaw.bot import home, lock
from entraclaw.errors import AlreadyRunning

START_S = 30.0
_LOOK_S = 0.02
_END_S = 15.0
_SERVE = (sys.executable, "-m", "entraclaw", "--profile", PROFILE, "serve")


def has_ended(pid: int) -> bool:
    """Whether the process *pid* runs no more, reaped or not."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 0)[0])
    finally:
        os.close(watched)


class Daemon:
    """One profile's daemon, alive or not."""

    def __init__(self, folder: Path, environ: Mapping[str, str], log: Path) -> None:
        """Serve the profile in *folder*; what a daemon of ours says on stderr goes to *log*."""
        self.folder, self._environ, self._log = folder, environ, log
        self._started: list[subprocess.Popen[bytes]] = []
        self.pid = 0
        self.starts = 0
        self._watched = -1
        self._gone = asyncio.Event()

    def start(self) -> None:
        """Start one; `up` tells when it is there."""
        self._started = [process for process in self._started if process.poll() is None]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                _SERVE,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)

    async def up(self, patience_s: float = START_S) -> bool:
        """Wait until one answers; False if none does in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while True:
                    pid = self._probe()
                    if pid and self._watch(pid):
                        return True
                    await asyncio.sleep(_LOOK_S)
        return False

    def is_up(self) -> bool:
        """Whether the one that was last seen still lives."""
        return self.pid != 0 and not self._gone.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self._watched >= 0 and not self._gone.is_set():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._watched, number)

    async def gone(self, patience_s: float) -> bool:
        """Wait until it has ended; False if it lives on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._gone.wait()
        return self._gone.is_set()

    async def kill(self) -> None:
        """End it at once, and wait for that."""
        self.signal(signal.SIGKILL)
        await self.gone(_END_S)

    async def second(self) -> tuple[int, str]:
        """Start another one beside it; gives how it ended, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *_SERVE,
            env=dict(self._environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(START_S):
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, said.decode()

    async def alone(self, do: Callable[[], None]) -> None:
        """Kill whoever has the profile, and *do* something while nobody can have it."""
        while True:
            try:
                with lock.hold(self.folder):
                    do()
            except AlreadyRunning:
                self._kill_holder()
                await asyncio.sleep(_LOOK_S)
            else:
                return

    async def end(self) -> None:
        """Ask it to stop, then make it; nothing that the harness started stays."""
        self.signal(signal.SIGTERM)
        if not await self.gone(_END_S):
            await self.kill()
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(_END_S)

    def _kill_holder(self) -> None:
        """Kill the daemon that noted itself last, if that is one and lives."""
        with suppress(ValueError, OSError):
            pid = int((self.folder / "run" / "daemon.pid").read_text(encoding="ascii"))
            if b"entraclaw" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

    def _probe(self) -> int:
        """Ask the kernel who listens at the local socket; 0 if nobody does."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(home.socket_path(str(self.folder)))
            except OSError:
                return 0
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int(struct.unpack("3i", raw)[0])

    def _watch(self, pid: int) -> bool:
        """Hold on to *pid*, so that its end is an event; False if it has ended meanwhile."""
        if pid == self.pid and not self._gone.is_set():
            return True
        try:
            fresh = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        self._forget()
        self.pid, self._watched, self._gone = pid, fresh, asyncio.Event()
        self.starts += 1
        asyncio.get_running_loop().add_reader(fresh, self._has_gone)
        return True

    def _has_gone(self) -> None:
        self._gone.set()
        self._forget()

    def _forget(self) -> None:
        if self._watched >= 0:
            asyncio.get_running_loop().remove_reader(self._watched)
            os.close(self._watched)
            self._watched = -1
