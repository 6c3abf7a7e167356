"""An inbox of schema 1, as the first version wrote it, becomes one of today and loses nothing."""

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.inbox import every, turns
from entraclaw.bot.database import Database
from entraclaw.bot.inbox import Arrival, Opening, State
from entraclaw.bot.inbox_schema import VERSION
from entraclaw.bot.store import Store
from entraclaw.errors import InboxUnreadable

SCHEMA_1 = """
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
PRAGMA user_version = 1;
"""
ROWS = [  # activity, kind, state, turn, session, attempt, reason
    ("1", "message", "done", "t1", "", 1, ""),
    ("2", "message", "dropped", "", "", 0, "not a sponsor"),
    ("3", "message", "dead", "", "", 0, "unreadable: ValueError"),
    ("4", "message", "leased", "t4", "s", 2, ""),
    ("5", "message", "waiting", "t5", "", 0, ""),
    ("6", "message", "admitted", "", "", 0, ""),
    ("6", "messageReaction", "done", "", "", 0, "messageReaction"),
    ("", "typing", "done", "", "", 0, "typing"),
]
WHEN = "2026-01-01T00:00:00Z"
BODY = b'{"type":"message","from":{"aadObjectId":"ADA"}}'


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "inbox.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SCHEMA_1)
        for activity, kind, state, turn, session, attempt, reason in ROWS:
            when = "" if kind == "message" else WHEN
            key = orjson.dumps((kind, "t", "a:1", activity, when)).decode() if activity else None
            connection.execute(
                "INSERT INTO entry (key, tenant, conversation, activity, kind, body, claims,"
                " received, state, turn, view, session, until, attempt, reason)"
                " VALUES (?, 't', 'a:1', ?, ?, ?, x'7b7d', 1000.0, ?, ?, x'7b7d', ?, ?, ?, ?)",
                (
                    key, activity, kind, BODY, state, turn, session,
                    50.0 if session else 0.0, attempt, reason,
                ),
            )  # fmt: skip
        connection.execute("INSERT INTO answer VALUES ('t1', '77', 'hello Ada', 1001.0)")
    return path


def again(activity: str, kind: str = "message", name: str = "") -> Arrival:
    return Arrival("t", "a:1", activity, kind, name or activity, "ada", BODY, b"{}", 2000.0)


async def test_every_entry_of_the_old_file_is_there_in_its_state(old: Path) -> None:
    async with Store.open(old, lambda: 2000.0) as store:
        entries = (await store.inbox.list_entries(20))[::-1]
        counts = await store.inbox.count()

    assert [
        (one.arrival.activity, one.arrival.kind, one.state.value, one.turn, one.session,
         one.attempt, one.reason)
        for one in entries
    ] == ROWS  # fmt: skip
    assert [one.seq for one in entries] == list(range(1, 9))
    assert {one.arrival.sender for one in entries} == {"ada"}
    assert {one.lane for one in entries} == {"a:1"}
    assert [one.ended > 0 for one in entries] == [
        True, True, True, False, False, False, True, True
    ]  # fmt: skip
    assert {state: number for state, number in counts.items() if number} == {
        State.DONE: 3, State.DROPPED: 1, State.DEAD: 1, State.LEASED: 1, State.WAITING: 1,
        State.ADMITTED: 1,
    }  # fmt: skip


async def test_old_message_delivered_again_is_a_duplicate(old: Path) -> None:
    async with Store.open(old, lambda: 2000.0) as store:
        receipts = [await store.inbox.append(again(str(number))) for number in range(1, 7)]
        reaction = await store.inbox.append(again("6", "messageReaction", f"6@{WHEN}"))
        other = await store.inbox.append(again("7"))

    assert [(one.seq, one.is_new) for one in receipts] == [(n, False) for n in range(1, 7)]
    assert (reaction.seq, reaction.is_new) == (7, False)
    assert (other.seq, other.is_new) == (9, True)


async def test_old_answer_is_shown_with_its_turn_and_is_ours(old: Path) -> None:
    async with Store.open(old, lambda: 2000.0) as store:
        told = await store.inbox.conversation("a:1", 10)
        assert await store.outbox.is_ours("77")

    assert [(entry.turn, said) for entry, said in told] == [
        ("t1", "hello Ada"), ("t4", ""), ("t5", ""),
    ]  # fmt: skip


async def test_old_lease_goes_on_and_its_lane_in_order(old: Path) -> None:
    async with Store.open(old, lambda: 2000.0) as store:
        assert not await store.inbox.claim("z", 60.0, 10, every)
        assert await store.inbox.next_lease_end() == 50.0
        await store.inbox.close("t4")
        assert turns(await store.inbox.claim("z", 60.0, 10, every)) == ["t5"]
        opened = await store.inbox.open_turn(Opening(6, "t6", "a:1", b"{}"), 5)
        assert opened.joined == "t5"


async def test_body_that_cannot_be_read_stops_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE entry SET body = x'ff' WHERE seq = 2")
        connection.execute("UPDATE entry SET body = '[]' WHERE seq = 3")

    async with Store.open(old, lambda: 2000.0) as store:
        entries = await store.inbox.list_entries(20)

    assert sorted(one.arrival.sender for one in entries) == ["", "", *["ada"] * 6]


class Failing(sqlite3.Connection):
    """A connection whose disk is full after a number of statements."""

    left = 0

    def execute(self, *args: Any) -> sqlite3.Cursor:  # noqa: ANN401 - sqlite3's own
        Failing.left -= 1
        if Failing.left == 0:
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(*args)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def rows(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT seq, state FROM entry ORDER BY seq").fetchall()


@pytest.mark.parametrize("statements", [*range(10, 30), 40, 50, 60])
async def test_migration_that_fails_at_any_statement_leaves_the_old_file(
    old: Path, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    was = rows(old)
    Failing.left = statements
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
        with pytest.raises(InboxUnreadable, match="disk is full"):
            Database.open(old)

    assert (version(old), rows(old)) == (1, was)
    async with Store.open(old, lambda: 2000.0) as store:
        assert len(await store.inbox.list_entries(20)) == len(ROWS)


KILLED = """
import os, signal, sqlite3, sys
from functools import partial
from pathlib import Path

class Dying(sqlite3.Connection):
    def execute(self, sql, *values):
        if sys.argv[2] in sql:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *values)

sqlite3.connect = partial(sqlite3.connect, factory=Dying)
from entraclaw.bot.database import Database
Database.open(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("moment", ["CREATE TABLE part", "DROP TABLE old_entry", "COMMIT"])
async def test_migration_that_is_killed_is_done_at_the_next_start(old: Path, moment: str) -> None:
    command = (sys.executable, "-c", KILLED, str(old), moment)
    killed = await asyncio.create_subprocess_exec(*command)
    assert await asyncio.wait_for(killed.wait(), 30) == -signal.SIGKILL

    assert version(old) == 1
    async with Store.open(old, lambda: 2000.0) as store:
        assert len(await store.inbox.list_entries(20)) == len(ROWS)
    assert version(old) == VERSION


@pytest.fixture(params=["DELETE", "WAL"])
def newer(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "inbox.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode={request.param}")
        connection.executescript(f"CREATE TABLE entry (x); PRAGMA user_version = {VERSION + 1};")
    return path


def test_inbox_of_a_newer_version_is_left_byte_for_byte(newer: Path) -> None:
    was = newer.read_bytes()

    with pytest.raises(InboxUnreadable, match=f"schema {VERSION + 1}"):
        Database.open(newer)

    assert newer.read_bytes() == was
    assert [path.name for path in newer.parent.iterdir()] == ["inbox.db"]
