"""What was only observed, in SQL: kept until a turn shows it, and never without bound.

Both functions work inside the caller's transaction.
"""

import sqlite3

from entraclaw.bot.inbox import OBSERVED, Opening

CONTEXT = 20  # observed messages shown with a turn; more are a count
FENCED = 200  # observed messages that wait for a turn in one lane; older ones are let go
_PASSED = "observed; too much was said since"


def fence(connection: sqlite3.Connection, opening: Opening) -> None:
    """Put what was observed before a turn into it; of the older messages only their number."""
    connection.execute(
        "UPDATE entry SET joined = ? WHERE reason = ? AND reason = 'observed' AND joined = ''"
        " AND lane = ? AND seq < ?",
        (opening.turn, OBSERVED, opening.lane, opening.seq),
    )
    connection.execute(
        "UPDATE entry SET view = x'' WHERE seq IN (SELECT seq FROM entry"
        " WHERE joined = ? AND joined <> '' AND view <> x'' ORDER BY seq DESC LIMIT -1 OFFSET ?)",
        (opening.turn, CONTEXT),
    )


def let_pass(connection: sqlite3.Connection, lane: str) -> None:
    """Let go of what was observed longest ago in *lane*, if that is more than `FENCED`."""
    connection.execute(
        "UPDATE entry SET reason = ? WHERE seq = (SELECT seq FROM entry"
        " WHERE reason = 'observed' AND joined = '' AND lane = ?"
        " ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (_PASSED, lane, FENCED),
    )
