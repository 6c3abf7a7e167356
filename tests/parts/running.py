"""The sandbox as a person starts it, kept running while a test looks at it from outside."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

BOUND_S = 40.0
_UP = "Everything keeps running"


@contextmanager
def running_sandbox(home: Path) -> Generator[Mapping[str, str]]:
    """Run `entraclaw sandbox` in *home*; gives the settings that a host of it needs."""
    settings = {"ENTRACLAW_HOME": str(home), "ENTRACLAW_PROFILE": "sandbox"}
    process = subprocess.Popen(
        [sys.executable, "-m", "entraclaw", "sandbox"],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            _wait_until_up(process)
            yield settings
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=BOUND_S)


def _wait_until_up(process: subprocess.Popen[str]) -> None:
    """Read what it says until everything runs; one that takes too long is killed."""
    assert process.stdout is not None
    too_late = threading.Timer(BOUND_S, process.kill)
    too_late.start()
    said: list[str] = []
    try:
        for line in process.stdout:
            if _UP in line:
                return
            said.append(line)
    finally:
        too_late.cancel()
    raise AssertionError("the sandbox did not come up:\n" + "".join(said))
