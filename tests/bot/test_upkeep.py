import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.inbox import arrival, every, opened
from contracts.outbox import part, sent, unknown
from entraclaw.bot.database import Database
from entraclaw.bot.inbox import Move, State
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.store import Store
from entraclaw.bot.upkeep import DAY_S, ROW_S, TEXT_S, TOMBSTONE_S, Tidied, Upkeep
from entraclaw.errors import InboxUnwritable

CANARY = b"canary"
TURN = "a:1/1"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncGenerator[Store]:
    async with Store.open(tmp_path / "inbox.db", clock) as store:
        yield store


def canaries(folder: Path) -> int:
    return sum(path.read_bytes().count(CANARY) for path in folder.iterdir())


async def answered(store: Store, number: int, size: int = 10) -> None:
    """Admit a message of that size, hand it out, and answer it."""
    said = replace(arrival(number), body=CANARY * size, claims=b'{"a":"canary"}')
    receipt = await store.inbox.append(said)
    turn = f"a:1/{number}"
    await opened(store.inbox, number)
    [entry] = await store.inbox.claim("s", 2e9, 10, every)
    assert entry.seq == receipt.seq
    begun, _ = await store.outbox.begin(replace(part("canary " * size), turn=turn))
    await store.outbox.finish(sent(begun, str(number)))


async def refused(inbox: SqliteInbox, number: int) -> int:
    receipt = await inbox.append(arrival(number))
    await inbox.end(receipt.seq, Move.REFUSE, "not a sponsor")
    return receipt.seq


async def test_text_is_gone_from_the_files_a_week_after_its_end_and_not_before(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    """Sizes that fit a page, and that need many: SQLite keeps them in different places."""
    for number in range(1, 40):
        await answered(store, number, size=1 + (number * 37) % 400)

    clock.now += TEXT_S
    assert (await store.upkeep.tidy()).erased == 0
    assert canaries(tmp_path) > 39
    clock.now += 1.0
    assert (await store.upkeep.tidy()).erased == 39

    assert canaries(tmp_path) == 0
    [told] = await store.inbox.conversation("a:1", 1)
    assert (told[0].state, told[0].view, told[1]) == (State.DONE, b"", "")


async def test_text_of_what_is_open_or_ambiguous_stays(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    await opened(store.inbox, 1)
    await store.inbox.claim("s", 2e9, 10, every)
    begun, _ = await store.outbox.begin(part("canary"))
    await store.outbox.finish(unknown(begun))
    await opened(store.inbox, 2)

    clock.now += 10 * ROW_S

    assert await store.upkeep.tidy() == Tidied(0, 0)
    assert canaries(tmp_path) == 1
    assert [one.text for one in await store.outbox.unsettled()] == ["canary"]


async def test_text_sent_for_a_turn_that_was_replayed_is_erased_at_once(
    store: Store, tmp_path: Path
) -> None:
    """Nothing leads from the entry to that turn any more."""
    await opened(store.inbox, 1)
    [entry] = await store.inbox.claim("s", 2e9, 10, every)
    begun, _ = await store.outbox.begin(part("canary"))
    await store.outbox.finish(unknown(begun))

    assert await store.inbox.replay(entry.seq)
    await store.upkeep.tidy()

    assert canaries(tmp_path) == 0
    assert not await store.outbox.unsettled()


async def test_log_that_somebody_reads_is_emptied_the_next_time(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    """Else a reader beside us would hold up every append for as long as it reads."""
    await answered(store, 1)
    with closing(sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM entry").fetchone()
        clock.now += TEXT_S + 1
        with pytest.raises(InboxUnwritable, match="being read"):
            await store.upkeep.tidy()
        assert (await store.inbox.append(arrival(2))).is_new

    await store.upkeep.tidy()
    assert canaries(tmp_path) == 0


async def test_erased_entry_cannot_be_replayed(store: Store, clock: Clock) -> None:
    seq = await refused(store.inbox, 1)
    clock.now += TEXT_S + 1
    await store.upkeep.tidy()

    assert not await store.inbox.replay(seq)
    entry = await store.inbox.entry(seq)
    assert entry is not None
    assert entry.state is State.DROPPED


async def test_old_rows_go_and_their_names_are_known_for_a_week_more(
    store: Store, clock: Clock
) -> None:
    first = await refused(store.inbox, 1)
    await refused(store.inbox, 2)
    clock.now += ROW_S + 1

    assert (await store.upkeep.tidy()).pruned == 1
    assert await store.inbox.entry(first) is None
    clock.now += TOMBSTONE_S
    await store.upkeep.tidy()
    again = await store.inbox.append(arrival(1))
    assert (again.seq, again.is_new) == (first, False)

    clock.now += 1
    await store.upkeep.tidy()
    assert (await store.inbox.append(arrival(1))).is_new


async def test_newest_row_stays_so_that_its_number_is_not_given_out_again(
    store: Store, clock: Clock
) -> None:
    last = await refused(store.inbox, 1)
    clock.now += 2 * ROW_S
    await store.upkeep.tidy()

    assert (await store.inbox.append(arrival(2))).seq == last + 1


async def test_surplus_rows_go_and_open_ones_never(tmp_path: Path, clock: Clock) -> None:
    database = Database.open(tmp_path / "inbox.db")
    inbox, upkeep = SqliteInbox(database, clock), Upkeep(database, clock, rows=3)
    await opened(inbox, 0)
    for number in range(1, 10):
        await refused(inbox, number)

    assert await upkeep.tidy() == Tidied(0, 6)

    assert [entry.seq for entry in await inbox.list_entries(20)] == [10, 9, 8, 1]
    counts = await inbox.count()
    assert (counts[State.DROPPED], counts[State.WAITING]) == (3, 1)
    assert not (await inbox.append(arrival(1))).is_new
    await database.aclose()


async def test_what_was_sent_for_no_turn_goes_with_the_rows(store: Store, clock: Clock) -> None:
    await store.outbox.remember("a:1", "9")
    clock.now += ROW_S
    await store.upkeep.tidy()
    assert await store.outbox.is_ours("9")

    clock.now += 1
    await store.upkeep.tidy()
    assert not await store.outbox.is_ours("9")


async def test_large_inbox_is_tidied_beside_the_appends(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    fill(tmp_path / "inbox.db", 20_000, ended=clock.now)
    clock.now += ROW_S + 1
    longest, number = 0.0, 0
    loop = asyncio.get_running_loop()
    tidying = asyncio.create_task(store.upkeep.tidy())
    while not tidying.done():
        began, number = loop.time(), number + 1
        await store.inbox.append(arrival(100_000 + number))
        longest = max(longest, loop.time() - began)

    assert await tidying == Tidied(20_000, 20_000)
    assert number > 20
    assert longest < 2.0  # one batch takes hundredths of a second; a machine may be busy


def fill(path: Path, number: int, ended: float) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO entry (key, tenant, conversation, activity, kind, name, sender, received,"
            " late, lane, state, ended, body, claims) SELECT randomblob(16), 't', 'a:1', i,"
            " 'message', i, 'ada', 1.0, 0, 'a:1', 'done', ?, zeroblob(300), x'' FROM n",
            (number, ended),
        )
        connection.execute("UPDATE tally SET n = ? WHERE state = 'done'", (number,))


async def test_sound_file_is_called_sound(store: Store) -> None:
    await refused(store.inbox, 1)
    assert not await store.upkeep.check()


@pytest.mark.parametrize("damage", [b"\xff" * 64, b"\0" * 4096])
async def test_damaged_page_is_found(tmp_path: Path, clock: Clock, damage: bytes) -> None:
    path = tmp_path / "inbox.db"
    async with Store.open(path, clock) as store:
        for number in range(100):
            await refused(store.inbox, number)
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_key'"
        (page,) = connection.execute(sql).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(damage)

    async with Store.open(path, clock) as store:
        assert await store.upkeep.check()


async def test_schema_that_is_damaged_is_said_and_raises_nothing(
    store: Store, tmp_path: Path
) -> None:
    """SQLite gives up over it before it can list what is wrong."""
    await refused(store.inbox, 1)
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'nonsense' WHERE name = 'entry'")
        connection.execute("PRAGMA schema_version=99")
        connection.commit()

    assert "malformed" in await store.upkeep.check()


class Enough(Exception):
    pass


def days(number: int, each: Callable[[], object]) -> Callable[[float], Coroutine[Any, Any, None]]:
    """Make a sleep that takes no time, *number* times."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        assert seconds == DAY_S
        slept.append(seconds)
        each()
        if len(slept) == number:
            raise Enough

    return sleep


async def test_inbox_is_tidied_at_once_and_then_once_a_day(store: Store, clock: Clock) -> None:
    seqs = [await refused(store.inbox, number) for number in range(3)]
    seen: list[float] = []

    def next_day() -> None:
        seen.append(clock.now)
        clock.now += DAY_S

    with pytest.raises(Enough):
        await store.upkeep.keep_tidy(days(9, next_day))

    assert len(seen) == 9
    assert not await store.inbox.replay(seqs[0])


async def test_day_on_which_the_disk_fails_is_logged_and_the_next_one_comes(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as connection:
        connection.execute("DROP TABLE tombstone")

    with caplog.at_level(logging.WARNING), pytest.raises(Enough):
        await store.upkeep.keep_tidy(days(2, lambda: None))

    assert [record.getMessage()[:24] for record in caplog.records] == [
        "the inbox was not tidied"
    ] * 2


async def test_what_is_kept_beside_the_file_is_tidied_by_the_same_clock(
    store: Store, clock: Clock
) -> None:
    asked: list[float] = []
    with pytest.raises(Enough):
        await store.upkeep.keep_tidy(days(1, lambda: None), also=asked.append)

    assert asked[0] == clock.now - TEXT_S
