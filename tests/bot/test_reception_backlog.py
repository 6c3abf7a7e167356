"""Floods and poison: what waits, what is turned away, and who is not held up by it."""

import asyncio
import gc
import time
from pathlib import Path

import orjson
import pytest

from bot.stage import Stage, until
from bot.talk import Shared, Talk, share
from entraclaw.bot.desk import BACKLOG
from entraclaw.bot.inbox import Arrival, Entry, Move, State
from entraclaw.bot.lanes import HELD, Lanes
from entraclaw.bot.quiet import Quiet
from entraclaw.bot.store import Store
from entraclaw.errors import EntraclawError

FLOOD = 500


async def test_message_beyond_the_backlog_is_dropped_with_one_notice(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        shared = await share(stage, daemon)
        talk = Talk(shared, shared.draft["conversation"], "s")
        for number in range(BACKLOG):
            await talk.say(str(number))
        await until(lambda: _counted(stage, State.WAITING, BACKLOG))
        [queue] = (await stage.status())["queues"]
        await talk.say("one too many")
        await talk.say("and another")
        await until(lambda: _counted(stage, State.DROPPED, 2))
        await until(lambda: _said(stage, 1))
        beside = shared.talk()
        await beside.say("me too")
        other = [one for one in await beside.settled() if one.state is State.WAITING]

    assert queue == {"conversation": talk.id, "queued": BACKLOG}
    assert len(other) == 1
    [notice] = await stage.answers()
    assert notice["text"].startswith(f"{BACKLOG} messages wait here already")
    assert {one.reason for one in stage.entries() if one.state is State.DROPPED} == {
        "its conversation's backlog is full"
    }


async def test_edit_of_what_waits_in_a_full_backlog_is_taken(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        shared = await share(stage, daemon)
        talk = shared.talk()
        said = [await talk.say(str(number)) for number in range(BACKLOG)]
        await talk.edit(said[-1], "the last word")
        await until(lambda: _counted(stage, State.SUPERSEDED, 1))
        await talk.settled()

    last = stage.entries()[-1]
    assert last.state is State.WAITING
    assert orjson.loads(last.view)["text"] == "the last word"


async def test_flood_while_the_directory_is_away_is_taken_in_its_order_and_nobody_else_waits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entraclaw.bot.lanes._PAUSES_S", (0.05,))
    monkeypatch.setattr("entraclaw.bot.desk.BACKLOG", FLOOD + 1)
    async with stage.daemon() as daemon:
        shared = await share(stage, daemon)
        beside = shared.talk()
        await beside.say("I am known")  # the sponsors are, from here on
        await beside.settled()
        with shared.allowing("grace"):
            await _flood(shared, talk := shared.talk())

    views = [orjson.loads(one.view)["text"] for one in talk.entries()]
    assert views == [str(number) for number in range(FLOOD)]
    turns = [one.turn for one in talk.entries()]
    assert len(set(turns)) == FLOOD


async def _flood(shared: Shared, talk: Talk) -> None:
    """Post it while Graph is down, speak elsewhere, and let Graph come back."""
    stage = shared.stage
    await stage.control("PUT", "faults", {"graph": {"status": 503}})
    try:
        for number in range(FLOOD):
            await talk.say(str(number), by="grace")
        assert {one.state for one in talk.entries()} == {State.ADMITTED}
        elsewhere = shared.talk()
        await elsewhere.say("not held up")
        assert [state for state, _ in await elsewhere.fates()] == [State.WAITING]
    finally:
        await stage.control("PUT", "faults", {"graph": None})
    await until(lambda: _counted(stage, State.ADMITTED, 0))


async def test_lane_holds_few_in_memory_and_loses_and_reorders_none(tmp_path: Path) -> None:
    """More arrive while it reads on: they must not overtake what is still on the disk."""
    taken: list[int] = []
    held: list[int] = []
    gate = asyncio.Event()

    async def handle(entry: Entry) -> None:
        await gate.wait()
        taken.append(entry.seq)
        await store.inbox.end(entry.seq, Move.REFUSE, "")
        if len(taken) % 50 == 0:
            held.append(sum(isinstance(one, Entry) for one in gc.get_objects()))

    async with Store.open(tmp_path / "inbox.db", time.time) as store:
        lanes = Lanes(store.inbox, handle, Quiet())
        for number in range(FLOOD):
            if number == FLOOD // 5:
                gate.set()
            await _arrive(store, lanes, "a:1", number)
        await until(lambda: _is(len(taken) == FLOOD))
        await lanes.close()

    assert taken == sorted(taken)
    assert max(held) <= 2 * HELD + 2


async def test_what_cannot_be_decided_at_all_is_dead_and_holds_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong with one: the next ones are taken, in its lane and in others."""

    async def handle(entry: Entry) -> None:
        if entry.arrival.activity == "0":
            raise ZeroDivisionError
        if entry.arrival.conversation == "a:slow":
            await asyncio.Event().wait()
        await store.inbox.note(entry.seq, entry.lane, "fine")

    async with Store.open(tmp_path / "inbox.db", time.time) as store:
        lanes = Lanes(store.inbox, handle, Quiet())
        await _arrive(store, lanes, "a:slow", 7)
        for number in range(3):
            await _arrive(store, lanes, "a:1", number)

        async def is_done() -> bool:
            return (await store.inbox.count())[State.ADMITTED] == 1

        await until(is_done)
        entries = (await store.inbox.list_entries(10))[::-1]
        await lanes.close()

    assert [one.state for one in entries] == [State.ADMITTED, State.DEAD, State.DONE, State.DONE]
    assert entries[1].reason == "unreadable: ZeroDivisionError"
    assert "cannot be decided seq=2" in caplog.text


async def test_what_an_earlier_daemon_left_is_taken_up_before_what_arrives(
    tmp_path: Path,
) -> None:
    taken: list[str] = []

    async def handle(entry: Entry) -> None:
        taken.append(entry.arrival.activity)
        if len(taken) == 1:
            raise EntraclawError("not yet")
        await store.inbox.note(entry.seq, entry.lane, "fine")

    async with Store.open(tmp_path / "inbox.db", time.time) as store:
        for number in range(3):
            await store.inbox.append(_arrival("a:1", number))
        lanes = Lanes(store.inbox, handle, Quiet())
        await lanes.resume()
        await _arrive(store, lanes, "a:1", 3)
        await until(lambda: _is(len(taken) == 5))
        await lanes.close()

    assert taken == ["0", "0", "1", "2", "3"]


def _arrival(conversation: str, number: int) -> Arrival:
    name = str(number)
    return Arrival("t", conversation, name, "message", name, "ada", b"{}", b"{}", 1.0)


async def _arrive(store: Store, lanes: Lanes, conversation: str, number: int) -> None:
    arrival = _arrival(conversation, number)
    receipt = await store.inbox.append(arrival)
    lanes.put(Entry(receipt.seq, arrival, conversation))


async def _is(condition: bool) -> bool:  # noqa: FBT001 - said in words by its caller
    return condition


async def _counted(stage: Stage, state: State, number: int) -> bool:
    counts = (await stage.status())["inbox"]
    return bool(counts[state] == number)


async def _said(stage: Stage, number: int) -> bool:
    return len(await stage.answers()) == number
