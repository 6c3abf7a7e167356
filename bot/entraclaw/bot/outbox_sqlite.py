"""The outbox and the notices, in the inbox's own file."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from entraclaw.bot import inbox_turns as turns
from entraclaw.bot.database import Database
from entraclaw.bot.inbox_rows import PART, part
from entraclaw.bot.lifecycle import Move, State
from entraclaw.bot.outbox import Outcome, Part, decide

PARTLY = "answered in part, then cut off"

# The index's own condition, said once more: SQLite uses a partial index only then.
_UNSETTLED = "state IN ('intent', 'unknown')"


class SqliteOutbox:
    """An `Outbox` in the inbox's file."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Keep everything in *database*; *now* is epoch seconds."""
        self._database, self._now = database, now

    async def begin(self, wanted: Part) -> tuple[Part, bool]:
        """Write the intent of *wanted* durably; False beside a part that was sent before."""

        def begin(connection: sqlite3.Connection) -> tuple[Part, bool]:
            known = _find(connection, wanted.turn, wanted.key)
            going = decide(wanted, known, _state(connection, wanted.turn))
            if going is None and known is not None:
                return known, False
            numbered = _numbered(connection, wanted if going is None else going)
            connection.execute(
                "INSERT OR REPLACE INTO part (turn, number, key, digest, kind, text, final, lane,"
                " state, began) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intent', ?)",
                (
                    numbered.turn,
                    numbered.number,
                    numbered.key,
                    numbered.digest,
                    numbered.kind.value,
                    numbered.text,
                    numbered.final,
                    numbered.lane,
                    numbered.began,
                ),
            )
            return numbered, True

        return await self._database.keep(begin)

    async def find_sent(self, wanted: Part) -> Part | None:
        """Find the part that was sent with the key and the content of *wanted*."""
        known = await self._database.read(lambda c: _find(c, wanted.turn, wanted.key))
        if known is None or known.digest != wanted.digest:
            return None
        return known if known.outcome is Outcome.SENT else None

    async def finish(self, part: Part) -> None:
        """Write the outcome, and in the same moment what it means for the turn."""

        def finish(connection: sqlite3.Connection) -> None:
            if not _write(connection, part, self._now()):
                return
            match part.outcome:
                case Outcome.SENT if part.final:
                    turns.leave(connection, Move.CLOSE, self._now(), part.turn)
                case Outcome.UNKNOWN:
                    turns.leave(connection, Move.DOUBT, self._now(), part.turn, "answer unknown")
                case _:
                    pass

        await self._database.keep(finish)

    async def forget_intents(self) -> int:
        """Call every intent without outcome unknown: its daemon is gone. Tells how many."""

        def forget(connection: sqlite3.Connection) -> int:
            rows = connection.execute(
                f"SELECT {PART} FROM part WHERE state = 'intent' AND {_UNSETTLED}"  # noqa: S608 - constants only
            ).fetchall()
            for one in map(part, rows):
                _write(connection, replace(one, outcome=Outcome.UNKNOWN), self._now())
                turns.leave(connection, Move.DOUBT, self._now(), one.turn, "answer unknown")
            return len(rows)

        return await self._database.keep(forget)

    async def unsettled(self) -> Sequence[Part]:
        """List the parts of ambiguous turns whose outcome is unknown, oldest first."""
        sql = (
            f"SELECT {PART} FROM part WHERE state = 'unknown' AND {_UNSETTLED} AND EXISTS"  # noqa: S608 - constants only
            " (SELECT 1 FROM entry e WHERE e.turn = part.turn AND e.turn <> ''"
            " AND e.state = 'ambiguous') ORDER BY began"
        )
        rows = await self._database.read(lambda c: c.execute(sql).fetchall())
        return [part(row) for row in rows]

    async def settle(self, part: Part) -> None:
        """Write what was found out about an unknown part; sent and final ends its turn."""

        def settle(connection: sqlite3.Connection) -> None:
            if not _write(connection, part, self._now()) or part.outcome is not Outcome.SENT:
                return
            if part.final:
                turns.leave(connection, Move.SETTLE, self._now(), part.turn, "")
            else:
                connection.execute(
                    "UPDATE entry SET reason = ?"
                    " WHERE turn = ? AND turn <> '' AND state = 'ambiguous'",
                    (PARTLY, part.turn),
                )

        await self._database.keep(settle)

    async def sent_since(self, lane: str, since: float) -> int:
        """Count what was sent to a conversation since then."""
        sql = "SELECT count(*) FROM part WHERE lane = ? AND began >= ? AND state <> 'refused'"
        return int(await self._database.read(lambda c: c.execute(sql, (lane, since)).fetchone()[0]))

    async def is_ours(self, activity: str) -> bool:
        """Tell whether we sent the message *activity*."""
        sql = "SELECT EXISTS (SELECT 1 FROM part WHERE activity = ? AND activity <> '')"
        return bool(await self._database.read(lambda c: c.execute(sql, (activity,)).fetchone()[0]))

    async def remember(self, lane: str, activity: str) -> None:
        """Note that we sent *activity* to *lane* for no turn."""
        sql = (
            "INSERT OR IGNORE INTO part (turn, number, key, digest, kind, text, final, lane, state,"
            " activity, began, ended) VALUES (?, 1, '', x'', 'text', '', 0, ?, 'sent', ?, ?, ?)"
        )
        values = (f"notice {activity}", lane, activity, self._now(), self._now())
        await self._database.change(lambda c: c.execute(sql, values))

    async def may_tell(self, lane: str, person: str, kind: str, every_s: float) -> bool:
        """Tell whether *person* may be sent a notice of *kind* now, and remember that it was."""

        def tell(connection: sqlite3.Connection) -> bool:
            now = self._now()
            row = connection.execute(
                "SELECT told FROM notice WHERE lane = ? AND person = ? AND kind = ?",
                (lane, person, kind),
            ).fetchone()
            # A clock that was set back must not silence us for as long as it was wrong.
            if row is not None and 0 <= now - row[0] < every_s:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO notice VALUES (?, ?, ?, ?)", (lane, person, kind, now)
            )
            return True

        return await self._database.change(tell)


def _find(connection: sqlite3.Connection, turn: str, key: str) -> Part | None:
    sql = f"SELECT {PART} FROM part WHERE turn = ? AND key = ?"  # noqa: S608 - constants only
    row = connection.execute(sql, (turn, key)).fetchone()
    return part(row) if row else None


def _state(connection: sqlite3.Connection, turn: str) -> State | None:
    sql = "SELECT state FROM entry WHERE turn = ? AND turn <> ''"
    row = connection.execute(sql, (turn,)).fetchone()
    return State(row[0]) if row else None


def _numbered(connection: sqlite3.Connection, wanted: Part) -> Part:
    if wanted.number:
        return wanted
    sql = "SELECT coalesce(max(number), 0) + 1 FROM part WHERE turn = ?"
    return replace(wanted, number=connection.execute(sql, (wanted.turn,)).fetchone()[0])


def _write(connection: sqlite3.Connection, one: Part, now: float) -> bool:
    """Write what became of a part; False if it was sent already, which nothing changes."""
    cursor = connection.execute(
        "UPDATE part SET state = ?, activity = ?, ended = ?"
        " WHERE turn = ? AND number = ? AND state <> 'sent'",
        (one.outcome.value, one.activity, now, one.turn, one.number),
    )
    return cursor.rowcount > 0
