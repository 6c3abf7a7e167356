"""The inbox's tables, and the way from an older file to this version's."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

import orjson

from entraclaw.bot.fields import text
from entraclaw.bot.inbox import key_of
from entraclaw.errors import InboxUnreadable

VERSION = 4

# An append touches three trees: the row, its key, and its place among the undecided. The
# other indexes hold only the rows they are for, so a million ended ones cost it nothing.
_SCHEMA = """
CREATE TABLE entry (
    seq          INTEGER PRIMARY KEY,
    key          BLOB,
    tenant       TEXT NOT NULL,
    conversation TEXT NOT NULL,
    activity     TEXT NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    sender       TEXT NOT NULL,
    received     REAL NOT NULL,
    late         INTEGER NOT NULL,
    lane         TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'admitted',
    turn         TEXT NOT NULL DEFAULT '',
    joined       TEXT NOT NULL DEFAULT '',
    session      TEXT NOT NULL DEFAULT '',
    until        REAL NOT NULL DEFAULT 0.0,
    attempt      INTEGER NOT NULL DEFAULT 0,
    reason       TEXT NOT NULL DEFAULT '',
    ended        REAL NOT NULL DEFAULT 0.0,
    erased       INTEGER NOT NULL DEFAULT 0,
    view         BLOB NOT NULL DEFAULT x'',
    body         BLOB NOT NULL,
    claims       BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL;
CREATE INDEX entry_admitted ON entry (conversation, seq) WHERE state = 'admitted';
CREATE INDEX entry_waiting ON entry (lane, seq, attempt) WHERE state = 'waiting' AND joined = '';
CREATE INDEX entry_amending ON entry (joined) WHERE state = 'waiting' AND joined <> '';
CREATE UNIQUE INDEX entry_leased ON entry (lane) WHERE state = 'leased' AND joined = '';
CREATE INDEX entry_observed ON entry (lane, seq) WHERE reason = 'observed' AND joined = '';
CREATE INDEX entry_joined ON entry (joined, seq) WHERE joined <> '';
CREATE UNIQUE INDEX entry_turn ON entry (turn) WHERE turn <> '';
CREATE INDEX entry_history ON entry (lane, seq) WHERE turn <> '';
CREATE INDEX entry_odd ON entry (state, seq) WHERE state IN ('ambiguous', 'dead');
CREATE INDEX entry_ended ON entry (erased, ended) WHERE ended > 0.0;

-- How many entries are in each state but 'admitted', which its index can count.
CREATE TABLE tally (state TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO tally VALUES ('waiting', 0), ('leased', 0), ('done', 0), ('ambiguous', 0),
    ('dead', 0), ('dropped', 0), ('superseded', 0);
CREATE TRIGGER entry_moved AFTER UPDATE OF state ON entry WHEN OLD.state <> NEW.state BEGIN
    UPDATE tally SET n = n - 1 WHERE state = OLD.state;
    UPDATE tally SET n = n + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN
    UPDATE tally SET n = n - 1 WHERE state = OLD.state;
END;

-- What was sent for a turn, written before it is sent and again when that is over.
CREATE TABLE part (
    turn     TEXT NOT NULL,
    number   INTEGER NOT NULL,
    key      TEXT NOT NULL,
    digest   BLOB NOT NULL,
    kind     TEXT NOT NULL,
    text     TEXT NOT NULL,
    final    INTEGER NOT NULL,
    lane     TEXT NOT NULL,
    state    TEXT NOT NULL,
    activity TEXT NOT NULL DEFAULT '',
    began    REAL NOT NULL,
    ended    REAL NOT NULL DEFAULT 0.0,
    PRIMARY KEY (turn, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX part_key ON part (turn, key);
CREATE INDEX part_unsettled ON part (began) WHERE state IN ('intent', 'unknown');
CREATE INDEX part_sent ON part (lane, began);
CREATE INDEX part_began ON part (began);
CREATE INDEX part_activity ON part (activity) WHERE activity <> '';

-- One row for each name of a conversation; the names of one chat share a lane.
CREATE TABLE place (
    id          TEXT PRIMARY KEY,
    lane        TEXT NOT NULL,
    twin        TEXT NOT NULL,
    tenant      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    person      TEXT NOT NULL,
    name        TEXT NOT NULL,
    reference   BLOB NOT NULL,
    claims      BLOB NOT NULL,
    seen        REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX place_person ON place (tenant, person) WHERE person <> '';

CREATE TABLE notice (
    lane TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, told REAL NOT NULL,
    PRIMARY KEY (lane, person, kind)
) WITHOUT ROWID;
CREATE TABLE tombstone (key BLOB PRIMARY KEY, seq INTEGER NOT NULL, gone REAL NOT NULL)
    WITHOUT ROWID;
CREATE INDEX tombstone_gone ON tombstone (gone);
CREATE TABLE mark (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""

# Who is here, and who was given a conversation by name ('' is all that nobody else has).
_SEATS = """
CREATE TABLE seat (
    number INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, since REAL NOT NULL,
    project TEXT NOT NULL, by_rule INTEGER NOT NULL
);
CREATE TABLE attachment (lane TEXT PRIMARY KEY, session TEXT NOT NULL, given REAL NOT NULL)
    WITHOUT ROWID;
"""

# Whose inbox it is: one row.
_OWNER = """
CREATE TABLE owner (
    id INTEGER PRIMARY KEY CHECK (id = 1), inbound TEXT NOT NULL, acts_as TEXT NOT NULL,
    ids BLOB NOT NULL, came_by TEXT NOT NULL, since REAL NOT NULL
);
"""
# What a file of each version still lacks; schema 1 is made anew and copied.
_MISSING = (
    _SCHEMA + _SEATS + _OWNER,
    _SCHEMA + _SEATS + _OWNER,
    _SEATS + _OWNER,
    _OWNER,
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """Begin at once as a writer; commit, or roll back when the body or the commit fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check_version(connection: sqlite3.Connection) -> int:
    """Read the schema's version; 0 in a new file. Writes nothing.

    Raises:
        InboxUnreadable: A newer version wrote it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise InboxUnreadable(
            f"the inbox was written by a newer entraclaw (schema {version})",
            hint="upgrade entraclaw, or name another profile",
        )
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this version's schema, in one transaction.

    Raises:
        InboxUnreadable: A newer version wrote it.
    """
    version = check_version(connection)
    if version == VERSION:
        return
    with transaction(connection):
        if version == 1:
            connection.execute("ALTER TABLE entry RENAME TO old_entry")
            connection.execute("ALTER TABLE answer RENAME TO old_answer")
            _drop_indexes(connection)
        for statement in _statements(_MISSING[version]):
            connection.execute(statement)
        if version == 1:
            _copy(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Generator[str]:
    # executescript would commit the transaction that this must be part of.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _drop_indexes(connection: sqlite3.Connection) -> None:
    for name in ("entry_open", "entry_turn", "entry_conversation"):
        connection.execute(f"DROP INDEX {name}")


def _copy(connection: sqlite3.Connection) -> None:
    """Move the rows of schema 1, whose keys were text, into today's tables."""
    rows = connection.execute(
        "SELECT seq, key, tenant, conversation, activity, kind, body, claims, received,"
        " state, turn, view, session, until, attempt, reason FROM old_entry ORDER BY seq"
    )
    for seq, old_key, tenant, conversation, activity, kind, body, *rest in rows.fetchall():
        name = _name(old_key)
        claims, received, state, turn, view, session, until, attempt, reason = rest
        ended = received if state in {"done", "dropped", "dead"} else 0.0
        connection.execute(
            "INSERT INTO entry (seq, key, tenant, conversation, activity, kind, name, sender,"
            " received, late, lane, turn, session, until, attempt, reason, ended, view, body,"
            " claims) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seq,
                key_of(tenant, conversation, kind, name),
                tenant,
                conversation,
                activity,
                kind,
                name,
                _sender(body),
                received,
                conversation,
                turn,
                session,
                until,
                attempt,
                reason,
                ended,
                view,
                body,
                claims,
            ),
        )
        connection.execute("UPDATE entry SET state = ? WHERE seq = ?", (state, seq))
    connection.execute(
        "INSERT INTO part (turn, number, key, digest, kind, text, final, lane, state, activity,"
        " began, ended) SELECT a.turn, 1, '', x'', 'text', a.text, 1, e.conversation, 'sent',"
        " a.activity, a.sent, a.sent FROM old_answer a JOIN old_entry e ON e.turn = a.turn"
    )
    connection.execute("DROP TABLE old_entry")
    connection.execute("DROP TABLE old_answer")


def _name(old_key: str | None) -> str:
    if old_key is None:
        return ""
    number, when = orjson.loads(old_key)[3:]
    return f"{number}@{when}" if when else str(number)


def _sender(body: bytes) -> str:
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return text(document, "from", "aadObjectId").lower()
