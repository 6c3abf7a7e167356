"""What the inbox's file tells of itself while somebody watches."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.inbox import arrival, every, opened, waiting
from entraclaw.bot.changes import Change, name_move, name_part
from entraclaw.bot.inbox import Move, State
from entraclaw.bot.outbox import Kind, Outcome, Part, compose
from entraclaw.bot.store import Store
from entraclaw.errors import InboxUnwritable


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    async with Store.open(tmp_path / "inbox.db", lambda: 5000.0) as store:
        yield store


@pytest.fixture
async def told(store: Store) -> list[Change]:
    """What was told, while it is watched."""
    heard: list[Change] = []
    store.watch(heard.extend)
    return heard


async def heard(told: Sequence[Change]) -> list[str]:
    """What is told comes by the loop, behind the call that changed it."""
    await asyncio.sleep(0)
    return [change.what for change in told]


async def test_turn_is_told_from_its_opening_to_its_end(
    store: Store, told: Sequence[Change]
) -> None:
    await waiting(store.inbox, 1)
    await store.inbox.claim("s", 50.0, 10, every)
    part, _ = await store.outbox.begin(_part("a:1/1"))
    await store.outbox.finish(replace(part, outcome=Outcome.SENT, activity="77"))

    assert await heard(told) == ["opened", "handed out", "answered", "closed"]
    assert told[1].facts == {
        "seq": 1, "conversation": "a:1", "turn": "a:1/1", "session": "s", "attempt": 1,
    }  # fmt: skip
    assert told[2].facts == {
        "seq": 1, "conversation": "a:1", "turn": "a:1/1", "part": 1, "sent": "77",
    }  # fmt: skip


async def test_arrival_is_not_told_from_here(store: Store, told: Sequence[Change]) -> None:
    """Ours: nothing is added to what an append does."""
    await store.inbox.append(arrival(1))

    assert await heard(told) == []


async def test_message_that_amends_is_told_under_the_turn_it_joins(
    store: Store, told: Sequence[Change]
) -> None:
    await waiting(store.inbox, 1)
    await store.inbox.claim("s", 50.0, 10, every)
    await opened(store.inbox, 2)

    assert (await heard(told))[-1] == "joined"
    assert told[-1].facts["turn"] == "a:1/1"


async def test_lease_that_ends_is_told_and_so_is_the_last_one(
    store: Store, told: Sequence[Change]
) -> None:
    await waiting(store.inbox, 1)
    for _ in range(6):
        await store.inbox.claim("s", 50.0, 10, every)
        await store.inbox.expire(60.0)

    assert (await heard(told))[1:3] == ["handed out", "lease ended"]
    assert (await heard(told))[-1] == "dead"
    assert told[-1].facts["reason"] == "no answer in 6 attempts"


async def test_answer_that_breaks_off_is_told_and_so_is_its_settling(
    store: Store, told: Sequence[Change]
) -> None:
    await waiting(store.inbox, 1)
    await store.inbox.claim("s", 50.0, 10, every)
    part, _ = await store.outbox.begin(_part("a:1/1"))
    await store.outbox.finish(replace(part, outcome=Outcome.UNKNOWN))
    await store.outbox.settle(replace(part, outcome=Outcome.SENT, activity="77"))

    assert (await heard(told))[2:] == ["answer unknown", "ambiguous", "answered", "settled"]


async def test_notice_names_no_turn(store: Store, told: Sequence[Change]) -> None:
    await store.outbox.remember("a:1", "77")

    assert await heard(told) == ["notice"]
    assert told[0].facts == {"conversation": "a:1", "sent": "77"}


async def test_what_was_rolled_back_is_not_told(
    store: Store, told: Sequence[Change], tmp_path: Path
) -> None:
    await store.inbox.append(arrival(1))
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as other:
        other.execute(
            "CREATE TRIGGER refuse AFTER UPDATE OF reason ON entry"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )

    with pytest.raises(InboxUnwritable):
        await store.inbox.note(1, "a:1", "observed")  # refused when it has moved already
    await waiting(store.inbox, 2)

    assert [(change.what, change.facts["seq"]) for change in told] == [("opened", 2)]


async def test_nobody_is_told_any_more_after_watching(store: Store, told: Sequence[Change]) -> None:
    await waiting(store.inbox, 1)
    store.watch(None)
    await store.inbox.end(1, Move.DROP, "x")

    assert await heard(told) == ["opened"]


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (State.ADMITTED, State.WAITING, "opened"),
        (State.ADMITTED, State.DONE, "noted"),
        (State.ADMITTED, State.DROPPED, "dropped"),
        (State.ADMITTED, State.DEAD, "dead"),
        (State.WAITING, State.SUPERSEDED, "superseded"),
        (State.WAITING, State.LEASED, "handed out"),
        (State.LEASED, State.WAITING, "lease ended"),
        (State.LEASED, State.DONE, "closed"),
        (State.LEASED, State.AMBIGUOUS, "ambiguous"),
        (State.AMBIGUOUS, State.DONE, "settled"),
        (State.DEAD, State.ADMITTED, "replayed"),
    ],
)
def test_every_move_has_a_name(before: State, after: State, name: str) -> None:
    assert name_move(before, after, joins=False) == name


@pytest.mark.parametrize(
    ("turn", "kind", "state", "name"),
    [
        ("t", "text", "sent", "answered"),
        ("t", "reaction", "sent", "reacted"),
        ("notice 1", "text", "sent", "notice"),
        ("t", "text", "refused", "not sent"),
        ("t", "text", "unknown", "answer unknown"),
        ("t", "text", "intent", ""),
    ],
)
def test_every_outcome_has_a_name(turn: str, kind: str, state: str, name: str) -> None:
    assert name_part(turn, kind, state) == name


def _part(turn: str) -> Part:
    return compose(turn, "a:1", "hello", 5000.0, kind=Kind.TEXT, final=True, key="")
