"""What the inbox does when the disk, the file or somebody else does not play along."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from contracts.inbox import arrival
from entraclaw.bot.database import Database
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.store import Store
from entraclaw.errors import InboxUnreadable, InboxUnwritable

FULL = """
import asyncio, resource, sys
from dataclasses import replace
from pathlib import Path
from contracts.inbox import arrival
from entraclaw.bot.lifecycle import Move
from entraclaw.bot.store import Store
from entraclaw.errors import InboxUnwritable

async def main():
    path = Path(sys.argv[1])
    async with Store.open(path, lambda: 1.0) as store:
        await store.inbox.append(arrival(1))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = path.with_name("inbox.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
        big = replace(arrival(2), body=b"x" * 200_000)
        for change in (store.inbox.append(big), store.places.set_mark("m" * 200_000, 1.0)):
            try:
                await change
            except InboxUnwritable as error:
                print("refused:", error)
        print([entry.seq for entry in await store.inbox.list_entries(5)])
        burst = [store.inbox.append(one) for one in (arrival(3), big, arrival(4))]
        print([type(one).__name__ for one in await asyncio.gather(*burst, return_exceptions=True)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print([(await store.inbox.append(one)).seq for one in (big, arrival(3))])
        print(await store.upkeep.check() or "sound")

asyncio.run(main())
"""


def run(code: str, path: Path) -> list[str]:
    # The tests' own folder is a root here, and must be one there.
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=50,
    )
    return done.stdout.decode().splitlines()


@pytest.mark.skipif(os.name != "posix", reason="limits are a POSIX matter")
def test_full_disk_is_an_error_changes_nothing_and_passes(tmp_path: Path) -> None:
    first, second, *rest = run(FULL, tmp_path / "inbox.db")

    assert first.startswith("refused: the inbox cannot be used (")
    assert second.startswith("refused: the inbox cannot be used (")
    assert rest == ["[1]", "['Receipt', 'InboxUnwritable', 'Receipt']", "[4, 2]", "sound"]


async def test_file_that_another_process_writes_is_waited_for_and_then_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "inbox.db"
    database = Database.open(path)
    await database.change(lambda c: c.execute("PRAGMA busy_timeout=50"))
    inbox = SqliteInbox(database, lambda: 1.0)
    receipt = await inbox.append(arrival(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InboxUnwritable, match="locked"):
            await inbox.append(arrival(2))
        assert await inbox.entry(receipt.seq) is not None
        other.execute("ROLLBACK")

    assert (await inbox.append(arrival(2))).is_new
    await database.aclose()


@pytest.mark.parametrize("name", ["inbox.db", "inbox.db-wal"])
async def test_file_that_was_deleted_takes_no_more(tmp_path: Path, name: str) -> None:
    """SQLite would go on writing where nobody will ever look."""
    path = tmp_path / "inbox.db"
    async with Store.open(path, lambda: 1.0) as store:
        await store.inbox.append(arrival(1))
        (tmp_path / name).unlink()

        with pytest.raises(InboxUnwritable, match="moved or deleted"):
            await store.inbox.append(arrival(2))


async def test_file_that_was_replaced_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    async with Store.open(path, lambda: 1.0) as store:
        await store.inbox.append(arrival(1))
        path.rename(tmp_path / "aside.db")
        path.touch()

        with pytest.raises(InboxUnwritable, match="moved or deleted"):
            await store.inbox.append(arrival(2))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write all")
def test_file_that_we_may_not_write_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    path.touch(0o400)

    with pytest.raises(InboxUnreadable, match="cannot be written"):
        Database.open(path)


@pytest.mark.parametrize("name", ["", "no/such/folder"])
def test_place_where_no_file_can_be_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InboxUnreadable, match="cannot be written"):
        Database.open(tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX matter")
async def test_log_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with Store.open(tmp_path / "inbox.db", lambda: 1.0) as store:
            await store.inbox.append(arrival(1))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert set(modes) == {"inbox.db", "inbox.db-wal", "inbox.db-shm"}
    assert set(modes.values()) == {0o600}


def test_loop_that_ends_in_the_middle_of_an_append_leaves_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"

    async def break_off() -> None:
        inbox = SqliteInbox(Database.open(path), lambda: 1.0)
        appending = asyncio.create_task(inbox.append(arrival(1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        appending.cancel()

    asyncio.run(break_off())

    async def look() -> tuple[int, str]:
        async with Store.open(path, lambda: 1.0) as store:
            again = await store.inbox.append(arrival(1))
            return again.seq, await store.upkeep.check()

    assert asyncio.run(look()) == (1, "")


async def test_reader_does_not_write(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "inbox.db")

    with pytest.raises(InboxUnwritable, match="readonly"):
        await database.read(lambda c: c.execute("DELETE FROM entry"))

    await database.aclose()


async def test_change_whose_work_fails_is_undone(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO mark VALUES ('m', 1.0)")
        raise KeyError("m")

    async with Store.open(tmp_path / "inbox.db", lambda: 1.0) as store:
        database = Database.open(tmp_path / "inbox.db")
        with pytest.raises(KeyError):
            await database.keep(half)
        await database.aclose()
        assert await store.places.mark("m") is None
