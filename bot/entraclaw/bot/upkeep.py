"""Keep the inbox small and forgetful: erase text, prune old rows, check the file.

What was said is erased `TEXT_S` after its entry ended, to the day; the row stays, so that
what became of it can still be told. Rows go by age and by number, open ones never. The key
of a pruned row stays as a tombstone for `TOMBSTONE_S`: an activity delivered again is still
recognised.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from entraclaw.bot.database import Database
from entraclaw.errors import InboxUnwritable

DAY_S = 86_400.0
TEXT_S = 7 * DAY_S
ROW_S = 90 * DAY_S
TOMBSTONE_S = 7 * DAY_S
ROWS = 1_000_000
_BATCH = 1_000  # rows a transaction, so that an append never waits long

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many rows lost their text, and how many went."""

    erased: int
    pruned: int


class Upkeep:
    """The care of one inbox."""

    def __init__(self, database: Database, now: Callable[[], float], *, rows: int = ROWS) -> None:
        """Care for *database*, keeping about *rows* rows; *now* is epoch seconds."""
        self._database, self._now, self._rows = database, now, rows

    async def keep_tidy(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        also: Callable[[float], object] | None = None,
    ) -> NoReturn:
        """Tidy now and once a day: one timer, for as long as nobody cancels this.

        Args:
            sleep: Waits for so many seconds.
            also: Removes what is kept beside the file and older than the moment it is given.
        """
        while True:
            try:
                tidied = await self.tidy()
                if also is not None:
                    await asyncio.to_thread(also, self._now() - TEXT_S)
            except InboxUnwritable as error:
                _log.warning("the inbox was not tidied reason=%s", error)
            else:
                _log.info("tidied erased=%d pruned=%d", tidied.erased, tidied.pruned)
            await sleep(DAY_S)

    async def tidy(self) -> Tidied:
        """Erase and prune what is due; what was erased is gone from the files then."""
        now = self._now()
        erased = await self._repeat(_erase, now - TEXT_S)
        pruned = await self._repeat(_prune_old, now - ROW_S)
        newest = await self._database.read(_newest)
        pruned += await self._repeat(_prune_surplus, newest - self._rows)
        await self._repeat(_prune_parts, now - ROW_S)
        await self._repeat(_prune_tombstones, now - TOMBSTONE_S)
        await self._database.checkpoint()
        return Tidied(erased, pruned)

    async def check(self) -> str:
        """Have SQLite read the whole file; empty if it is sound, else what it says."""
        try:
            rows = await self._database.read(
                lambda c: c.execute("PRAGMA integrity_check").fetchall()
            )
        except InboxUnwritable as error:
            return str(error)
        said = [str(row[0]) for row in rows]
        return "" if said == ["ok"] else "; ".join(said)

    async def _repeat(
        self, step: Callable[[sqlite3.Connection, float, float], int], limit: float
    ) -> int:
        total = 0
        while True:
            done = await self._database.change(lambda c: step(c, limit, self._now()))
            total += done
            if done < _BATCH:
                return total


def _erase(connection: sqlite3.Connection, before: float, now: float) -> int:
    del now
    rows = connection.execute(
        "SELECT seq, CASE joined WHEN '' THEN turn ELSE '' END FROM entry"
        " WHERE ended > 0.0 AND erased = 0 AND ended < ? LIMIT ?",
        (before, _BATCH),
    ).fetchall()
    for seq, turn in rows:
        connection.execute(
            "UPDATE entry SET body = x'', claims = x'', view = x'', erased = 1 WHERE seq = ?",
            (seq,),
        )
        connection.execute("UPDATE part SET text = '' WHERE turn = ? AND turn <> ''", (turn,))
    return len(rows)


def _prune_old(connection: sqlite3.Connection, before: float, now: float) -> int:
    return _prune(
        connection, "ended > 0.0 AND erased = 1 AND ended < ? ORDER BY ended", before, now
    )


def _prune_surplus(connection: sqlite3.Connection, seq: float, now: float) -> int:
    # The plus keeps SQLite off the index of what has ended, which is in another order.
    return _prune(connection, "seq <= ? AND +ended > 0.0 ORDER BY seq", seq, now)


def _prune(connection: sqlite3.Connection, where: str, limit: float, now: float) -> int:
    rows = connection.execute(
        # Never the newest row: its number must not be given out again.
        "SELECT seq, key, turn FROM entry WHERE seq <> (SELECT max(seq) FROM entry)"  # noqa: S608 - constants only
        f" AND {where} LIMIT ?",
        (limit, _BATCH),
    ).fetchall()
    for seq, key, turn in rows:
        if key is not None:
            connection.execute("INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?)", (key, seq, now))
        connection.execute("DELETE FROM part WHERE turn = ? AND turn <> ''", (turn,))
        connection.execute("DELETE FROM entry WHERE seq = ?", (seq,))
    return len(rows)


def _prune_parts(connection: sqlite3.Connection, before: float, now: float) -> int:
    """Let go of what was sent for no turn, or for one that was given up."""
    del now
    return connection.execute(
        "DELETE FROM part WHERE (turn, number) IN (SELECT turn, number FROM part"
        " WHERE began < ? AND NOT EXISTS (SELECT 1 FROM entry e"
        " WHERE e.turn = part.turn AND e.turn <> '') ORDER BY began LIMIT ?)",
        (before, _BATCH),
    ).rowcount


def _prune_tombstones(connection: sqlite3.Connection, before: float, now: float) -> int:
    del now
    return connection.execute(
        "DELETE FROM tombstone WHERE key IN"
        " (SELECT key FROM tombstone WHERE gone < ? ORDER BY gone LIMIT ?)",
        (before, _BATCH),
    ).rowcount


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()[0])
