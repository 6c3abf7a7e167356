"""Look at the inbox's file without holding it: beside a running daemon, or without one.

Nothing here writes. It is for a person who asks now and then: some of it reads every row.
"""

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from entraclaw.bot.inbox import Entry
from entraclaw.bot.inbox_rows import ENTRY, PART, PLACE, entry, in_state, part, place
from entraclaw.bot.inbox_schema import VERSION, check_version
from entraclaw.bot.lifecycle import State
from entraclaw.bot.outbox import Part
from entraclaw.bot.places import Place
from entraclaw.errors import InboxUnreadable
from entraclaw.identity.values import AgentIds

_DIGITS = len(str((1 << 63) - 1))
_ALIKE = 20  # entries that share one id: a message, its edits, reactions to it


@dataclass(frozen=True, slots=True)
class Record:
    """All that is kept of one entry.

    Attributes:
        entry: Itself.
        parts: What was sent for its turn.
        joined: What amends its turn, or was fenced into it.
        head: The entry whose turn it joined; None when it stands alone.
        holder: Another entry whose turn is open in its conversation; None if none is.
        ahead: How many turns of its conversation wait before it.
    """

    entry: Entry
    parts: Sequence[Part] = ()
    joined: Sequence[Entry] = ()
    head: Entry | None = None
    holder: Entry | None = None
    ahead: int = 0


class Look:
    """One look; make it with `look`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read with *connection*."""
        self._connection = connection

    def latest(self, limit: int, state: State | None = None) -> list[Entry]:
        """List the last entries, newest first."""
        return self._entries(f"{in_state(state)} ORDER BY seq DESC LIMIT ?", limit)

    def said_in(self, place: Place, limit: int) -> list[Entry]:
        """List what came from *place*, by whichever of its names, newest first."""
        names = (place.id, place.twin or place.id, place.lane or place.id)
        where = "conversation IN (?, ?) OR lane = ? ORDER BY seq DESC LIMIT ?"
        return self._entries(where, *names, limit)

    def find(self, name: str) -> list[Entry]:
        """Find what has *name*: a number, a turn, an activity, or an answer's id in Teams.

        Several entries, oldest first, can be about one activity.
        """
        number = number_of(name)
        numbered = [] if number is None else self._entries("seq = ?", number)
        if numbered:
            return numbered
        for where in (
            "turn = ? AND turn <> ''",
            "turn <> '' AND turn = (SELECT turn FROM part WHERE activity = ? AND activity <> '')",
            f"activity = ? ORDER BY seq LIMIT {_ALIKE}",
        ):
            found = self._entries(where, name)
            if found:
                return found
        return []

    def record(self, one: Entry) -> Record:
        """Read what else is kept of *one*."""
        turn = one.joined or one.turn
        if not turn:
            return Record(one)
        rows = self._all(f"SELECT {PART} FROM part WHERE turn = ? ORDER BY number", turn)  # noqa: S608 - constants only
        heads = self._entries("turn = ?", one.joined) if one.joined else []
        holders = self._entries(
            "state = 'leased' AND joined = '' AND lane = ? AND seq <> ?", one.lane, one.seq
        )
        ahead = self._all(
            "SELECT count(*) FROM entry"
            " WHERE state = 'waiting' AND joined = '' AND lane = ? AND seq < ?",
            one.lane,
            one.seq,
        )
        return Record(
            one,
            [part(row) for row in rows],
            self._entries("joined = ? AND joined <> '' ORDER BY seq", turn),
            _first(heads),
            _first(holders),
            ahead[0][0],
        )

    def count(self) -> Mapping[State, int]:
        """Count the entries in each state but `admitted`."""
        return {State(state): number for state, number in self._all("SELECT state, n FROM tally")}

    def places(self) -> list[Place]:
        """List the conversations, last seen first."""
        rows = self._all(f"SELECT {PLACE} FROM place ORDER BY seen DESC, id")  # noqa: S608 - constants only
        return [place(row) for row in rows]

    def pruned(self, seq: int) -> float | None:
        """Tell when the row *seq* was pruned, seconds since the epoch; None if it was not."""
        rows = self._all("SELECT gone FROM tombstone WHERE seq = ?", seq)
        return float(rows[0][0]) if rows else None

    def last_sent(self) -> float:
        """Tell when an answer last arrived, seconds since the epoch; 0.0 if none is known."""
        sql = "SELECT coalesce(max(began), 0.0) FROM part WHERE state = 'sent'"
        return float(self._all(sql)[0][0])

    def owner(self) -> AgentIds | None:
        """Tell whose it is; None before a daemon first served an agent with it."""
        rows = self._all("SELECT ids FROM owner")
        return AgentIds(**orjson.loads(rows[0][0])) if rows else None

    def newest(self) -> int:
        """Give the number of the newest entry; 0 while there is none."""
        return int(self._all("SELECT coalesce(max(seq), 0) FROM entry")[0][0])

    def damage(self) -> str:
        """Have SQLite read the whole file; empty if it is sound, else what it says."""
        said = [str(row[0]) for row in self._all("PRAGMA integrity_check(5)")]
        return "" if said == ["ok"] else "; ".join(said)

    def version(self) -> int:
        """Give the number of the file's schema; 0 where there is none yet."""
        return int(self._all("PRAGMA user_version")[0][0])

    def _entries(self, where: str, *values: object) -> list[Entry]:
        rows = self._all(f"SELECT {ENTRY} FROM entry WHERE {where}", *values)  # noqa: S608 - constants only
        return [entry(row) for row in rows]

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()


@contextmanager
def look(path: Path, *, any_version: bool = False) -> Generator[Look]:
    """Look at the file at *path*.

    Raises:
        InboxUnreadable: There is none, or it is none of this version (unless *any_version*).
    """
    if not path.exists():
        raise InboxUnreadable(
            f"there is no inbox to read at {path}", hint="it is made when the daemon starts"
        )
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        ) as connection:
            if not any_version:
                _check(connection)
            yield Look(connection)
    except sqlite3.Error as error:
        raise InboxUnreadable(
            f"the inbox at {path} cannot be read ({error})", hint="`entraclaw doctor` says more"
        ) from error


def _check(connection: sqlite3.Connection) -> None:
    version = check_version(connection)
    if version < VERSION:
        raise InboxUnreadable(
            f"the inbox is of an older version (schema {version})",
            hint="it is brought up to date when the daemon starts: entraclaw serve",
        )


def number_of(name: str) -> int | None:
    """Read the number of an entry; None if *name* is none that SQLite can count to."""
    is_number = name.isascii() and name.isdigit() and len(name) < _DIGITS
    return int(name) if is_number else None


def _first(entries: Sequence[Entry]) -> Entry | None:
    return entries[0] if entries else None
