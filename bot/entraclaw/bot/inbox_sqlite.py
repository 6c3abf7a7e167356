"""The inbox on SQLite: WAL, synchronous=FULL, one writer thread, commits in groups.

Appends that arrive while a commit is under way wait together for the next one, so a
burst costs few syncs and a single message costs exactly one. SQLite's own durability
promise is https://www.sqlite.org/pragma.html#pragma_synchronous.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from entraclaw.bot.inbox import Answer, Arrival, Entry, Receipt, State
from entraclaw.bot.inbox_rows import (
    COLUMNS,
    entry,
    insert,
    lease,
    migrate,
    qualified,
    transaction,
)
from entraclaw.errors import InboxUnreadable, InboxUnwritable

_T = TypeVar("_T")


class SqliteInbox:
    """An `Inbox` in one file. Make it with `SqliteInbox.open`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Own *connection*; every statement runs in this inbox's one thread."""
        self._connection = connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._queue: list[tuple[Arrival, asyncio.Future[Receipt]]] = []
        self._commit: asyncio.Task[None] | None = None
        self.commits = 0  # of appends, since it was opened

    @classmethod
    def open(cls, path: Path) -> "SqliteInbox":
        """Open the inbox at *path*, making it (mode 0600) when it is not there.

        Raises:
            InboxUnreadable: The file is no inbox, or a newer version wrote it.
        """
        # Made before SQLite does, so that the mode is right from the first byte; SQLite
        # gives its -wal and -shm files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA busy_timeout=5000")
            migrate(connection)
        except InboxUnreadable:
            connection.close()
            raise
        except sqlite3.DatabaseError as error:
            connection.close()
            raise InboxUnreadable(
                f"{path} is not an inbox ({error})", hint="move it away; a new one is made"
            ) from error
        return cls(connection)

    async def aclose(self) -> None:
        """Finish what is being written and close the file."""
        if self._commit is not None:
            await self._commit
        await self._run(self._connection.close)
        self._thread.shutdown()

    async def settings(self) -> dict[str, object]:
        """Tell how SQLite writes: its journal mode and its synchronous level."""

        def read() -> dict[str, object]:
            names = ("journal_mode", "synchronous")
            return {
                name: self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names
            }

        return await self._run(read)

    async def append(self, arrival: Arrival) -> Receipt:
        """Keep *arrival*; when this returns, it survives a loss of power."""
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._queue.append((arrival, future))
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_queue(), name="inbox commit")
        return await future

    async def _commit_queue(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            self.commits += 1
            try:
                receipts = await self._run(partial(self._insert, batch))
            except InboxUnwritable as error:
                for _, future in batch:
                    _settle(future, error)
            else:
                for (_, future), receipt in zip(batch, receipts, strict=True):
                    _settle(future, receipt)
        self._commit = None

    def _insert(self, batch: list[tuple[Arrival, asyncio.Future[Receipt]]]) -> list[Receipt]:
        with transaction(self._connection) as connection:
            return [insert(connection, arrival) for arrival, _ in batch]

    async def admitted(self) -> Sequence[Entry]:
        """List what the gate has not decided yet, oldest first."""
        return await self._select("state = 'admitted' ORDER BY seq")

    async def open_turn(self, seq: int, turn: str, view: bytes) -> None:
        """Make an admitted entry wait under the id *turn*."""
        await self._change(
            "state = 'waiting', turn = ?, view = ? WHERE seq = ? AND state = 'admitted'",
            turn,
            view,
            seq,
        )

    async def settle(self, seq: int, state: State, reason: str = "") -> None:
        """End an admitted entry without a turn: done, dropped or dead."""
        await self._change(
            "state = ?, reason = ? WHERE seq = ? AND state = 'admitted'", state, reason, seq
        )

    async def claim(self, session: str, until: float, limit: int) -> Sequence[Entry]:
        """Lease the oldest waiting entry of each conversation that has no open lease."""

        def claim() -> list[Entry]:
            with transaction(self._connection) as connection:
                rows = connection.execute(
                    "SELECT min(seq) FROM entry WHERE state = 'waiting' AND conversation NOT IN"
                    " (SELECT conversation FROM entry WHERE state = 'leased')"
                    " GROUP BY conversation ORDER BY min(seq) LIMIT ?",
                    (limit,),
                ).fetchall()
                return [lease(connection, seq, session, until) for (seq,) in rows]

        return await self._run(claim)

    async def leased(self, turn: str) -> Entry | None:
        """Find the leased entry of *turn*; None if there is none."""
        found = await self._select("turn = ? AND state = 'leased'", turn)
        return found[0] if found else None

    async def close(self, answer: Answer) -> None:
        """End the turn with what was sent for it."""

        def close() -> None:
            with transaction(self._connection) as connection:
                connection.execute(
                    "UPDATE entry SET state = 'done', session = '', until = 0.0 WHERE turn = ?",
                    (answer.turn,),
                )
                connection.execute(
                    "INSERT INTO answer (turn, activity, text, sent) VALUES (?, ?, ?, ?)",
                    (answer.turn, answer.activity, answer.text, answer.sent),
                )

        await self._run(close)

    async def set_lease_end(self, session: str | None, until: float) -> None:
        """Move the end of all leases of *session* (of everybody, when None) to *until*."""
        if session is None:
            await self._change("until = ? WHERE state = 'leased'", until)
        else:
            await self._change("until = ? WHERE state = 'leased' AND session = ?", until, session)

    async def expire(self, now: float) -> int:
        """Make every entry wait again whose lease has ended; tells how many."""
        return await self._change(
            "state = 'waiting', session = '', until = 0.0 WHERE state = 'leased' AND until <= ?",
            now,
        )

    async def next_lease_end(self) -> float | None:
        """Tell when the earliest lease ends; None when nothing is leased."""
        sql = "SELECT min(until) FROM entry WHERE state = 'leased'"
        return await self._run(lambda: self._connection.execute(sql).fetchone()[0])

    async def waiting(self) -> int:
        """Count what waits to be leased."""
        sql = "SELECT count(*) FROM entry WHERE state = 'waiting'"
        return await self._run(lambda: self._connection.execute(sql).fetchone()[0])

    async def count(self) -> dict[State, int]:
        """Count the entries in each state."""
        sql = "SELECT state, count(*) FROM entry GROUP BY state"
        rows = await self._run(lambda: self._connection.execute(sql).fetchall())
        return dict.fromkeys(State, 0) | {State(state): number for state, number in rows}

    async def conversation(self, conversation: str, limit: int) -> Sequence[tuple[Entry, str]]:
        """List the last turns of a conversation, oldest first, each with its answer."""
        sql = (
            f"SELECT {qualified('e')}, coalesce(a.text, '') FROM entry e"  # noqa: S608 - constants only
            " LEFT JOIN answer a ON a.turn = e.turn"
            " WHERE e.conversation = ? AND e.turn <> '' ORDER BY e.seq DESC LIMIT ?"
        )
        rows = await self._run(
            lambda: self._connection.execute(sql, (conversation, limit)).fetchall()
        )
        return [(entry(row[:-1]), row[-1]) for row in reversed(rows)]

    async def list_entries(self, limit: int) -> Sequence[Entry]:
        """List the last entries, newest first."""
        return await self._select("1 ORDER BY seq DESC LIMIT ?", limit)

    async def _select(self, where: str, *values: object) -> list[Entry]:
        sql = f"SELECT {COLUMNS} FROM entry WHERE {where}"  # noqa: S608 - constants only
        rows = await self._run(lambda: self._connection.execute(sql, values).fetchall())
        return [entry(row) for row in rows]

    async def _change(self, change: str, *values: object) -> int:
        sql = f"UPDATE entry SET {change}"  # noqa: S608 - constants only
        return await self._run(lambda: self._connection.execute(sql, values).rowcount)

    async def _run(self, work: Callable[[], _T]) -> _T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise InboxUnwritable(f"the inbox cannot be used ({error})") from error


def _settle(future: "asyncio.Future[Receipt]", outcome: Receipt | InboxUnwritable) -> None:
    if future.done():
        return  # its request went away; the row stays
    if isinstance(outcome, Receipt):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
