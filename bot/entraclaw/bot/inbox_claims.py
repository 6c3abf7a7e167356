"""What waits, and who leases it, in SQL. Every function works inside the caller's transaction.

`_lease` is the move `CLAIM` of `entraclaw.bot.lifecycle`; `entraclaw.bot.inbox_turns` has
the others.
"""

import sqlite3
from itertools import islice

from entraclaw.bot.inbox import Entry, Mine, Owed, Queue
from entraclaw.bot.inbox_rows import ENTRY, entry
from entraclaw.bot.inbox_turns import move
from entraclaw.bot.lifecycle import Move

# The head of each lane that waits and has no open turn. One seek a lane, however many
# messages wait in it (a loose index scan, which SQLite must be told to make).
_HEADS = """
WITH RECURSIVE lanes (name) AS (
    SELECT min(lane) FROM entry WHERE state = 'waiting' AND joined = ''
    UNION ALL
    SELECT (SELECT min(w.lane) FROM entry w
            WHERE w.state = 'waiting' AND w.joined = '' AND w.lane > lanes.name)
    FROM lanes WHERE lanes.name IS NOT NULL
)
SELECT (SELECT min(w.seq) FROM entry w
        WHERE w.state = 'waiting' AND w.joined = '' AND w.lane = lanes.name) AS head,
    lanes.name, coalesce((SELECT p.person FROM place p WHERE p.id = lanes.name), '')
FROM lanes
WHERE lanes.name IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM entry l WHERE l.state = 'leased' AND l.joined = '' AND l.lane = lanes.name)
ORDER BY head
"""

# `attempt` is that of the row with the smallest `seq`, as SQLite has it for a lone min().
# https://www.sqlite.org/lang_select.html#bareagg
_QUEUES = """
SELECT w.lane, coalesce((SELECT p.person FROM place p WHERE p.id = w.lane), ''), count(*),
    w.attempt, EXISTS (
        SELECT 1 FROM entry l WHERE l.state = 'leased' AND l.joined = '' AND l.lane = w.lane),
    min(w.seq)
FROM entry w WHERE w.state = 'waiting' AND w.joined = '' GROUP BY w.lane
"""
_AMENDING = """
SELECT l.session, count(*) FROM entry a INDEXED BY entry_amending
CROSS JOIN entry l ON l.turn = a.joined AND l.turn <> ''
WHERE a.state = 'waiting' AND a.joined <> '' AND l.state = 'leased' AND l.joined = ''
GROUP BY l.session
"""


def owed(connection: sqlite3.Connection) -> Owed:
    """List what waits, conversation by conversation."""
    queues = [
        Queue(lane, person, waiting, attempt, bool(is_held))
        for lane, person, waiting, attempt, is_held, _ in connection.execute(_QUEUES)
    ]
    return Owed(queues, dict(connection.execute(_AMENDING).fetchall()))


def claim(
    connection: sqlite3.Connection,
    session: str,
    until: float,
    limit: int,
    mine: Mine,
    *,
    again: bool = False,
) -> list[Entry]:
    """Lease what amends the session's turns, then the head of each free lane that is its own.

    *again* gives the turns that it holds once more, too.
    """
    claimed: list[Entry] = []
    for (turn,) in _held(connection, session):
        if again:
            claimed += _give_again(connection, turn)
        claimed += _lease_joined(connection, turn, session, until)
    heads = connection.execute(_HEADS)
    for seq in list(islice((seq for seq, *lane in heads if mine(*lane)), limit)):
        head = _lease(connection, seq, session, until)
        claimed += [head, *_lease_joined(connection, head.turn, session, until)]
    return claimed


def unsure(connection: sqlite3.Connection, session: str, now: float) -> int:
    """Take back what amends the turns of a session that was away; tells how many it holds.

    What was handed over last may never have reached it. Its turns stay its own; an
    amendment must not end unread with one of them.
    """
    turns = _held(connection, session)
    for (turn,) in turns:
        handed = "joined = ? AND joined <> '' AND state = 'leased'"
        move(connection, Move.RELEASE, now, handed, turn)
    return len(turns)


def _held(connection: sqlite3.Connection, session: str) -> list[tuple[str]]:
    sql = "SELECT turn FROM entry WHERE state = 'leased' AND joined = '' AND session = ?"
    return connection.execute(sql, (session,)).fetchall()


def _give_again(connection: sqlite3.Connection, turn: str) -> list[Entry]:
    """Hand over a leased turn once more, unless its answer is under way."""
    rows = connection.execute(
        "UPDATE entry SET attempt = attempt + 1 WHERE turn = ? AND turn <> ''"  # noqa: S608 - constants only
        " AND NOT EXISTS (SELECT 1 FROM part WHERE part.turn = entry.turn AND state = 'intent')"
        f" RETURNING {ENTRY}",
        (turn,),
    ).fetchall()
    return [entry(row) for row in rows]


def _lease_joined(
    connection: sqlite3.Connection, turn: str, session: str, until: float
) -> list[Entry]:
    rows = connection.execute(
        "SELECT seq FROM entry WHERE joined = ? AND joined <> '' AND state = 'waiting'"
        " ORDER BY seq",
        (turn,),
    ).fetchall()
    return [_lease(connection, seq, session, until) for (seq,) in rows]


def _lease(connection: sqlite3.Connection, seq: int, session: str, until: float) -> Entry:
    row = connection.execute(
        "UPDATE entry SET state = 'leased', session = ?, until = ?, attempt = attempt + 1"  # noqa: S608 - constants only
        f" WHERE seq = ? AND state = 'waiting' RETURNING {ENTRY}",
        (session, until, seq),
    ).fetchone()
    return entry(row)
