"""Keep what this process has in its memory out of core files, and out of others' reach.

A daemon at work holds tokens, perhaps a PIN, and a key if its store is one that can be
copied. Nothing of that is ever written down by us, and a crash must not do it either.
docs/identity/threats.md says what this guards against, and what it does not.
"""

import ctypes
import importlib
import os
import sys

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def seal() -> str | None:
    """Have the system write no core of this process, and on Linux let nobody look into it.

    Linux then also refuses ptrace, `/proc/PID/mem` and `/proc/PID/environ` to programs of
    the same user, root's excepted (PR_SET_DUMPABLE in prctl(2)). A child that runs another
    program is not sealed.

    Returns:
        Why it could not be done; None if it is.
    """
    if os.name != "posix":
        return "this system has no way to ask for it"
    try:
        # By its name: Windows has no such module.
        limits = importlib.import_module("resource")
        _, most = limits.getrlimit(limits.RLIMIT_CORE)
        limits.setrlimit(limits.RLIMIT_CORE, (0, most))
        if sys.platform == "linux":
            _undumpable()
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _undumpable() -> None:
    # The limit alone is not asked where cores go to a program (core(5)), as systemd has it.
    calls = ctypes.CDLL(None, use_errno=True)
    if calls.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
