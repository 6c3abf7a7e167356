"""Build the preloaded library, and turn its knobs while the processes under it run.

What it does is told in faults.c; the two share one page of memory, laid out here as
there. A `Point` is a place in a process where it can be killed: before or after a write,
before or after a sync, after a read, of one kind of file or socket.
"""

import ctypes
import errno
import mmap
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import ClassVar

_SOURCE = Path(__file__).with_name("faults.c")
_COMPILE_S = 60.0
ALWAYS = 2**63
NS = 1_000_000_000


class Kind(IntEnum):
    """Whose reads, writes and syncs are watched."""

    DB = 1
    WAL = 2
    JOURNAL = 3
    CONNECTOR = 4
    GRAPH = 5
    LOGIN = 6
    WEBHOOK = 7
    LOCAL = 8  # the daemon's end of the local socket
    SHIM = 9  # the shim's end of it


class Moment(IntEnum):
    """When, around one call."""

    BEFORE_WRITE = 0
    AFTER_WRITE = 1
    BEFORE_SYNC = 2
    AFTER_SYNC = 3
    AFTER_READ = 4


class Call(IntFlag):
    """Which calls on the inbox's files fail."""

    WRITE = 1
    SYNC = 2
    OPEN = 4


FILES = (Kind.DB, Kind.WAL, Kind.JOURNAL)
_KINDS, _MOMENTS = len(Kind) + 1, len(Moment)


@dataclass(frozen=True, slots=True)
class Point:
    """A place to be killed at."""

    kind: Kind
    moment: Moment

    @property
    def number(self) -> int:
        """As the library counts it."""
        return self.kind * _MOMENTS + self.moment

    def __str__(self) -> str:
        return f"{self.moment.name} {self.kind.name}".lower().replace("_", " ")


class _Page(ctypes.Structure):
    # ctypes knows the fields' types, pyright does not: they are integers of 64 bits.
    _fields_: ClassVar = [
        *((name, ctypes.c_uint64) for name in ("point", "countdown", "takes_power", "no_power")),
        *((name, ctypes.c_uint64) for name in ("fired", "files", "calls", "error")),
        *((name, ctypes.c_uint64) for name in ("skip", "times", "refused")),
        ("clock_ns", ctypes.c_int64),
        ("sync_lies", ctypes.c_uint64),
        ("created", ctypes.c_uint64 * _KINDS),
        ("ports", ctypes.c_uint64 * _KINDS),
        ("seen", ctypes.c_uint64 * (_KINDS * _MOMENTS)),
    ]
    point: int
    countdown: int
    takes_power: int
    no_power: int
    fired: int
    files: int
    calls: int
    error: int
    skip: int
    times: int
    refused: int
    clock_ns: int
    sync_lies: int
    created: "ctypes.Array[ctypes.c_uint64]"
    ports: "ctypes.Array[ctypes.c_uint64]"
    seen: "ctypes.Array[ctypes.c_uint64]"


def missing() -> str | None:
    """Say why the library cannot be had here, or None if it can."""
    if not sys.platform.startswith("linux"):
        return "the library of faults is for Linux"
    return None if shutil.which("cc") else "there is no C compiler (cc)"


def build(folder: Path) -> Path:
    """Compile the library into *folder*; returns its path."""
    made = folder / "faults.so"
    words = ["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]
    words += [str(_SOURCE), "-o", str(made), "-ldl", "-lpthread"]
    subprocess.run(words, check=True, timeout=_COMPILE_S)
    return made


class Library:
    """The knobs; every process started with `environ` obeys them."""

    def __init__(self, built: Path, folder: Path) -> None:
        """Keep the shared page and the undo logs in *folder*."""
        self._built, self.control = built, folder / "faults.control"
        self.control.write_bytes(bytes(ctypes.sizeof(_Page)))
        with self.control.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), ctypes.sizeof(_Page))
        self._page = _Page.from_buffer(self._memory)

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process needs in its environment to run under the library."""
        return {"LD_PRELOAD": str(self._built), "FAULTS_CONTROL": str(self.control)}

    def name_ports(self, ports: Mapping[Kind, int]) -> None:
        """Say which port is which kind of socket."""
        for kind, port in ports.items():
            self._page.ports[kind] = port

    def arm(self, point: Point, nth: int = 1, *, takes_power: bool = False) -> None:
        """Kill the process that passes *point* for the *nth* time from now on."""
        self._page.point = 0
        self._page.fired = 0
        self._page.countdown = nth
        self._page.takes_power = takes_power
        self._page.point = point.number

    def disarm(self) -> bool:
        """Let processes live; tells whether one died at the armed point."""
        self._page.point = 0
        return bool(self._page.fired)

    @property
    def has_fired(self) -> bool:
        """Whether a process died at the point armed last."""
        return bool(self._page.fired)

    @property
    def victim(self) -> int:
        """The process that died at the point armed last, or is about to; 0 if none did."""
        return self._page.fired

    def fail(
        self,
        calls: Call,
        error: int = errno.EIO,
        *,
        skip: int = 0,
        times: int = ALWAYS,
    ) -> None:
        """Let *calls* on the inbox's files end in *error*, after *skip* that do not."""
        self._page.files = 0
        self._page.calls, self._page.error = calls, error
        self._page.skip, self._page.times, self._page.refused = skip, times, 0
        self._page.files = sum(1 << kind for kind in FILES)

    def mend(self) -> int:
        """Let the files work again; tells how many calls had failed."""
        self._page.files = 0
        return self._page.refused

    def shift_clock(self, seconds: float) -> None:
        """Set the wall clock *seconds* off."""
        self._page.clock_ns = int(seconds * NS)

    def lie_about_syncs(self) -> None:
        """Make every sync a word only: the disk of a machine that loses what it promised."""
        self._page.sync_lies = 1

    def cut_power(self) -> None:
        """Let no process start; the caller ends those that run."""
        self._page.no_power = 1

    def restore_power(self) -> None:
        """Let processes start again."""
        self._page.no_power = 0

    @property
    def has_power(self) -> bool:
        """Whether processes can start."""
        return not self._page.no_power

    def passed(self, point: Point) -> int:
        """Tell how often *point* was passed, by all processes together."""
        return self._page.seen[point.number]

    def log(self, kind: Kind) -> Path:
        """Name the undo log of the files of *kind*."""
        return Path(f"{self.control}.undo.{kind.value}")

    def take_created(self) -> list[Kind]:
        """List the files whose folder was not synced since they were made, and forget it."""
        fresh = [kind for kind in FILES if self._page.created[kind]]
        for kind in fresh:
            self._page.created[kind] = 0
        return fresh
