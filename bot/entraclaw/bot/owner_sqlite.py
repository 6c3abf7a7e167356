"""Whose inbox it is, kept in its own file: a change of principal is never silent."""

import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from entraclaw.bot.database import Database
from entraclaw.bot.principal import ActsAs, Inbound, Owner, Transition, hinders, transition
from entraclaw.errors import PrincipalRefused
from entraclaw.identity.values import AgentIds


@dataclass(frozen=True, slots=True)
class Owned:
    """How the inbox came to its owner.

    Attributes:
        came_by: The last change of principal.
        since: When that was, seconds since the epoch.
        is_new: Whether it was at this start.
    """

    came_by: Transition
    since: float
    is_new: bool

    def document(self) -> dict[str, object]:
        """Shape it for the wire."""
        since = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        return {"came_by": self.came_by.value, "since": since}


class SqliteOwner:
    """The one row that says who it is."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Keep it in *database*; *now* is epoch seconds."""
        self._database, self._now = database, now

    async def take(self, owner: Owner) -> Owned:
        """Make the inbox *owner*'s, and note what changed.

        Raises:
            PrincipalRefused: Messages wait here that came to another principal.
        """

        def take(connection: sqlite3.Connection) -> Owned:
            before, owned = _read(connection)
            reason = hinders(before, owner, _unanswered(connection))
            if reason:
                raise PrincipalRefused(reason)
            change = transition(before, owner)
            if change is Transition.STAY and owned is not None and before == owner:
                return owned
            return _write(connection, owner, change, self._now())

        return await self._database.keep(take)


def _read(connection: sqlite3.Connection) -> tuple[Owner | None, Owned | None]:
    row = connection.execute("SELECT inbound, acts_as, ids, came_by, since FROM owner").fetchone()
    if row is None:
        return None, None
    inbound, acts_as, ids, came_by, since = row
    owner = Owner(Inbound(inbound), ActsAs(acts_as), AgentIds(**orjson.loads(ids)))
    return owner, Owned(Transition(came_by), since, is_new=False)


def _unanswered(connection: sqlite3.Connection) -> int:
    sql = (
        "SELECT (SELECT sum(n) FROM tally WHERE state IN ('waiting', 'leased'))"
        " + (SELECT count(*) FROM entry WHERE state = 'admitted')"
    )
    return int(connection.execute(sql).fetchone()[0])


def _write(connection: sqlite3.Connection, owner: Owner, change: Transition, now: float) -> Owned:
    connection.execute(
        "INSERT OR REPLACE INTO owner VALUES (1, ?, ?, ?, ?, ?)",
        (owner.inbound, owner.acts_as, orjson.dumps(asdict(owner.ids)), change, now),
    )
    return Owned(change, now, is_new=True)
