"""Read the inbox's rows beside a running daemon, a dead one, or none.

Read only, and open for one look at a time: a connection that stayed would keep SQLite's
shared memory alive through a loss of power.
"""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faults.ledger import OPEN, Row

_COLUMNS = "seq, conversation, activity, state, session, attempt"
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN))
_AT_ONCE = 500  # below SQLite's limit of values in one statement
_PATIENCE_S = 5.0


class Rows:
    """The rows of the inbox at *path*; remembers how far it has read."""

    def __init__(self, path: Path) -> None:
        self._path, self._last = path, 0

    def news(self, still_open: Sequence[int]) -> list[Row]:
        """Read the rows that are new since the last call, and those numbered *still_open*."""
        with self._open() as connection:
            sql = f"SELECT {_COLUMNS} FROM entry WHERE seq > ? ORDER BY seq"  # noqa: S608 - constants only
            found = [Row(*row) for row in connection.execute(sql, (self._last,))]
            for start in range(0, len(still_open), _AT_ONCE):
                part = still_open[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(part))
                sql = f"SELECT {_COLUMNS} FROM entry WHERE seq IN ({marks})"  # noqa: S608 - as above
                found += [Row(*row) for row in connection.execute(sql, part)]
        self._last = max((row.seq for row in found), default=self._last)
        return found

    def states(self) -> dict[tuple[str, str], str]:
        """Read the state of every row, by conversation and activity."""
        with self._open() as connection:
            rows = connection.execute("SELECT conversation, activity, state FROM entry")
            return {(conversation, activity): state for conversation, activity, state in rows}

    def count_open(self) -> int:
        """Count the rows that are not settled."""
        with self._open() as connection:
            sql = f"SELECT count(*) FROM entry WHERE state IN ({_OPEN})"  # noqa: S608 - as above
            return int(connection.execute(sql).fetchone()[0])

    def lease_holders(self) -> list[str]:
        """List the sessions that hold leases."""
        with self._open() as connection:
            sql = "SELECT DISTINCT session FROM entry WHERE state = 'leased'"
            return [session for (session,) in connection.execute(sql)]

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE_S)
        try:
            yield connection
        finally:
            connection.close()
