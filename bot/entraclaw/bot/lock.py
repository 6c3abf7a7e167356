"""One daemon per profile: a lock that the operating system lets go when its holder dies."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from entraclaw.errors import AlreadyRunning


@contextmanager
def hold(folder: Path) -> Generator[None]:
    """Hold the profile in *folder* for as long as the body runs.

    Raises:
        AlreadyRunning: Another process holds it.
    """
    run = folder / "run"
    for path in (folder, run):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = run / "daemon.pid"
    lock = FileLock(run / "daemon.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyRunning(_read(note)) from None
    try:
        note.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _read(note: Path) -> str:
    try:
        return note.read_text(encoding="ascii").strip()
    except OSError:
        return "not noted yet"
