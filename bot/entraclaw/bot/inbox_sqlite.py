"""The inbox on SQLite: each promise of `entraclaw.bot.inbox` as one transaction."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from entraclaw.bot import inbox_claims as claims
from entraclaw.bot import inbox_turns as turns
from entraclaw.bot.database import Database
from entraclaw.bot.inbox import (
    Arrival,
    Entry,
    Expired,
    Mine,
    Opened,
    Opening,
    Owed,
    Receipt,
    key_of,
)
from entraclaw.bot.inbox_rows import ENTRY, entry, in_state, qualified
from entraclaw.bot.lifecycle import LAST_STATES, MOVES, Move, State

_ANSWERED = (
    f"SELECT {qualified(ENTRY, 'e')}, coalesce((SELECT group_concat(p.text, char(10) || char(10))"  # noqa: S608 - constants only
    " FROM (SELECT text FROM part WHERE turn = e.turn AND state = 'sent' AND kind = 'text'"
    " ORDER BY number) p), '') FROM entry e"
    " WHERE e.lane = ? AND e.turn <> '' ORDER BY e.seq DESC LIMIT ?"
)


# By way of the lane's open turns, which are few: its history is not.
_OPEN_WITH = """seq IN (
    SELECT seq FROM entry WHERE state = 'waiting' AND joined = '' AND lane = ?
    UNION ALL
    SELECT seq FROM entry WHERE state = 'leased' AND joined = '' AND lane = ?
    UNION ALL
    SELECT a.seq FROM entry t CROSS JOIN entry a ON a.joined = t.turn AND a.joined <> ''
    WHERE t.state = 'waiting' AND t.joined = '' AND t.lane = ? AND a.state = 'waiting'
    UNION ALL
    SELECT a.seq FROM entry t CROSS JOIN entry a ON a.joined = t.turn AND a.joined <> ''
    WHERE t.state = 'leased' AND t.joined = '' AND t.lane = ?
    AND a.state IN ('waiting', 'leased')
) AND activity = ? AND sender = ? ORDER BY seq DESC LIMIT 1"""


class SqliteInbox:
    """An `Inbox` in one file."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Keep everything in *database*; *now* is epoch seconds."""
        self._database, self._now = database, now

    async def append(self, arrival: Arrival) -> Receipt:
        """Keep *arrival*; when this returns, it survives a loss of power."""
        return await self._database.keep(lambda c: _insert(c, arrival))

    async def admitted(self, conversation: str, limit: int) -> Sequence[Entry]:
        """List what the gate has not decided yet in one conversation, oldest first."""
        where = "state = 'admitted' AND conversation = ? ORDER BY seq LIMIT ?"
        return await self._select(where, conversation, limit)

    async def undecided(self) -> Sequence[str]:
        """List the conversations in which the gate has not decided everything."""
        sql = "SELECT DISTINCT conversation FROM entry WHERE state = 'admitted'"
        rows = await self._database.read(lambda c: c.execute(sql).fetchall())
        return [name for (name,) in rows]

    async def find(self, tenant: str, conversation: str, activity: str) -> Entry | None:
        """Find the message *activity* of *conversation*; None if it never came."""
        key = key_of(tenant, conversation, "message", activity)
        return _only(await self._select("key = ?", key))

    async def open_with(self, lane: str, activity: str, sender: str) -> Entry | None:
        """Find what *sender* said as *activity* while it waits or is leased in *lane*."""
        return _only(await self._select(_OPEN_WITH, lane, lane, lane, lane, activity, sender))

    async def entry(self, seq: int) -> Entry | None:
        """Find one entry; None if there is none."""
        return _only(await self._select("seq = ?", seq))

    async def open_turn(self, opening: Opening, limit: int) -> Opened:
        """Make an admitted message wait, unless *limit* turns wait in its lane already."""
        return await self._database.change(
            lambda c: turns.open_turn(c, opening, limit, self._now())
        )

    async def note(self, seq: int, lane: str, reason: str, view: bytes = b"") -> None:
        """End an admitted entry that needs no answer; *view* is what a turn may show of it."""
        await self._database.change(
            lambda c: turns.note(c, seq, lane, reason, view, now=self._now())
        )

    async def end(self, seq: int, move: Move, reason: str) -> bool:
        """Take *move* to a last state without a turn; False if it was in no state for that."""
        if MOVES[move][1] not in LAST_STATES:
            raise ValueError(f"{move!r} leads to no last state")

        return await self._database.change(
            lambda c: turns.end(c, seq, move, reason, now=self._now())
        )

    async def observed(self, turn: str) -> Sequence[Entry]:
        """List what was fenced into *turn*, oldest first."""
        return await self._select(
            "joined = ? AND joined <> '' AND reason = 'observed' ORDER BY seq", turn
        )

    async def claim(
        self, session: str, until: float, limit: int, mine: Mine, *, again: bool = False
    ) -> Sequence[Entry]:
        """Lease the oldest waiting turn of each lane that has none open, and what amends."""
        return await self._database.change(
            lambda c: claims.claim(c, session, until, limit, mine, again=again)
        )

    async def unsure(self, session: str) -> int:
        """Take back what amends the turns of a session that was away; tells how many it holds."""
        return await self._database.change(lambda c: claims.unsure(c, session, self._now()))

    async def of_turn(self, turn: str) -> Entry | None:
        """Find the entry of *turn*, whatever its state; None if there is none."""
        return _only(await self._select("turn = ? AND turn <> ''", turn))

    async def close(self, turn: str, reason: str = "") -> None:
        """End a leased turn that got no answer, and with it what was handed over to it."""
        await self._database.keep(lambda c: turns.leave(c, Move.CLOSE, self._now(), turn, reason))

    async def stop(self, lane: str, sender: str, before: int, reason: str) -> Sequence[Entry]:
        """End every turn of *sender* in *lane* older than the entry *before*."""
        return await self._database.keep(
            lambda c: turns.stop(c, lane, sender, before, reason, now=self._now())
        )

    async def renew(self, turn: str, until: float) -> None:
        """Move the end of one lease."""
        one = "until = ? WHERE turn = ? AND turn <> '' AND state = 'leased'"
        await self._update(one, until, turn)

    async def set_lease_end(self, session: str | None, until: float) -> None:
        """Move the end of all leases of *session* (of everybody, when None) to *until*."""
        everybody = "until = ? WHERE state = 'leased' AND joined = ''"
        if session is None:
            await self._update(everybody, until)
        else:
            await self._update(f"{everybody} AND session = ?", until, session)

    async def expire(self, now: float) -> Expired:
        """Release every lease that has ended, or end its entry if it had its last attempt."""
        return await self._database.change(lambda c: turns.expire(c, now))

    async def next_lease_end(self) -> float | None:
        """Tell when the earliest lease ends; None when nothing is leased."""
        sql = "SELECT min(until) FROM entry WHERE state = 'leased' AND joined = ''"
        end: float | None = await self._one(sql)
        return end

    async def waiting(self) -> int:
        """Count the turns that wait to be leased."""
        return await self._database.read(turns.count_waiting)

    async def owed(self) -> Owed:
        """List what waits, conversation by conversation."""
        return await self._database.read(claims.owed)

    async def count(self) -> dict[State, int]:
        """Count the entries in each state."""
        sql = (
            "SELECT state, n FROM tally UNION ALL"
            " SELECT 'admitted', count(*) FROM entry WHERE state = 'admitted'"
        )
        rows = await self._database.read(lambda c: c.execute(sql).fetchall())
        counted = {State(state): number for state, number in rows}
        return {state: counted[state] for state in State}

    async def queues(self, limit: int) -> Sequence[tuple[str, int]]:
        """List the longest lanes with the number of turns that wait in each."""
        sql = (
            "SELECT lane, count(*) AS n FROM entry WHERE state = 'waiting' AND joined = ''"
            " GROUP BY lane ORDER BY n DESC, lane LIMIT ?"
        )
        return await self._database.read(lambda c: c.execute(sql, (limit,)).fetchall())

    async def replay(self, seq: int) -> bool:
        """Have an ended entry judged again; False if it is in no state for that."""
        return await self._database.keep(lambda c: turns.replay(c, seq, self._now()))

    async def conversation(self, lane: str, limit: int) -> Sequence[tuple[Entry, str]]:
        """List the last turns of a conversation, oldest first, each with its answer."""
        rows = await self._database.read(lambda c: c.execute(_ANSWERED, (lane, limit)).fetchall())
        return [(entry(row[:-1]), row[-1]) for row in reversed(rows)]

    async def list_entries(self, limit: int, state: State | None = None) -> Sequence[Entry]:
        """List the last entries, newest first."""
        return await self._select(f"{in_state(state)} ORDER BY seq DESC LIMIT ?", limit)

    async def _select(self, where: str, *values: object) -> list[Entry]:
        sql = f"SELECT {ENTRY} FROM entry WHERE {where}"  # noqa: S608 - constants only
        rows = await self._database.read(lambda c: c.execute(sql, values).fetchall())
        return [entry(row) for row in rows]

    async def _update(self, change: str, *values: object) -> None:
        sql = f"UPDATE entry SET {change}"  # noqa: S608 - constants only
        await self._database.change(lambda c: c.execute(sql, values))

    async def _one(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a column of any type
        return await self._database.read(lambda c: c.execute(sql, values).fetchone()[0])


def _insert(connection: sqlite3.Connection, arrival: Arrival) -> Receipt:
    """Add a row, unless its key is known, or was before the row was pruned."""
    key = arrival.key
    if key is not None:
        sql = (
            "SELECT seq FROM entry WHERE key = ? UNION ALL SELECT seq FROM tombstone WHERE key = ?"
        )
        known = connection.execute(sql, (key, key)).fetchone()
        if known:
            return Receipt(known[0], is_new=False)
    cursor = connection.execute(
        "INSERT INTO entry (key, tenant, conversation, activity, kind, name, sender, received,"
        " late, lane, body, claims) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key,
            arrival.tenant,
            arrival.conversation,
            arrival.activity,
            arrival.kind,
            arrival.name,
            arrival.sender,
            arrival.received,
            arrival.late,
            arrival.conversation,
            arrival.body,
            arrival.claims,
        ),
    )
    return Receipt(int(cursor.lastrowid or 0), is_new=True)


def _only(entries: Sequence[Entry]) -> Entry | None:
    return entries[0] if entries else None
