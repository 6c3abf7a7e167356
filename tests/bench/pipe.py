"""From the daemon's socket through a shim to its host's pipe, and back: `python -m bench.pipe`.

The daemon and the host are one thread here: it writes a line at one end and waits for it at
the other, so both times are of one clock and nothing of ours runs between. The shim is the
real one; beside it, line by line in turn, the floor is a process that only pumps. Lines are
paced: the subject is how long one takes, not how many pass.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Figures, quantile_ms, run, say
from bench.sizes import size
from bot.stage import PROFILE
from scenarios.processes import SHIM

NUMBER = size(2000, 200)  # lines, each way
_WARMING = 50
_PACE_S = 0.002
_BOUND_S = 20.0
_DOWN = (
    b'{"jsonrpc":"2.0","method":"notifications/claude/channel","params":{"content":'
    b'"2 Teams messages wait. Call read_messages.","meta":{"waiting":"2"}}}\n'
)
_UP = (
    b'{"method":"notifications/progress","params":{"progressToken":%d,"progress":1},'
    b'"jsonrpc":"2.0"}\n'
)


@dataclass(frozen=True, slots=True)
class Pumped:
    """A process between a socket and two pipes, all in our hands."""

    daemon: socket.socket
    stdin: int
    stdout: int

    def down(self, number: int) -> float:
        """Send a line from the daemon to the host; seconds until it is there."""
        del number
        began = time.perf_counter()
        self.daemon.sendall(_DOWN)
        _take(lambda: os.read(self.stdout, 1 << 16), _DOWN)
        return time.perf_counter() - began

    def up(self, number: int) -> float:
        """Send a line from the host to the daemon; seconds until it is there."""
        line = _UP % number
        began = time.perf_counter()
        os.write(self.stdin, line)
        _take(lambda: self.daemon.recv(1 << 16), line)
        return time.perf_counter() - began


async def measure() -> Figures:
    return await asyncio.to_thread(_measure)


def _measure() -> Figures:
    with TemporaryDirectory(prefix="bench-") as name:
        place = Path(name) / PROFILE / "run" / "daemon.sock"
        place.parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            listener.listen()
            listener.settimeout(_BOUND_S)
            floor = [sys.executable, "-m", "bench.pump", str(place)]
            with _pumped(listener, SHIM, name) as shim, _pumped(listener, floor, name) as pump:
                return _times("pipe", Pumped.down, shim, pump) | _times(
                    "pipe_up", Pumped.up, shim, pump
                )


def _times(
    name: str, pass_one: Callable[[Pumped, int], float], shim: Pumped, floor: Pumped
) -> Figures:
    """Pass lines through both in turn; gives the figures under *name*."""
    say(f"{name}, {NUMBER} lines through the shim and as many through the floor")
    ours: list[float] = []
    least: list[float] = []
    for number in range(_WARMING + NUMBER):
        ours.append(pass_one(shim, number))
        time.sleep(_PACE_S / 2)
        least.append(pass_one(floor, number))
        time.sleep(_PACE_S / 2)
    ours, least = ours[_WARMING:], least[_WARMING:]
    return {
        f"{name}_p50_ms": quantile_ms(ours, 0.5),
        f"{name}_p99_ms": quantile_ms(ours, 0.99),
        f"{name}_floor_p50_ms": quantile_ms(least, 0.5),
        f"{name}_floor_p99_ms": quantile_ms(least, 0.99),
        f"{name}_number": NUMBER,
    }


@contextmanager
def _pumped(listener: socket.socket, command: Sequence[str], home: str) -> Generator[Pumped]:
    """Run *command* until it has connected and said its first line, and end it at the end."""
    with subprocess.Popen(
        command,
        env={**os.environ, "ENTRACLAW_HOME": home},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        daemon, _ = listener.accept()
        with daemon:
            while daemon.recv(1) != b"\n":
                pass
            yield Pumped(daemon, process.stdin.fileno(), process.stdout.fileno())
            process.stdin.close()
            process.wait(_BOUND_S)


def _take(read: Callable[[], bytes], line: bytes) -> None:
    got = b""
    while len(got) < len(line):
        got += read()
    assert got == line


if __name__ == "__main__":
    run(measure)
