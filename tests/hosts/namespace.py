"""Run where nothing but loopback exists: what a host is can then not reach the world.

Linux only. Without root it takes a user namespace, in which we look like root. Where a
system gives neither, `make hosts` runs without and says so in every line.
"""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

_MARK = "ENTRACLAW_HOSTS_ALONE"
_BOUND_S = 10.0
_UP = 0x1  # IFF_UP, <linux/if.h>
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914  # SIOCGIFFLAGS, SIOCSIFFLAGS
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, <linux/prctl.h>


def unavailable() -> str | None:
    """Say why there is no such place here, or None if there is."""
    if is_inside():
        return None
    if sys.platform != "linux":
        return "a network namespace needs Linux"
    if shutil.which("unshare") is None:
        return "there is no `unshare` here (util-linux)"
    tried = subprocess.run(
        [*_unshare(), "true"], capture_output=True, timeout=_BOUND_S, check=False, text=True
    )
    return tried.stderr.strip() or "unshare fails" if tried.returncode else None


def is_inside() -> bool:
    """Whether we run in one already."""
    return bool(os.environ.get(_MARK))


def enter(module: str, words: list[str]) -> None:
    """Become ``python -m`` *module* *words*, inside."""
    environ = {**os.environ, _MARK: "1"}
    command = [*_unshare(), sys.executable, "-m", module, *words]
    os.execvpe(command[0], command, environ)  # noqa: S606 - we, again


def prepare() -> None:
    """Bring loopback up if it is ours, and become the parent of every orphan below us."""
    if is_inside():
        _bring_up()
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _bring_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _GET_FLAGS, asked))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


def _unshare() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net"]
