"""systemd's manager of a user, run for a test: in namespaces of its own, where it may be one.

It wants a control group to itself and a machine that systemd booted; in a mount, process and
control group namespace it finds both. Needs root, for these.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

BOUND_S = 25.0
_MANAGER = Path("/lib/systemd/systemd")
_RUNTIME = "/run/user/test"

# Ends with its standard input, and takes the control groups along.
_INIT = f"""
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system {_RUNTIME}
chmod 700 {_RUNTIME}
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/entraclaw-test
mkdir -p $group
sh -c 'echo $$ >'$group'/cgroup.procs; exec {_MANAGER} --user --log-target=null' &
while ! systemctl --user show --property=Version >/dev/null 2>&1; do
  kill -0 $!
  sleep 0.05
done
echo up
read -r line || true
kill $!
wait $! || true
find $group -depth -type d -exec rmdir {{}} +
"""


def missing() -> str:
    """Say why there can be none here; empty if there can."""
    if not _MANAGER.exists() or shutil.which("systemctl") is None:
        return "`make parts` installs systemd"
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return "namespaces of its own need root and unshare"
    return ""


@dataclass(frozen=True, slots=True)
class Inside:
    """Where it runs.

    Attributes:
        pid: Of its first process.
        environ: The environment of its user.
    """

    pid: int
    environ: Mapping[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program there to its end."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--cgroup", "--", *words]
        return subprocess.run(
            enter,
            env=dict(self.environ),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=BOUND_S,
            check=False,
        )


@contextmanager
def running(home: Path) -> Generator[Inside]:
    """Run one for a user whose home is *home*."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "HOME": str(home),
        "XDG_RUNTIME_DIR": _RUNTIME,
    }
    words = ["unshare", "--mount", "--cgroup", "--pid", "--fork", "--mount-proc", "sh", "-c", _INIT]
    with subprocess.Popen(
        words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        killer = threading.Timer(3 * BOUND_S, process.kill)
        killer.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            [init] = psutil.Process(process.pid).children()
            yield Inside(init.pid, environ)
            process.communicate("", timeout=BOUND_S)
            assert process.returncode == 0
        finally:
            killer.cancel()
            process.kill()
