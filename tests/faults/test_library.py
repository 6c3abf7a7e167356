"""The library of faults, proved on a small SQLite program before any daemon runs under it."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from faults.library import Call, Kind, Library, Moment, Point, build, missing
from faults.power import Undo, lose, read_log

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

_BOUND_S = 30
_BEFORE_SYNC = Point(Kind.WAL, Moment.BEFORE_SYNC)
_AFTER_SYNC = Point(Kind.WAL, Moment.AFTER_SYNC)

# Writes numbers into an inbox and says each once it is committed, as a 202 would.
_PROGRAM = """
import sqlite3, sys
level, count = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect("inbox.db", isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute(f"PRAGMA synchronous={level}")
connection.execute("CREATE TABLE IF NOT EXISTS kept (n INTEGER)")
for n in range(count):
    try:
        connection.execute("INSERT INTO kept VALUES (?)", (n,))
    except sqlite3.Error as error:
        print("failed", flush=True)
    else:
        print(n, flush=True)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("library"))


@pytest.fixture
def library(built: Path, tmp_path: Path) -> Library:
    return Library(built, tmp_path)


def run(
    library: Library, folder: Path, *words: str, code: str = _PROGRAM
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **library.environ},
        timeout=_BOUND_S,
    )


def said(done: subprocess.CompletedProcess[str]) -> list[int]:
    return [int(line) for line in done.stdout.split() if line != "failed"]


def kept(folder: Path) -> list[int]:
    connection = sqlite3.connect(folder / "inbox.db")
    try:
        return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY rowid")]
    finally:
        connection.close()


def test_process_is_killed_before_the_nth_sync(library: Library, tmp_path: Path) -> None:
    library.arm(_BEFORE_SYNC, 5)
    done = run(library, tmp_path, "FULL", "50")

    assert done.returncode == -signal.SIGKILL
    assert library.has_fired
    assert library.passed(_BEFORE_SYNC) == 5
    assert library.passed(_AFTER_SYNC) == 4


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("moment", list(Moment)[:4])
def test_loss_of_power_takes_nothing_that_was_committed_with_full_syncs(
    library: Library, tmp_path: Path, moment: Moment, keep: float
) -> None:
    library.arm(Point(Kind.WAL, moment), 12, takes_power=True)
    done = run(library, tmp_path, "FULL", "50")
    lose(library, tmp_path, Random(7), keep)  # noqa: S311 - not a secret
    library.restore_power()

    assert 0 < len(said(done)) < 50
    assert kept(tmp_path)[: len(said(done))] == said(done)


def test_loss_of_power_takes_what_no_sync_covered(library: Library, tmp_path: Path) -> None:
    """With synchronous=OFF a commit promises nothing, and the library shows it."""
    done = run(library, tmp_path, "FULL", "3", code=f"{_PROGRAM}\nimport os; os._exit(0)")
    library.arm(Point(Kind.WAL, Moment.AFTER_WRITE), 40, takes_power=True)
    more = run(library, tmp_path, "OFF", "50")
    lost = lose(library, tmp_path, Random(7), 0.0)  # noqa: S311 - not a secret
    library.restore_power()

    assert lost > 0
    assert len(said(more)) > 3
    assert kept(tmp_path) == said(done)


def test_kill_alone_takes_nothing_even_without_syncs(library: Library, tmp_path: Path) -> None:
    library.arm(Point(Kind.WAL, Moment.BEFORE_WRITE), 40)
    done = run(library, tmp_path, "OFF", "50")

    assert kept(tmp_path) == said(done)


def test_disk_that_lies_about_syncs_loses_what_was_promised(
    library: Library, tmp_path: Path
) -> None:
    library.lie_about_syncs()
    library.arm(_BEFORE_SYNC, 20, takes_power=True)
    done = run(library, tmp_path, "FULL", "50")
    lose(library, tmp_path, Random(7), 0.0)  # noqa: S311 - not a secret
    library.restore_power()

    assert len(said(done)) > 10
    assert not (tmp_path / "inbox.db").exists() or len(kept(tmp_path)) < len(said(done))


def test_no_process_starts_without_power(library: Library, tmp_path: Path) -> None:
    library.cut_power()
    dark = run(library, tmp_path, "FULL", "1")
    library.restore_power()
    light = run(library, tmp_path, "FULL", "1")

    assert (dark.returncode, dark.stdout) == (-signal.SIGKILL, "")
    assert (light.returncode, light.stdout) == (0, "0\n")


@pytest.mark.parametrize("call", [Call.WRITE, Call.SYNC])
def test_failing_disk_fails_the_commit_and_then_works_again(
    library: Library, tmp_path: Path, call: Call
) -> None:
    run(library, tmp_path, "FULL", "1")
    library.fail(call, errno.ENOSPC, skip=4, times=6)
    done = run(library, tmp_path, "FULL", "50")

    assert "failed" in done.stdout
    assert library.mend() == 6
    assert kept(tmp_path)[1:] == said(done)
    assert said(done)[-1] == 49


def test_read_only_disk_lets_nothing_be_written(library: Library, tmp_path: Path) -> None:
    run(library, tmp_path, "FULL", "1")
    library.fail(Call.WRITE | Call.OPEN, errno.EROFS)
    done = run(library, tmp_path, "FULL", "1")
    library.mend()

    assert done.returncode != 0
    assert "sqlite3.OperationalError" in done.stderr
    assert kept(tmp_path) == [0]


@pytest.mark.parametrize("shift", [86_400.0, -3600.5, 0.0])
def test_wall_clock_jumps_and_the_monotonic_one_does_not(
    library: Library, tmp_path: Path, shift: float
) -> None:
    library.shift_clock(shift)
    code = "import time; print(time.time(), time.time_ns() / 1e9, time.monotonic())"
    wall, wall_ns, steady = map(float, run(library, tmp_path, code=code).stdout.split())

    assert wall - time.time() == pytest.approx(shift, abs=_BOUND_S)
    assert wall_ns == pytest.approx(wall, abs=1)
    assert steady == pytest.approx(time.monotonic(), abs=_BOUND_S)


def test_socket_to_a_named_port_is_watched(library: Library, tmp_path: Path) -> None:
    library.arm(Point(Kind.CONNECTOR, Moment.AFTER_READ), 2)
    code = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    input()
    with socket.create_connection(server.getsockname()) as here, server.accept()[0] as there:
        for word in (b"one", b"two"):
            there.send(word)
            print(here.recv(3), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **library.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        library.name_ports({Kind.CONNECTOR: int(process.stdout.readline())})
        rest, _ = process.communicate("\n", timeout=_BOUND_S)

    assert process.returncode == -signal.SIGKILL
    assert rest == "b'one'\n"


def test_record_that_is_not_whole_is_of_a_write_that_did_not_happen() -> None:
    whole = (8).to_bytes(8, sys.byteorder) + bytes(16) + (3).to_bytes(8, sys.byteorder) + b"abc"

    assert read_log(whole + whole[:-1]) == [Undo(8, 0, 0, b"abc")]
    assert read_log(whole[:20]) == []
