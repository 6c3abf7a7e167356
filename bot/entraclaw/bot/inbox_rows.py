"""The inbox's table: its schema, and the way from rows to values and back."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from entraclaw.bot.inbox import Arrival, Entry, Receipt, State
from entraclaw.errors import InboxUnreadable

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE entry (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    key          TEXT UNIQUE,
    tenant       TEXT NOT NULL,
    conversation TEXT NOT NULL,
    activity     TEXT NOT NULL,
    kind         TEXT NOT NULL,
    body         BLOB NOT NULL,
    claims       BLOB NOT NULL,
    received     REAL NOT NULL,
    state        TEXT NOT NULL DEFAULT 'admitted',
    turn         TEXT NOT NULL DEFAULT '',
    view         BLOB NOT NULL DEFAULT x'',
    session      TEXT NOT NULL DEFAULT '',
    until        REAL NOT NULL DEFAULT 0.0,
    attempt      INTEGER NOT NULL DEFAULT 0,
    reason       TEXT NOT NULL DEFAULT ''
);
CREATE TABLE answer (
    turn     TEXT PRIMARY KEY,
    activity TEXT NOT NULL,
    text     TEXT NOT NULL,
    sent     REAL NOT NULL
);
CREATE INDEX entry_open ON entry (state, conversation, seq)
    WHERE state IN ('admitted', 'waiting', 'leased');
CREATE UNIQUE INDEX entry_turn ON entry (turn) WHERE turn <> '';
CREATE INDEX entry_conversation ON entry (conversation, seq);
"""
COLUMNS = (
    "seq, key, tenant, conversation, activity, kind, body, claims, received,"
    " state, turn, view, session, until, attempt, reason"
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """Begin at once as a writer; commit, or roll back when the body fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def read_entries(path: Path, limit: int) -> list[Entry]:
    """Read the last entries, newest first, beside a running daemon or without one.

    Raises:
        InboxUnreadable: There is no inbox at *path*, or it is not one.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            sql = f"SELECT {COLUMNS} FROM entry ORDER BY seq DESC LIMIT ?"  # noqa: S608 - constants only
            return [entry(row) for row in connection.execute(sql, (limit,))]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InboxUnreadable(
            f"there is no inbox to read at {path}", hint="it is made when the daemon first starts"
        ) from error


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this version's schema.

    Raises:
        InboxUnreadable: A newer version wrote it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _SCHEMA_VERSION:
        raise InboxUnreadable(
            f"the inbox was written by a newer entraclaw (schema {version})",
            hint="upgrade entraclaw, or name another profile",
        )
    if version == 0:
        connection.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {_SCHEMA_VERSION};COMMIT;")


def insert(connection: sqlite3.Connection, arrival: Arrival) -> Receipt:
    """Add a row, unless its key is known."""
    if arrival.key is not None:
        known = connection.execute("SELECT seq FROM entry WHERE key = ?", (arrival.key,)).fetchone()
        if known:
            return Receipt(known[0], is_new=False)
    cursor = connection.execute(
        "INSERT INTO entry (key, tenant, conversation, activity, kind, body, claims, received)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            arrival.key,
            arrival.tenant,
            arrival.conversation,
            arrival.activity,
            arrival.kind,
            arrival.body,
            arrival.claims,
            arrival.received,
        ),
    )
    return Receipt(int(cursor.lastrowid or 0), is_new=True)


def lease(connection: sqlite3.Connection, seq: int, session: str, until: float) -> Entry:
    """Give the entry *seq* to *session*."""
    row = connection.execute(
        "UPDATE entry SET state = 'leased', session = ?, until = ?, attempt = attempt + 1"  # noqa: S608 - constants only
        f" WHERE seq = ? RETURNING {COLUMNS}",
        (session, until, seq),
    ).fetchone()
    return entry(row)


def entry(row: tuple[Any, ...]) -> Entry:
    """Make a row of `COLUMNS` an entry."""
    # The schema above types every column, in the order of the two dataclasses.
    return Entry(row[0], Arrival(*row[1:9]), State(row[9]), *row[10:])


def qualified(alias: str) -> str:
    """Name every column of an entry under the table *alias*."""
    return ", ".join(f"{alias}.{column.strip()}" for column in COLUMNS.split(","))
