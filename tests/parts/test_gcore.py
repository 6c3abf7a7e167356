"""A core of the running daemon, as anybody of the same user would take one with gdb's gcore.

`make parts` installs gdb.
"""

import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.stage import PROFILE, Stage, until
from cores import without_ptrace
from scenarios.processes import is_answering

BOUND_S = 30.0
SECRET = "e2a4d1e0-5c0b-4a39-9a67-b1c7a3a3b0d7"
WAITING = f"held = '{SECRET[:18]}' + '{SECRET[18:]}'; print('ready', flush=True); input()"

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(not shutil.which("gcore"), reason="`make parts` installs gdb"),
]


@contextmanager
def running(*words: str, environ: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """Run *words* without what root may look into, until the body ends."""
    with subprocess.Popen(
        [sys.executable, *words],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=without_ptrace,  # noqa: PLW1509 - it takes no lock
    ) as process:
        yield process
        process.communicate(timeout=BOUND_S)


def gcore(process: subprocess.Popen[bytes], folder: Path) -> bytes | None:
    """Take a core of *process*; None if the system does not let us."""
    ended = subprocess.run(
        ["gcore", "-o", str(folder / "core"), str(process.pid)],  # noqa: S607 - wherever it is
        check=False,
        capture_output=True,
        timeout=BOUND_S,
        preexec_fn=without_ptrace,
    )
    core = folder / f"core.{process.pid}"
    assert core.exists() == (ended.returncode == 0)
    return core.read_bytes() if core.exists() else None


async def test_nobody_takes_a_core_of_the_daemon(stage: Stage, tmp_path: Path) -> None:
    with running("-c", WAITING, environ=stage.environ) as control:
        assert control.stdout is not None
        assert control.stdout.readline() == b"ready\n"
        core = gcore(control, tmp_path)
    if core is None:
        pytest.skip("here nobody takes a core of anybody")  # Yama, or a container
    assert SECRET.encode() in core

    serve = ("-m", "entraclaw", "--profile", PROFILE, "serve", "--until-eof")
    with running(*serve, environ=stage.environ) as daemon:
        await until(lambda: is_answering(stage.folder))
        assert gcore(daemon, tmp_path) is None
