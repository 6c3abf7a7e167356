"""One SQLite file: a thread that writes, a thread that reads, commits that are synced or not.

What must survive a loss of power is written with ``synchronous=FULL``: the commit returns
when the disk has it. What can be worked out again (who leases what) is not synced; it
cannot overtake what is, since SQLite's log is in order.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from entraclaw.bot.changes import Tell
from entraclaw.bot.inbox_schema import check_version, migrate
from entraclaw.bot.writer import Writer
from entraclaw.errors import InboxUnreadable, InboxUnwritable

_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], _T]

# Pages of log before they are moved into the file; each move costs two syncs.
_CHECKPOINT = 4000
_BUSY_MS, _TRUNCATE_MS = 5000, 200  # how long another process is waited for


class Database:
    """The inbox's file. Make it with `Database.open`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Own *connection*, which writes; reads have another one and a thread of their own."""
        self._path = path
        self._writer = Writer(connection, str(path))
        self._reader: sqlite3.Connection | None = None
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox reader")

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the file at *path*, making it (mode 0600) when it is not there.

        Raises:
            InboxUnreadable: It is no inbox, a newer version wrote it, or we may not write it.
        """
        _make(path)
        connection = _connect(path)
        try:
            # Before anything is written: a newer version's file is left as it is.
            check_version(connection)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
            migrate(connection)
        except InboxUnreadable:
            connection.close()
            raise
        except sqlite3.Error as error:
            connection.close()
            raise InboxUnreadable(
                f"{path} is not an inbox ({error})", hint="move it away; a new one is made"
            ) from error
        return cls(path, connection)

    @property
    def commits(self) -> int:
        """How many commits there were since it was opened."""
        return self._writer.commits

    async def aclose(self) -> None:
        """Finish what is being written and close the file."""
        await self._in_reader(self._close_reader)
        self._reading.shutdown()
        await self._writer.aclose()

    async def keep(self, work: Work[_T]) -> _T:
        """Run *work* in a transaction that is on the disk when this returns.

        Raises:
            InboxUnwritable: It could not be done; nothing was changed.
        """
        kept: _T = await self._writer.write(work, synced=True)
        return kept

    async def change(self, work: Work[_T]) -> _T:
        """Run *work* in a transaction that a loss of power may undo, as a whole.

        Raises:
            InboxUnwritable: It could not be done; nothing was changed.
        """
        changed: _T = await self._writer.write(work, synced=False)
        return changed

    async def read(self, work: Work[_T]) -> _T:
        """Run *work* beside the writer, however long it takes.

        Raises:
            InboxUnwritable: The file cannot be read.
        """
        return await self._in_reader(lambda: work(self._open_reader()))

    def watch(self, tell: Tell | None) -> None:
        """Have *tell* called in this loop with what each commit changes; None ends that."""
        self._writer.changes.watch(tell)

    async def checkpoint(self) -> None:
        """Move the log into the file and empty it: nothing that was erased is left in it.

        Raises:
            InboxUnwritable: It could not be done now.
        """
        await self.read(_empty_log)

    def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = _connect(self._path)
            self._reader.execute("PRAGMA query_only=ON")
        return self._reader

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    async def _in_reader(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, work)
        except sqlite3.Error as error:
            raise InboxUnwritable(f"the inbox cannot be used ({error})") from error


def _make(path: Path) -> None:
    """Make the file before SQLite does, so that its mode is right from the first byte.

    SQLite gives its -wal and -shm files the same mode.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise InboxUnreadable(
            f"{path} cannot be written ({error.strerror})",
            hint="give the profile's folder and its files to the user who runs entraclaw",
        ) from error


def _empty_log(connection: sqlite3.Connection) -> None:
    # Most of it beside the writer. The rest holds up what is written, and whoever reads
    # the log holds up that: not for long.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout={_TRUNCATE_MS}")
    try:
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if busy:
        raise sqlite3.OperationalError("its log is being read")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    # macOS: fsync alone leaves the bytes in the drive's own cache. Whichever connection
    # moves the log into the file must not empty it before.
    connection.execute("PRAGMA fullfsync=ON")
    connection.execute("PRAGMA checkpoint_fullfsync=ON")
    return connection
