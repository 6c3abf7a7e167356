"""What a process costs, seen from outside: syncs, wake-ups, CPU, memory.

Syncs and wake-ups are counted by strace, where it is installed and may trace; the
process is not asked and does not know.
"""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

NOT_MEASURED = "not measured"

# The calls in which a thread sleeps until something happens.
_SLEEPS = (
    "epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll,select,pselect6,futex,"
    "nanosleep,clock_nanosleep,rt_sigtimedwait,io_getevents"
)
# A call that came back: one with a timeout of nothing did not sleep, nor does who wakes others.
_BACK = re.compile(rb"^\d+ +(?:\w+\(.*|<\.\.\. .* resumed>.*\)) += ")
_SLEPT_NOT = re.compile(rb"FUTEX_WAKE|^\d+ +\w*poll\w*\(.*, 0(?:, NULL(?:, 8)?)?\) += ")


def can_trace() -> bool:
    return shutil.which("strace") is not None


@asynccontextmanager
async def traced(
    words: Sequence[str], environ: Mapping[str, str], out: Path
) -> AsyncGenerator[None]:
    """Run ``python -m`` *words* with every fsync and fdatasync noted in *out*.

    Only these two calls stop the process (seccomp), so that its speed stays its own.
    """
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-o", str(out)]
    process = await asyncio.create_subprocess_exec(
        *strace, "-e", "trace=fsync,fdatasync", sys.executable, "-m", *words,
        env=dict(environ), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def syncs(out: Path) -> int:
    """Count the syncs noted in *out* so far: a call cut in two by another thread is one."""
    return out.read_bytes().count(b"sync(")


async def wakeups(pid: int, seconds: float, out: Path) -> int | None:
    """Count how often any thread of *pid* wakes in *seconds*; None where nobody may look."""
    if not can_trace():
        return None
    process = await asyncio.create_subprocess_exec(
        "strace", "-f", "-qq", "-e", f"trace={_SLEEPS}", "-e", "signal=none",
        "-o", str(out), "-p", str(pid),
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        process.send_signal(signal.SIGINT)  # it lets go and leaves what it watched running
        await process.wait()
        return sum(map(_is_wakeup, out.read_bytes().splitlines()))
    return None


def _is_wakeup(line: bytes) -> bool:
    return bool(_BACK.match(line)) and not _SLEPT_NOT.search(line)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that *pid* has used in all its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def rss_mb(pid: int) -> float:
    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)
