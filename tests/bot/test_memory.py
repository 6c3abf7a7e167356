"""What a crash leaves of a sealed process and who looks into it, beside one that is not."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cores import cores_allowed, crash, without_ptrace
from entraclaw.bot import memory

SECRET = "6b1f09c4-7d6a-44fb-a8b8-9a0a4f5e3c21"  # in no other process
WAITING = f"""
import sys
held = "{SECRET[:18]}" + "{SECRET[18:]}"
print("ready", flush=True)
sys.stdin.read()
"""
SEALED = f"from entraclaw.bot import memory; assert memory.seal() is None\n{WAITING}"
REFUSED = """
import ctypes, sys
from entraclaw.bot import memory

class Refusing:
    def prctl(self, *_):
        ctypes.set_errno(1)
        return -1

ctypes.CDLL = lambda *_, **__: Refusing()
sys.exit(memory.seal())
"""
# Its memory needs the same permission, and more where the Yama module is.
LOOK = "import sys; open(f'/proc/{sys.argv[1]}/environ', 'rb').read()"
BOUND_S = 30.0

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has it")


@contextmanager
def waiting(code: str, folder: Path) -> Generator[subprocess.Popen[bytes]]:
    folder.mkdir()
    with (
        cores_allowed(),
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=without_ptrace,  # noqa: PLW1509 - no threads here
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process


@pytest.mark.skipif(os.name != "posix", reason="cores are Unix' own")
def test_crash_of_a_sealed_process_leaves_no_core(tmp_path: Path) -> None:
    with waiting(WAITING, tmp_path / "control") as control:
        if not crash(control):
            pytest.skip("this machine writes no cores at all")
    for core in (tmp_path / "control").iterdir():  # none, where a program takes them
        assert SECRET.encode() in core.read_bytes()

    with waiting(SEALED, tmp_path / "sealed") as sealed:
        assert not crash(sealed)
    assert list((tmp_path / "sealed").iterdir()) == []


@linux_only
def test_program_of_the_same_user_does_not_look_into_a_sealed_process(tmp_path: Path) -> None:
    looked: list[bool] = []
    for name, code in (("control", WAITING), ("sealed", SEALED)):
        with waiting(code, tmp_path / name) as process:
            words = [sys.executable, "-c", LOOK, str(process.pid)]
            look = subprocess.run(
                words,
                preexec_fn=without_ptrace,
                stderr=subprocess.PIPE,
                timeout=BOUND_S,
                check=False,
            )
            looked.append(look.returncode == 0)
            process.communicate(timeout=BOUND_S)

    assert looked == [True, False]
    assert b"PermissionError" in look.stderr


@linux_only
def test_kernel_that_refuses_is_the_reason() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", REFUSED], stderr=subprocess.PIPE, timeout=BOUND_S, check=False
    )

    assert ended.stderr == b"[Errno 1] Operation not permitted\n"


@pytest.mark.skipif(os.name == "posix", reason="elsewhere it can")
def test_system_that_cannot_says_so() -> None:
    assert memory.seal()
