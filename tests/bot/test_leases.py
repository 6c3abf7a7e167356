"""Leases: a turn stays with the session that uses it, and goes on when that is gone."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from bot.exchange import BRISK, Exchange
from bot.stage import Sandbox, Stage, staged, unrung, until
from entraclaw.bot import doorbell, leases, notices
from entraclaw.bot.clock import Steady
from entraclaw.bot.handed import Handed
from entraclaw.bot.home import socket_path
from entraclaw.bot.inbox import State
from entraclaw.bot.lifecycle import ATTEMPTS, RING_ATTEMPTS
from entraclaw.bot.sessions import Connection
from entraclaw.errors import EntraclawError, TurnRefused

in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Exchange]:
    """One daemon for all that leave no turn open."""
    home = tmp_path_factory.mktemp("leases")
    async with staged(emulation, home) as stage, stage.daemon(BRISK, seat="") as daemon:
        yield await Exchange.open(stage, daemon)


@pytest_asyncio.fixture(loop_scope="module")
async def talk(served: Exchange, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Exchange]:
    """It, patient for a moment only with sessions that are gone."""
    monkeypatch.setattr(leases, "LOST_S", 0.05)
    yield served
    for entry in served.stage.entries():
        if entry.state is State.LEASED and entry.session:
            await served.agency.answers.done(entry.session, entry.turn)


async def at_its_end(talk: Exchange, turn: Handed) -> float:
    """Bring the lease of *turn* near its end; gives when that is."""
    inbox = talk.agency._store.inbox  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # time cannot be made to pass
    end = talk.entry(turn).until - 590
    await inbox.renew(turn.turn, end)
    return end


@in_module
@pytest.mark.parametrize("use", ["part", "fetch", "busy", "attach"])
async def test_use_of_a_turn_renews_its_lease(talk: Exchange, use: str) -> None:
    turn = await talk.asked()
    end = await at_its_end(talk, turn)
    match use:
        case "part":
            await talk.reply(turn, "still on it", final=False)
        case "fetch":
            with pytest.raises(EntraclawError, match="no such attachment"):
                await talk.agency.fetching.file("s", turn.turn, "1-0")
        case "busy":
            await say(talk.stage, b"entraclaw/1 busy s\n")
            await until(lambda: _is_after(talk, turn, end))
        case _:
            second = Connection("s", 0, unrung)
            await talk.agency.desk.arrive(second)
            await talk.agency.desk.depart(second)

    assert talk.entry(turn).until > end + 500


async def _is_after(talk: Exchange, turn: Handed, end: float) -> bool:
    return talk.entry(turn).until > end


async def say(stage: Stage, line: bytes) -> None:
    """Say one line to the local socket, and hear it out."""
    reader, writer = await asyncio.open_unix_connection(socket_path(str(stage.folder)))
    writer.write(line)
    assert await reader.read() == b""
    writer.close()


@in_module
@pytest.mark.parametrize("session", [b"nobody", b"../x"])
async def test_word_of_a_session_that_is_not_there_renews_nothing(
    talk: Exchange, session: bytes
) -> None:
    turn = await talk.asked()
    end = await at_its_end(talk, turn)
    await say(talk.stage, b"entraclaw/1 busy %s\n" % session)

    assert talk.entry(turn).until == end


@in_module
async def test_refused_use_of_a_turn_by_another_session_does_not_renew_it(talk: Exchange) -> None:
    turn = await talk.asked()
    end = await at_its_end(talk, turn)
    with pytest.raises(TurnRefused):
        await talk.agency.fetching.file("thief", turn.turn, "1-0")

    assert talk.entry(turn).until == end


@in_module
async def test_session_that_comes_back_in_time_keeps_its_turn(
    talk: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LOST_S", 0.3)
    turn = await talk.asked()
    await talk.leave()
    await talk.come()
    await asyncio.sleep(0.4)

    assert talk.entry(turn).state is State.LEASED
    await talk.reply(turn, "here I am")


@in_module
async def test_session_that_comes_back_is_given_once_more_what_it_may_not_have_got(
    talk: Exchange,
) -> None:
    """Its connection may have broken between the lease and the answer that told of it."""
    turn = await talk.asked()
    await talk.leave()
    await talk.come()

    again = await talk.read()
    assert (again.turn, again.attempt) == (turn.turn, turn.attempt + 1)
    assert (await talk.agency.desk.read("s", 0)).messages == ()


@in_module
async def test_second_connection_of_a_session_that_is_there_gives_nothing_again(
    talk: Exchange,
) -> None:
    turn = await talk.asked()
    second = replace(talk.connection)
    await talk.agency.desk.expect("s")
    await talk.agency.desk.arrive(second)
    await talk.agency.desk.depart(second)

    assert (await talk.agency.desk.read("s", 0)).messages == ()
    await talk.reply(turn, "still here")


@in_module
async def test_turn_of_a_session_that_is_gone_is_handed_out_again_with_its_attempt(
    talk: Exchange,
) -> None:
    turn = await talk.asked()
    await talk.leave()
    again = await talk.read("another")
    await talk.come()

    assert (again.turn, turn.attempt, again.attempt) == (turn.turn, 1, 2)
    await talk.agency.answers.reply("another", again.turn, "taken over")


@in_module
async def test_answer_under_way_outlives_its_session_and_its_lease(talk: Exchange) -> None:
    """Else somebody else would be given a turn that is about to be answered."""
    turn = await talk.asked()
    await talk.fault(delay_ms=400, times=1)
    replying = asyncio.create_task(talk.reply(turn, "on its way"))
    await until(lambda: _is_sending(talk, turn))
    await talk.leave()
    taken = (await talk.agency.desk.read("another", 0.2)).messages
    await replying
    await talk.come()
    await talk.fault()

    assert taken == ()
    assert talk.entry(turn).state is State.DONE
    assert len(await talk.said("on its way")) == 1


async def _is_sending(talk: Exchange, turn: Handed) -> bool:
    return talk.agency.answers.is_sending(turn.conversation)


async def test_turn_is_rung_for_three_times_then_waits_to_be_read_then_is_dead(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is told once, however many of them end so."""
    monkeypatch.setattr(leases, "LEASE_S", 0.05)
    monkeypatch.setattr(doorbell, "TOGETHER_S", 0.0)
    rung: list[str] = []

    async def ring(_method: str, params: dict[str, Any]) -> None:
        rung.append(params["meta"]["waiting"])

    async with stage.daemon(BRISK, seat="") as daemon:
        talk = Exchange(stage, daemon, Connection("s", 0, ring))
        await talk.come()
        attempts: list[int] = []
        for turn in range(2):
            await stage.say("hello")
            for attempt in range(ATTEMPTS):
                rings = turn * RING_ATTEMPTS + min(attempt + 1, RING_ATTEMPTS)
                await until(partial(_has, rung, rings))
                attempts.append((await talk.read()).attempt)
                await until(lambda: _is_let_go(stage))
        await until(lambda: _is_told(stage))

    assert attempts == [*range(1, ATTEMPTS + 1)] * 2
    assert rung == ["1"] * RING_ATTEMPTS * 2
    assert [entry.state for entry in stage.entries()] == [State.DEAD] * 2
    assert {entry.reason for entry in stage.entries()} == {"no answer in 6 attempts"}
    assert [one["text"] for one in await stage.answers()] == [notices.Notice.DEAD]


async def _has(things: list[str], number: int) -> bool:
    return len(things) == number


async def _is_let_go(stage: Stage) -> bool:
    return all(entry.state is not State.LEASED for entry in stage.entries())


async def _is_told(stage: Stage) -> bool:
    return bool(await stage.answers())


async def test_leases_end_although_the_disk_did_not_take_it_at_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_S", 0.2)
    monkeypatch.setattr(leases, "_AGAIN_S", 0.05)
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        await talk.asked()
        inbox = stage.folder / "inbox.db"
        inbox.rename(inbox.with_suffix(".away"))
        await asyncio.sleep(0.4)
        inbox.with_suffix(".away").rename(inbox)
        assert (await talk.read()).attempt == 2


async def test_daemon_that_starts_waits_for_the_sessions_it_knew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RESTARTED_S", 0.3)
    async with stage.daemon(BRISK, seat="") as daemon:
        turn = await (await Exchange.open(stage, daemon)).asked()
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = Exchange(stage, daemon, Connection("s", 0, unrung))
        assert (await talk.agency.desk.read("another", 0)).messages == ()
        assert (await talk.read("another")).turn == turn.turn


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_clock_that_is_set_does_not_move_what_runs(jump_s: float) -> None:
    wall, monotonic = [1_000_000.0], [50.0]
    clock = Steady(lambda: wall[0], lambda: monotonic[0])
    begun = clock()
    wall[0] += jump_s
    monotonic[0] += 3.0

    assert (begun, clock()) == (1_000_000.0, 1_000_003.0)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_clock_that_is_set_neither_ends_a_lease_nor_makes_it_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    monkeypatch.setattr(leases, "LOST_S", 0.3)
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        right, begun = time.time, time.monotonic()
        monkeypatch.setattr(time, "time", lambda: right() + jump_s)
        await asyncio.sleep(0.1)
        assert (await talk.agency.desk.read("another", 0)).messages == ()
        assert talk.entry(turn).state is State.LEASED
        await talk.leave()
        assert (await talk.read("another")).attempt == 2
        assert time.monotonic() - begun < 30
