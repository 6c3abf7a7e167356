"""The profile's SQLite file with everything that is kept in it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from entraclaw.bot.changes import Tell
from entraclaw.bot.database import Database
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.outbox_sqlite import SqliteOutbox
from entraclaw.bot.owner_sqlite import SqliteOwner
from entraclaw.bot.places_sqlite import SqlitePlaces
from entraclaw.bot.seats_sqlite import SqliteSeats
from entraclaw.bot.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Store:
    """What one profile keeps.

    Attributes:
        inbox: What came.
        outbox: What was sent.
        places: The conversations.
        seats: Which sessions are here, and what they were given.
        owner: Whose it is.
        upkeep: The care of the file.
        watch: Says what to tell of every change from now on; None for nothing.
    """

    inbox: SqliteInbox
    outbox: SqliteOutbox
    places: SqlitePlaces
    seats: SqliteSeats
    owner: SqliteOwner
    upkeep: Upkeep
    watch: Callable[[Tell | None], None]

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, now: Callable[[], float]) -> AsyncGenerator["Store"]:
        """Open the file at *path* for as long as the body runs; *now* is epoch seconds.

        Raises:
            InboxUnreadable: It is no inbox, or a newer version wrote it.
        """
        database = Database.open(path)
        try:
            yield cls(
                SqliteInbox(database, now),
                SqliteOutbox(database, now),
                SqlitePlaces(database, now),
                SqliteSeats(database, now),
                SqliteOwner(database, now),
                Upkeep(database, now),
                database.watch,
            )
        finally:
            await database.aclose()
