"""What the inbox asks of SQLite costs no more when a million activities have ended."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.inbox import arrival, every, opened
from contracts.outbox import CONNECTOR, GRAPH, part, unknown
from entraclaw.bot.inbox import OBSERVED, Move, Opening, State
from entraclaw.bot.store import Store

ENDED = 20_000
STEPS = 1_500  # of SQLite's machine; a walk over what has ended takes ten a row at least

Work = Callable[[Store], Coroutine[Any, Any, object]]
asked: list[tuple[str, Any]] = []
steps = [0]


class Watched(sqlite3.Connection):
    """A connection that notes what it is asked and how much work that is."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - sqlite3's own
        super().__init__(*args, **options)
        self.set_progress_handler(count, 10)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - sqlite3's own
        if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "\nWITH", "\nSELECT")):
            asked.append((sql, parameters))
        return super().execute(sql, parameters)


def count() -> int:
    steps[0] += 10
    return 0


def fill(path: Path) -> None:
    """Let a lane have a long history: answered turns, and asides that were never fenced."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO entry (key, tenant, conversation, activity, kind, name, sender, received,"
            " late, lane, state, turn, joined, attempt, ended, body, claims)"
            " SELECT randomblob(16), 't', 'a:1', i, 'message', i, 'ada', 1.0, 0, 'a:1', 'done',"
            " 'old' || i, CASE WHEN i % 3 THEN '' ELSE 'old' || (i - 1) END, 1, 4000.0 + i,"
            " x'', x''"
            " FROM n",
            (ENDED,),
        )
        connection.execute("UPDATE tally SET n = ? WHERE state = 'done'", (ENDED,))
        connection.execute(
            "INSERT INTO part (turn, number, key, digest, kind, text, final, lane, state, activity,"
            " began, ended) SELECT turn, 1, '', x'', 'text', '', 1, lane, 'sent', 'sent' || seq,"
            " 1.0, 1.0 FROM entry"
        )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inbox with a long history, some turns that are open, and two asides."""
    path = tmp_path_factory.mktemp("history") / "inbox.db"
    asyncio.run(_begin(path))
    fill(path)
    asyncio.run(_go_on(path))
    return path


async def _begin(path: Path) -> None:
    async with Store.open(path, lambda: 5000.0):
        pass


async def _go_on(path: Path) -> None:
    async with Store.open(path, lambda: 5000.0) as store:
        await opened(store.inbox, 100_001)
        await store.inbox.claim("s", 6000.0, 10, every)
        await opened(store.inbox, 100_002)
        await opened(store.inbox, 100_003, sender="grace")
        aside = await store.inbox.append(arrival(100_004))
        await store.inbox.note(aside.seq, "a:1", OBSERVED, b"{}")
        await store.inbox.append(arrival(100_005))


@pytest.fixture
async def store(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Store]:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    path = tmp_path / "inbox.db"
    shutil.copyfile(history, path)
    async with Store.open(path, lambda: 5000.0) as store:
        yield store


async def unsure(store: Store) -> None:
    begun, _ = await store.outbox.begin(part())
    await store.outbox.finish(unknown(begun))


NEW, TURN = ENDED + 5, "a:1/100001"
WORK: dict[str, Work] = {
    "append": lambda s: s.inbox.append(arrival(100_006)),
    "append again": lambda s: s.inbox.append(arrival(100_005)),
    "admitted": lambda s: s.inbox.admitted("a:1", 10),
    "undecided": lambda s: s.inbox.undecided(),
    "find": lambda s: s.inbox.find("t", "a:1", "no"),
    "open_with": lambda s: s.inbox.open_with("a:1", "no", "ada"),
    "entry": lambda s: s.inbox.entry(7),
    "open_turn": lambda s: s.inbox.open_turn(Opening(NEW, "new", "a:1", b"{}"), 200),
    "note": lambda s: s.inbox.note(NEW, "a:1", OBSERVED, b"{}"),
    "end": lambda s: s.inbox.end(NEW - 4, Move.DROP, "why"),
    "observed": lambda s: s.inbox.observed(TURN),
    "claim": lambda s: s.inbox.claim("s", 6000.0, 10, every),
    "of_turn": lambda s: s.inbox.of_turn(TURN),
    "close": lambda s: s.inbox.close(TURN),
    "stop": lambda s: s.inbox.stop("a:1", "ada", NEW, "why"),
    "renew": lambda s: s.inbox.renew(TURN, 7000.0),
    "set_lease_end": lambda s: s.inbox.set_lease_end("s", 7000.0),
    "expire": lambda s: s.inbox.expire(8000.0),
    "next_lease_end": lambda s: s.inbox.next_lease_end(),
    "waiting": lambda s: s.inbox.waiting(),
    "owed": lambda s: s.inbox.owed(),
    "count": lambda s: s.inbox.count(),
    "queues": lambda s: s.inbox.queues(10),
    "replay": lambda s: s.inbox.replay(7),
    "conversation": lambda s: s.inbox.conversation("a:1", 10),
    "list_entries": lambda s: s.inbox.list_entries(10),
    "list ambiguous": lambda s: s.inbox.list_entries(10, State.AMBIGUOUS),
    "begin": lambda s: s.outbox.begin(part()),
    "doubt": unsure,
    "find_sent": lambda s: s.outbox.find_sent(part()),
    "forget_intents": lambda s: s.outbox.forget_intents(),
    "unsettled": lambda s: s.outbox.unsettled(),
    "sent_since": lambda s: s.outbox.sent_since("a:1", 4000.0),
    "is_ours": lambda s: s.outbox.is_ours("77"),
    "learn": lambda s: s.places.learn(CONNECTOR),
    "learn the other": lambda s: s.places.learn(GRAPH),
    "tidy": lambda s: s.upkeep.tidy(),
}


@pytest.mark.parametrize("name", WORK)
async def test_long_history_makes_nothing_slower(store: Store, tmp_path: Path, name: str) -> None:
    asked.clear()
    steps[0] = 0

    await WORK[name](store)

    assert asked
    assert steps[0] <= STEPS
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as connection:
        plans = {sql: plan(connection, sql, values) for sql, values in asked}
    assert not {
        sql: said
        for sql, said in plans.items()
        if walks(said) and "WHERE 1 ORDER BY seq DESC" not in sql
    }


def plan(connection: sqlite3.Connection, sql: str, values: Any) -> list[str]:  # noqa: ANN401 - sqlite3's own
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    return [str(row[-1]) for row in rows]


def walks(said: list[str]) -> bool:
    """Tell whether a plan reads a whole table; a partial index is small."""
    return any(step in {"SCAN entry", "SCAN part", "SCAN e", "SCAN w"} for step in said)
