"""Write to one SQLite file from one thread, in groups: what comes together is committed once.

Work that is handed over while a commit is under way waits for the next one, which is
synced if any of it must be. Nothing waits for company: alone, work is committed at once.
Work that fails undoes itself and nobody else's.

Each work is a function of the connection that may be run again from the start.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from entraclaw.bot.changes import Changes
from entraclaw.bot.inbox_schema import transaction
from entraclaw.errors import InboxUnwritable

Work = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work
    synced: bool
    future: "asyncio.Future[Any]"


_Batch = list[_Job]


class Writer:
    """The one writer of a file."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        """Own *connection* to the file at *path*, open with ``synchronous=FULL``."""
        self._connection = connection
        self._file, self._log = path, f"{path}-wal"
        self._identity = identity(path)
        self.changes = Changes(connection)
        self._is_synced = True
        self._is_suspect = False
        self._waiting: _Batch = []
        self._busy: asyncio.Future[None] | None = None
        self._batches: SimpleQueue[tuple[asyncio.AbstractEventLoop, _Batch] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inbox writer", daemon=True)
        self._thread.start()
        self.commits = 0

    async def write(self, work: Work, *, synced: bool) -> Any:  # noqa: ANN401 - what the work gives
        """Run *work* in a transaction; give what it gives, once that is committed.

        Args:
            work: Raises to undo what it did.
            synced: The commit must be on the disk before this returns.

        Raises:
            InboxUnwritable: SQLite could not do it; nothing was changed.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, synced, loop.create_future())
        self._waiting.append(job)
        if len(self._waiting) == 1 and self._busy is None:
            # Behind whatever else is ready in this turn of the loop: it comes along.
            loop.call_soon(self._begin)
        return await job.future

    async def aclose(self) -> None:
        """Finish what was handed over, close the connection, end the thread."""
        while self._busy is not None or self._waiting:
            if self._busy is None:
                self._begin()
            else:
                await self._busy
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)

    def _begin(self) -> None:
        if self._busy is not None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        batch, self._waiting = self._waiting, []
        self._busy = loop.create_future()
        self._batches.put((loop, batch))

    def _end(self, batch: _Batch, outcomes: Sequence[object]) -> None:
        for job, outcome in zip(batch, outcomes, strict=True):
            if job.future.done():
                continue  # who asked went away; what it did stays
            if isinstance(outcome, BaseException):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        busy, self._busy = self._busy, None
        if busy is not None:
            busy.set_result(None)
        self._begin()

    def _serve(self) -> None:
        while (handed := self._batches.get()) is not None:
            loop, batch = handed
            outcomes = self._carry_out(batch)
            # A loop that was closed meanwhile has nobody left to tell.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end, batch, outcomes)
        self._connection.close()

    def _carry_out(self, batch: _Batch) -> list[object]:
        """Commit *batch* as one; where SQLite refuses that, each job by itself."""
        try:
            return self._commit(batch)
        except sqlite3.Error as error:
            if len(batch) == 1:
                return [_unwritable(error)]
            return [outcome for job in batch for outcome in self._carry_out([job])]

    def _commit(self, batch: _Batch) -> list[object]:
        self._prepare(synced=any(job.synced for job in batch))
        try:
            with transaction(self._connection) as connection:
                if len(batch) == 1:
                    # Alone, the transaction itself is what undoes it.
                    outcomes: list[object] = [batch[0].work(connection)]
                else:
                    outcomes = [_run(connection, job.work) for job in batch]
                changes = self.changes.collect()
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0)
            self._is_suspect = self._is_suspect or code & 0xFF == sqlite3.SQLITE_IOERR
            raise
        except Exception as error:  # noqa: BLE001 - it is given to whoever asked
            return [error]
        self.commits += 1
        self.changes.tell(changes)
        return outcomes

    def _prepare(self, *, synced: bool) -> None:
        """Make sure that what is written next will be found, and be whole."""
        # SQLite goes on without a word when its files are deleted under it. The log is not
        # asked for its times: on Linux a file whose times were read must take new ones at
        # its next write, and the sync then waits for its inode as well.
        # https://docs.kernel.org/filesystems/multigrain-ts.html
        if identity(self._file) != self._identity or not os.access(self._log, os.F_OK):
            raise sqlite3.OperationalError("its files were moved or deleted")
        if self._is_suspect:
            self._mend()
        if synced is not self._is_synced:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
            self._is_synced = synced
        self.changes.begin()

    def _mend(self) -> None:
        """Write the whole log into the file and sync that, after a sync has failed.

        The system may have dropped what it could not write and call it clean; the log
        would then have a hole in the middle. https://lwn.net/Articles/752063/
        """
        (busy, *_), *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise sqlite3.OperationalError("its log cannot be mended yet")
        self._is_suspect = False


def identity(path: str) -> tuple[int, int] | None:
    """Tell which file is at *path* now; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the price, and paid for every commit
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _run(connection: sqlite3.Connection, work: Work) -> object:
    """Run one work inside the transaction; what it raises is its outcome, and is undone."""
    connection.execute("SAVEPOINT work")
    try:
        outcome = work(connection)
    except sqlite3.Error:
        raise  # the transaction is in doubt: each job is tried by itself
    except Exception as error:  # noqa: BLE001 - it is given to whoever asked
        connection.execute("ROLLBACK TO work")
        outcome = error
    connection.execute("RELEASE work")
    return outcome


def _unwritable(error: sqlite3.Error) -> InboxUnwritable:
    refused = InboxUnwritable(f"the inbox cannot be used ({error})")
    refused.__cause__ = error
    return refused
