"""The seats, and what was given by name, in the inbox's own file."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from entraclaw.bot.database import Database
from entraclaw.bot.routing import Seat


class SqliteSeats:
    """A `SeatStore` in the inbox's file."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Keep everything in *database*; *now* is epoch seconds."""
        self._database, self._now = database, now

    async def load(self, since: float) -> tuple[Sequence[Seat], Mapping[str, str]]:
        """Read them; what was given before *since* to who has no seat is forgotten."""

        def load(connection: sqlite3.Connection) -> tuple[Sequence[Seat], Mapping[str, str]]:
            connection.execute(
                "DELETE FROM attachment WHERE given < ?"
                " AND session NOT IN (SELECT session FROM seat)",
                (since,),
            )
            rows = connection.execute(
                "SELECT session, since, project, by_rule FROM seat ORDER BY since, session"
            ).fetchall()
            given = connection.execute("SELECT lane, session FROM attachment").fetchall()
            return [Seat(name, at, at_work, bool(may)) for name, at, at_work, may in rows], dict(
                given
            )

        return await self._database.change(load)

    async def seat(self, seat: Seat) -> None:
        """Keep a seat."""
        row = (seat.session, seat.since, seat.project, seat.by_rule)
        sql = "INSERT OR REPLACE INTO seat (session, since, project, by_rule) VALUES (?, ?, ?, ?)"
        await self._database.change(lambda c: c.execute(sql, row))

    async def unseat(self, session: str) -> None:
        """Forget a seat, not what was given to it: that is dated from now."""

        def unseat(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM seat WHERE session = ?", (session,))
            connection.execute(
                "UPDATE attachment SET given = ? WHERE session = ?", (self._now(), session)
            )

        await self._database.change(unseat)

    async def give(self, lane: str, session: str) -> None:
        """Keep that *session* has *lane*; nobody has it when *session* is empty."""

        def give(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM attachment WHERE lane = ?", (lane,))
            if session:
                row = (lane, session, self._now())
                connection.execute("INSERT INTO attachment VALUES (?, ?, ?)", row)

        await self._database.change(give)
