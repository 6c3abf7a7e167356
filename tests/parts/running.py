"""The sandbox as a person starts it, kept running while a test looks at it from outside."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

BOUND_S = 25.0
_UP = "Everything keeps running"


@contextmanager
def running_sandbox(home: Path) -> Generator[Mapping[str, str]]:
    """Run `entraclaw sandbox` in *home*.

    Gives the settings that a host of it needs, and the URL of its chat page as ``PAGE``.
    """
    settings = {"ENTRACLAW_HOME": str(home), "ENTRACLAW_PROFILE": "sandbox"}
    with subprocess.Popen(
        [sys.executable, "-m", "entraclaw", "sandbox"],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with _killed_if_too_late(process):
                page = _wait_until_up(process)
            yield {**settings, "PAGE": page}
        finally:
            # Not Ctrl-C: what a shell starts in the background has that switched off.
            process.terminate()
            with _killed_if_too_late(process):
                process.communicate()
    assert process.returncode == 0  # it ended by itself, and in order


def _wait_until_up(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        if _UP in line:
            return process.stdout.readline().split()[-1]
        said.append(line)
    raise AssertionError("the sandbox did not come up:\n" + "".join(said))


@contextmanager
def _killed_if_too_late(process: subprocess.Popen[str]) -> Generator[None]:
    """Put an end to every wait for *process*: its own."""
    killer = threading.Timer(BOUND_S, process.kill)
    killer.start()
    try:
        yield
    finally:
        killer.cancel()
