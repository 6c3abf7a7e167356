import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.inbox import InboxContract, arrival, waiting
from entraclaw.bot.inbox import State
from entraclaw.bot.inbox_rows import read_entries
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.errors import InboxUnreadable, InboxUnwritable


@pytest.fixture
async def inbox(tmp_path: Path) -> AsyncGenerator[SqliteInbox]:
    inbox = SqliteInbox.open(tmp_path / "inbox.db")
    yield inbox
    await inbox.aclose()


class TestSqliteInbox(InboxContract):
    pass


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    first = SqliteInbox.open(tmp_path / "inbox.db")
    await waiting(first, 1, 2)
    await first.claim("s", 50.0, 10)
    await first.aclose()

    second = SqliteInbox.open(tmp_path / "inbox.db")
    leased = await second.leased("a:1/1")
    counts = await second.count()
    await second.aclose()

    assert leased is not None
    assert (leased.session, leased.until, counts[State.WAITING]) == ("s", 50.0, 1)


async def test_every_commit_is_flushed_to_the_disk(inbox: SqliteInbox, tmp_path: Path) -> None:
    """https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL."""
    del tmp_path
    settings = await inbox.settings()
    assert settings == {"journal_mode": "wal", "synchronous": 2}


async def test_burst_of_appends_shares_few_commits(inbox: SqliteInbox) -> None:
    receipts = await asyncio.gather(*(inbox.append(arrival(number)) for number in range(64)))

    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 65))
    assert inbox.commits <= 2


async def test_burst_keeps_the_order_of_the_calls(inbox: SqliteInbox) -> None:
    await asyncio.gather(*(inbox.append(arrival(number)) for number in range(64)))

    entries = await inbox.admitted()
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
        SqliteInbox.open(path)


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    path.write_text("hello" * 1000, encoding="ascii")

    with pytest.raises(InboxUnreadable, match="is not an inbox"):
        SqliteInbox.open(path)


async def test_append_that_cannot_be_written_is_an_error_and_nothing_is_half_there(
    tmp_path: Path,
) -> None:
    inbox = SqliteInbox.open(tmp_path / "inbox.db")
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as other:
        other.execute("DROP TABLE entry")

    with pytest.raises(InboxUnwritable):
        await inbox.append(arrival(1))
    await inbox.aclose()


async def test_append_whose_request_went_away_is_kept_all_the_same(inbox: SqliteInbox) -> None:
    task = asyncio.create_task(inbox.append(arrival(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await inbox.append(arrival(2))
    assert len(await inbox.admitted()) == 2


async def test_entries_are_read_beside_a_writer(inbox: SqliteInbox, tmp_path: Path) -> None:
    await waiting(inbox, 1)

    assert [entry.turn for entry in read_entries(tmp_path / "inbox.db", 5)] == ["a:1/1"]


def test_reading_where_no_inbox_is_says_so(tmp_path: Path) -> None:
    with pytest.raises(InboxUnreadable, match="no inbox to read"):
        read_entries(tmp_path / "inbox.db", 5)
    assert not (tmp_path / "inbox.db").exists()
