"""The inbox's turns in SQL: opened, joined, closed, released.

Every function works inside the caller's transaction. States change only through `move`,
which takes them from `entraclaw.bot.lifecycle`, and through the claims of
`entraclaw.bot.inbox_claims`.

A condition that names an index's own condition once more (``turn = ? AND turn <> ''``)
is for SQLite, which uses a partial index only then.
https://www.sqlite.org/partialindex.html
"""

import sqlite3
from collections.abc import Sequence

from entraclaw.bot.inbox import OBSERVED, Entry, Expired, Opened, Opening
from entraclaw.bot.inbox_observed import fence, let_pass
from entraclaw.bot.inbox_rows import ENTRY, entry
from entraclaw.bot.lifecycle import ANSWERING_S, LAST_STATES, MOVES, Move, after_lease


def move(
    connection: sqlite3.Connection, how: Move, now: float, where: str, *values: object
) -> list[int]:
    """Make one move with every entry that *where* names and that is in a state for it.

    Gives their numbers. A lease ends with any move but the claim; `ended` is set by a move
    to a last state.
    """
    froms, to = MOVES[how]
    states = ", ".join(f"'{state}'" for state in sorted(froms))
    sql = (
        f"UPDATE entry SET state = '{to}', session = '', until = 0.0, ended = ?"  # noqa: S608 - constants only
        f" WHERE state IN ({states}) AND {where} RETURNING seq"
    )
    ended = now if to in LAST_STATES else 0.0
    return [seq for (seq,) in connection.execute(sql, (ended, *values)).fetchall()]


def open_turn(connection: sqlite3.Connection, opening: Opening, limit: int, now: float) -> Opened:
    """Let an admitted entry wait: as a turn, or as part of the open one of its sender."""
    row = connection.execute(
        "SELECT sender FROM entry WHERE seq = ? AND state = 'admitted'", (opening.seq,)
    ).fetchone()
    if row is None:
        return Opened()
    joined, session = _joinable(connection, opening, row[0])
    if opening.amends not in {"", joined}:
        return Opened(is_stale=True)
    gone = opening.instead_of
    if gone and not end(connection, gone, Move.SUPERSEDE, opening.why, now=now):
        return Opened(is_stale=True)
    queued = _queued(connection, opening.lane, limit)
    if queued and not opening.amends:
        joined = session = ""
    amendments = _amendments(connection, joined, limit) if joined else 0
    # What takes the place of another needs no other one.
    if max(amendments, 0 if joined else queued) >= limit and not opening.instead_of:
        return Opened(queued=max(queued, amendments), is_full=True)
    move(connection, Move.OPEN, now, "seq = ?", opening.seq)
    connection.execute(
        "UPDATE entry SET turn = ?, joined = ?, lane = ?, view = ? WHERE seq = ?",
        (opening.turn, joined, opening.lane, opening.view, opening.seq),
    )
    if not joined:
        fence(connection, opening)
    return Opened(joined, session, queued + (not joined), count_waiting(connection))


def count_waiting(connection: sqlite3.Connection) -> int:
    """Count the turns that wait; what only amends one is none."""
    (waiting,) = connection.execute(
        "SELECT n - (SELECT count(*) FROM entry INDEXED BY entry_amending"
        " WHERE state = 'waiting' AND joined <> '') FROM tally WHERE state = 'waiting'"
    ).fetchone()
    return int(waiting)


def note(
    connection: sqlite3.Connection, seq: int, lane: str, reason: str, view: bytes, *, now: float
) -> None:
    """End an admitted entry that needs no answer; what is only observed waits for a turn."""
    if not move(connection, Move.NOTE, now, "seq = ?", seq):
        return
    connection.execute(
        "UPDATE entry SET lane = ?, reason = ?, view = ? WHERE seq = ?", (lane, reason, view, seq)
    )
    if reason == OBSERVED:
        let_pass(connection, lane)


def _queued(connection: sqlite3.Connection, lane: str, limit: int) -> int:
    (number,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM entry"
        " WHERE state = 'waiting' AND joined = '' AND lane = ? LIMIT ?)",
        (lane, limit),
    ).fetchone()
    return int(number)


def _amendments(connection: sqlite3.Connection, turn: str, limit: int) -> int:
    """Count what amends *turn*; what was taken back or dropped does not any more."""
    (number,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM entry"
        " WHERE joined = ? AND joined <> ''"
        " AND state IN ('waiting', 'leased', 'ambiguous') LIMIT ?)",
        (turn, limit),
    ).fetchone()
    return int(number)


def _joinable(connection: sqlite3.Connection, opening: Opening, sender: str) -> tuple[str, str]:
    """Find the open turn that the sender's next message amends: (turn, session), or empty."""
    if not (opening.may_join and sender):
        return "", ""
    found: tuple[str, str] | None = connection.execute(
        "SELECT turn, session FROM entry"
        " WHERE state = 'leased' AND joined = '' AND lane = ? AND sender = ?",
        (opening.lane, sender),
    ).fetchone()
    return found or ("", "")


def leave(
    connection: sqlite3.Connection, how: Move, now: float, turn: str, reason: str | None = None
) -> bool:
    """Take *how* with a turn, and with what joined it; False if it was in no state for that.

    What was handed over with it shares its fate; what was not is a turn of its own now.
    *reason* None keeps the reason it has.
    """
    moved = move(connection, how, now, "turn = ? AND turn <> '' AND joined = ''", turn)
    if not moved:
        return False
    if reason is not None:
        connection.execute("UPDATE entry SET reason = ? WHERE seq = ?", (reason, moved[0]))
    shared = Move.RELEASE if how is Move.EXHAUST else how
    handed = "joined = ? AND joined <> '' AND state IN ('leased', 'ambiguous')"
    move(connection, shared, now, handed, turn)
    if how is not Move.RELEASE:
        _let_go(connection, turn, moved[0])
    return True


def end(connection: sqlite3.Connection, seq: int, how: Move, reason: str, *, now: float) -> bool:
    """Take *how* with one entry, and with its turn if it has one of its own.

    False if it was in no state for that.
    """
    (turn,) = connection.execute(
        "SELECT CASE joined WHEN '' THEN turn ELSE '' END FROM entry WHERE seq = ?", (seq,)
    ).fetchone() or ("",)
    if turn:
        return leave(connection, how, now, turn, reason)
    moved = bool(move(connection, how, now, "seq = ?", seq))
    connection.execute("UPDATE entry SET reason = ? WHERE seq = ? AND ?", (reason, seq, moved))
    return moved


def _let_go(connection: sqlite3.Connection, turn: str, seq: int) -> None:
    """Free what joined a turn that has ended, and was not handed over with it."""
    connection.execute(
        "UPDATE entry SET joined = '' WHERE joined = ? AND joined <> '' AND state = 'waiting'",
        (turn,),
    )
    # What nobody has been shown yet is for the next turn.
    connection.execute(
        "UPDATE entry SET joined = '' WHERE joined = ? AND joined <> '' AND reason = 'observed'"
        " AND (SELECT attempt FROM entry WHERE seq = ?) = 0",
        (turn, seq),
    )


def expire(connection: sqlite3.Connection, now: float) -> Expired:
    """Release the leases that have ended at *now*; end the entries that had their last."""
    # An answer under way ends its turn, or fails: until then nobody else may be given it.
    connection.execute(
        "UPDATE entry SET until = ? WHERE state = 'leased' AND joined = '' AND until <= ?"
        " AND EXISTS (SELECT 1 FROM part p WHERE p.turn = entry.turn AND p.state = 'intent')",
        (now + ANSWERING_S, now),
    )
    # Told which index: asked for the order of `seq`, SQLite would rather walk the table.
    rows = connection.execute(
        f"SELECT {ENTRY} FROM entry INDEXED BY entry_leased"  # noqa: S608 - constants only
        " WHERE state = 'leased' AND joined = '' AND until <= ? ORDER BY seq",
        (now,),
    ).fetchall()
    dead: list[Entry] = []
    for one in map(entry, rows):
        how = after_lease(one.attempt)
        if how is Move.EXHAUST:
            leave(connection, how, now, one.turn, f"no answer in {one.attempt} attempts")
            dead.append(one)
        else:
            leave(connection, how, now, one.turn)
    return Expired(len(rows) - len(dead), tuple(dead))


def stop(
    connection: sqlite3.Connection, lane: str, sender: str, before: int, reason: str, *, now: float
) -> Sequence[Entry]:
    """End the turns of *sender* in *lane* that are older than *before*; gives the leased ones."""
    rows = connection.execute(
        f"SELECT {ENTRY} FROM entry WHERE state = 'leased' AND joined = ''"  # noqa: S608 - constants only
        " AND lane = ? AND sender = ? AND seq < ?",
        (lane, sender, before),
    ).fetchall()
    leased = [entry(row) for row in rows]
    for one in leased:
        leave(connection, Move.STOP, now, one.turn, reason)
    # What amends one of them is a turn of its own once that has ended.
    while waiting := connection.execute(
        "SELECT turn FROM entry WHERE state = 'waiting' AND joined = '' AND lane = ?"
        " AND sender = ? AND seq < ?",
        (lane, sender, before),
    ).fetchall():
        for (turn,) in waiting:
            leave(connection, Move.SUPERSEDE, now, turn, reason)
    return leased


def replay(connection: sqlite3.Connection, seq: int, now: float) -> bool:
    """Have an ended entry judged again, unless its text is gone.

    Its turn's id is given up, and the text of what was sent for that with it.
    """
    (turn,) = connection.execute("SELECT turn FROM entry WHERE seq = ?", (seq,)).fetchone() or ("",)
    if not move(connection, Move.REPLAY, now, "seq = ? AND erased = 0", seq):
        return False
    connection.execute(
        "UPDATE entry SET turn = '', joined = '', attempt = 0, reason = '', view = x'',"
        " lane = conversation WHERE seq = ?",
        (seq,),
    )
    connection.execute("UPDATE part SET text = '' WHERE turn = ? AND turn <> ''", (turn,))
    return True
