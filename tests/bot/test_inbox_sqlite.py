import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.inbox import InboxContract, arrival, every, waiting
from contracts.inbox_turns import TurnsContract
from contracts.outbox import CONNECTOR, GRAPH, OutboxContract, PlacesContract
from entraclaw.bot.database import Database
from entraclaw.bot.inbox import State
from entraclaw.bot.inbox_look import look
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.outbox_sqlite import SqliteOutbox
from entraclaw.bot.places_sqlite import SqlitePlaces
from entraclaw.bot.store import Store
from entraclaw.errors import InboxUnreadable, InboxUnwritable


def now() -> float:
    return 5000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    async with Store.open(tmp_path / "inbox.db", now) as store:
        yield store


@pytest.fixture
def inbox(store: Store) -> SqliteInbox:
    return store.inbox


@pytest.fixture
def outbox(store: Store) -> SqliteOutbox:
    return store.outbox


@pytest.fixture
def places(store: Store) -> SqlitePlaces:
    return store.places


class TestSqliteInbox(InboxContract):
    pass


class TestSqliteOutbox(OutboxContract):
    pass


class TestSqliteTurns(TurnsContract):
    pass


class TestSqlitePlaces(PlacesContract):
    pass


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "inbox.db", now) as first:
        await waiting(first.inbox, 1, 2)
        await first.inbox.claim("s", 50.0, 10, every)

    async with Store.open(tmp_path / "inbox.db", now) as second:
        leased = await second.inbox.of_turn("a:1/1")
        counts = await second.inbox.count()

    assert leased is not None
    assert (leased.session, leased.until, counts[State.WAITING]) == ("s", 50.0, 1)


async def test_burst_of_appends_shares_few_commits(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "inbox.db")
    inbox = SqliteInbox(database, now)
    receipts = await asyncio.gather(*(inbox.append(arrival(number)) for number in range(64)))
    await database.aclose()

    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 65))
    assert database.commits <= 2


async def test_burst_keeps_the_order_of_the_calls(inbox: SqliteInbox) -> None:
    await asyncio.gather(*(inbox.append(arrival(number)) for number in range(64)))

    entries = await inbox.admitted("a:1", 100)
    assert [entry.arrival.activity for entry in entries] == [str(number) for number in range(64)]


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX matter")
async def test_files_are_for_their_owner_only(inbox: SqliteInbox, tmp_path: Path) -> None:
    await inbox.append(arrival(1))

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["inbox.db", "inbox.db-wal", "inbox.db-shm"], 0o600)


async def test_inbox_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(InboxUnreadable, match="newer entraclaw"):
        Database.open(path)


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    path.write_text("hello" * 1000, encoding="ascii")

    with pytest.raises(InboxUnreadable, match="is not an inbox"):
        Database.open(path)


async def test_append_that_cannot_be_written_is_an_error_and_nothing_is_half_there(
    inbox: SqliteInbox, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as other:
        other.execute("DROP TABLE entry")

    with pytest.raises(InboxUnwritable):
        await inbox.append(arrival(1))


async def test_append_whose_request_went_away_is_kept_all_the_same(inbox: SqliteInbox) -> None:
    task = asyncio.create_task(inbox.append(arrival(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await inbox.append(arrival(2))
    assert len(await inbox.admitted("a:1", 100)) == 2


async def test_entries_are_read_beside_a_writer(inbox: SqliteInbox, tmp_path: Path) -> None:
    await waiting(inbox, 1)

    with look(tmp_path / "inbox.db") as seen:
        assert [entry.turn for entry in seen.latest(5)] == ["a:1/1"]


def test_reading_where_no_inbox_is_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(InboxUnreadable, match="no inbox to read"),
        look(tmp_path / "inbox.db"),
    ):
        pass
    assert not (tmp_path / "inbox.db").exists()


async def test_two_names_that_were_apart_share_a_lane_once_it_is_quiet(store: Store) -> None:
    """Neither said with whom it is at first, so each had its own."""
    await store.places.learn(replace(CONNECTOR, kind="", person=""))
    await store.places.learn(GRAPH)
    await waiting(store.inbox, 1)

    assert (await store.places.learn(CONNECTOR)).lane == "a:1"
    await store.inbox.claim("s", 50.0, 10, every)
    assert (await store.places.learn(CONNECTOR)).lane == "a:1"
    await store.inbox.close("a:1/1")

    learnt = await store.places.learn(CONNECTOR)
    assert (learnt.lane, learnt.twin) == (GRAPH.id, GRAPH.id)
    assert (await store.places.learn(GRAPH)).lane == GRAPH.id


async def test_name_of_a_chat_is_kept_when_a_message_does_not_say_it(store: Store) -> None:
    await store.places.learn(replace(GRAPH, kind="groupChat", person="", name="Budget"))
    again = await store.places.learn(replace(GRAPH, kind="groupChat", person=""))

    assert again.name == "Budget"
