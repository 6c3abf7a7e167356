"""Processes that crash, and whether the system wrote a core of them."""

import ctypes
import importlib
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

_PR_CAPBSET_DROP = 24
_LOOKING = (19, 21, 38)  # CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON: each may look


@contextmanager
def cores_allowed() -> Generator[None]:
    """Let what is started in the body write cores of any size, as far as this machine does."""
    limits = importlib.import_module("resource")  # Windows has none
    soft, most = limits.getrlimit(limits.RLIMIT_CORE)
    limits.setrlimit(limits.RLIMIT_CORE, (most, most))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_CORE, (soft, most))


def crash(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGSEGV) -> bool:
    """Kill *process* as a fault in it would; gives whether the kernel says that it left a core.

    It says so whether cores go to a file or to a program (WCOREDUMP in waitpid(2)).
    """
    process.send_signal(number)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -number
    return os.WCOREDUMP(status)


def without_ptrace() -> None:
    """Give up, in a process about to run a program, what root may and other users may not.

    Of processes that gave it up, one looks into the other as two of one plain user do.
    """
    # Not root already: then there is nothing to give up, and the kernel says so.
    calls = ctypes.CDLL(None)
    for capability in _LOOKING:
        calls.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
