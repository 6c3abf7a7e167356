"""Answers: each sent once, under its key, by the session that holds the turn."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from bot.exchange import BRISK, Exchange
from bot.stage import Sandbox, Stage, staged, until
from entraclaw.bot import answers, leases
from entraclaw.bot.answers import TEXT_LIMIT
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import State
from entraclaw.bot.inbox_look import look
from entraclaw.bot.outbox import Outcome
from entraclaw.bot.sending import REACTIONS
from entraclaw.errors import CallRefused, EntraclawError, HopRefused, TurnRefused, Uncertain

CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Exchange]:
    """One daemon for all that leave its turns closed."""
    home = tmp_path_factory.mktemp("answers")
    async with staged(emulation, home) as stage, stage.daemon(BRISK, seat="") as daemon:
        yield await Exchange.open(stage, daemon)


@pytest_asyncio.fixture(loop_scope="module")
async def talk(served: Exchange) -> AsyncGenerator[Exchange]:
    """It, with whatever was left open closed again, and no fault left behind."""
    yield served
    await served.fault()
    for entry in served.stage.entries():
        if entry.state is State.LEASED and entry.session:
            await served.agency.answers.done(entry.session, entry.turn)


def outcomes(talk: Exchange, turn: Handed) -> list[Outcome]:
    """What is on disk of the parts of a turn."""
    with look(talk.stage.folder / "inbox.db") as seen:
        return [part.outcome for part in seen.record(turn.entry).parts]


@in_module
async def test_answer_that_is_not_final_keeps_its_turn_open(talk: Exchange) -> None:
    turn = await talk.asked()
    first = await talk.reply(turn, "looking", final=False)
    second = await talk.reply(turn, "found it")

    assert (first.is_open, second.is_open) == (True, False)
    assert talk.entry(turn).state is State.DONE
    assert [len(await talk.said(text)) for text in ("looking", "found it")] == [1, 1]


@in_module
async def test_same_key_again_is_the_same_answer(talk: Exchange) -> None:
    turn = await talk.asked()
    first = await talk.reply(turn, "step one", final=False, key="1")

    assert await talk.reply(turn, "step one", final=False, key="1") == first
    assert len(await talk.said("step one")) == 1


@in_module
async def test_same_text_without_a_key_is_the_same_answer(talk: Exchange) -> None:
    turn = await talk.asked()
    first = await talk.reply(turn, "no key", final=False)

    assert await talk.reply(turn, "no key", final=False) == first
    assert len(await talk.said("no key")) == 1


@in_module
async def test_same_text_under_another_key_is_another_answer(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.reply(turn, "still at it", final=False, key="1")
    await talk.reply(turn, "still at it", final=False, key="2")

    assert len(await talk.said("still at it")) == 2


@in_module
async def test_same_key_with_another_text_is_refused(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.reply(turn, "as I said", final=False, key="1")

    with pytest.raises(TurnRefused, match="this key was used for another text in this turn"):
        await talk.reply(turn, "something else", key="1")
    assert await talk.said("something else") == []


@in_module
async def test_text_said_before_closes_its_turn_when_it_is_said_as_final(talk: Exchange) -> None:
    turn = await talk.asked()
    first = await talk.reply(turn, "the end", final=False)
    last = await talk.reply(turn, "the end")

    assert (last.activity, last.is_open) == (first.activity, False)
    assert talk.entry(turn).state is State.DONE
    assert len(await talk.said("the end")) == 1


@in_module
async def test_answer_repeated_after_its_turn_closed_gives_the_first_id(talk: Exchange) -> None:
    """A host that lost the result may ask again."""
    turn = await talk.asked()
    first = await talk.reply(turn, "once more", key="k")

    assert await talk.reply(turn, "once more", final=False, key="k") == first
    with pytest.raises(TurnRefused, match="this turn is closed: it was answered"):
        await talk.reply(turn, "another text", key="k")
    assert len(await talk.said("once more")) == 1


async def test_answer_repeated_after_a_restart_gives_the_first_id(stage: Stage) -> None:
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        first = await talk.reply(turn, "part one", final=False)
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        again = await talk.reply(turn, "part one", final=False)
        await talk.reply(turn, "part two")
        repeated = await talk.reply(turn, "part two")

    assert again == first
    assert repeated.is_open is False
    assert [one["text"] for one in await stage.answers()] == ["part one", "part two"]


@in_module
@pytest.mark.parametrize("reaction", REACTIONS)
async def test_reaction_is_put_on_the_message_and_closes_its_turn(
    talk: Exchange, reaction: str
) -> None:
    turn = await talk.asked()
    await talk.agency.answers.react("s", turn.turn, reaction)
    await talk.agency.answers.react("s", turn.turn, reaction)

    [put] = [one for one in await talk.stage.answers() if one["id"] == turn.entry.arrival.activity]
    assert (put["kind"], put["text"]) == ("reaction", REACTIONS[reaction])
    assert talk.entry(turn).state is State.DONE


@in_module
async def test_reaction_that_teams_does_not_have_is_refused_with_those_it_has(
    talk: Exchange,
) -> None:
    turn = await talk.asked()

    with pytest.raises(TurnRefused, match="a reaction is one of like, heart, eyes, check"):
        await talk.agency.answers.react("s", turn.turn, "dislike")
    assert outcomes(talk, turn) == []


@in_module
async def test_turn_that_needs_no_answer_is_closed_without_one(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.agency.answers.done("s", turn.turn)

    entry = talk.entry(turn)
    assert (entry.state, entry.reason) == (State.DONE, "closed by its session")
    for late in (talk.agency.answers.done("s", turn.turn), talk.reply(turn, "too late")):
        with pytest.raises(TurnRefused, match="this turn is closed: closed by its session"):
            await late
    assert await talk.said("too late") == []


@in_module
async def test_text_over_the_limit_is_refused_with_what_to_do(talk: Exchange) -> None:
    turn = await talk.asked()

    with pytest.raises(TurnRefused, match=f"at most {TEXT_LIMIT} characters.* has 28001") as told:
        await talk.reply(turn, "x" * (TEXT_LIMIT + 1))
    assert "`final` false" in told.value.hint


@in_module
async def test_conversation_takes_so_many_answers_an_hour_and_no_more(
    talk: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await talk.asked()
    await talk.reply(turn, "under the cap", final=False)
    monkeypatch.setattr(answers, "HOURLY", 1)

    with pytest.raises(TurnRefused, match="sent 1 answers within an hour") as told:
        await talk.reply(turn, "over the cap")
    assert told.value.hint == "wait, or close the turn with `done`"
    assert (await talk.reply(turn, "under the cap")).is_open is False
    assert await talk.said("over the cap") == []


@in_module
async def test_turn_that_is_not_there_is_refused(talk: Exchange) -> None:
    with pytest.raises(TurnRefused, match="this turn is unknown") as told:
        await talk.agency.answers.done("s", "made up")
    assert told.value.hint == "read_messages gives new ones"


@in_module
async def test_turn_of_another_session_is_refused(talk: Exchange) -> None:
    turn = await talk.asked()

    for act in (
        talk.agency.answers.reply("thief", turn.turn, "mine"),
        talk.agency.answers.react("thief", turn.turn, "like"),
        talk.agency.answers.done("thief", turn.turn),
    ):
        with pytest.raises(TurnRefused, match="this turn belongs to another session"):
            await act
    assert outcomes(talk, turn) == []


@in_module
async def test_turn_whose_lease_ended_is_refused_until_it_is_read_again(
    talk: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LOST_S", 0.01)
    turn = await talk.asked()
    await talk.leave()
    await talk.until(turn, State.WAITING)
    await talk.come()

    with pytest.raises(TurnRefused, match="this turn is no longer yours") as told:
        await talk.reply(turn, "still mine?")
    assert told.value.hint == "read_messages gives it again"
    assert (await talk.read()).attempt == 2
    await talk.reply(turn, "mine again")


@in_module
async def test_turn_that_was_stopped_is_refused_with_the_reason(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.stage.say("stop")
    await talk.until(turn, State.DONE)

    with pytest.raises(TurnRefused, match="this turn is closed: stopped by its requester"):
        await talk.reply(turn, "on it")
    assert await talk.said("on it") == []
    assert turn.turn in (await talk.agency.desk.read("s", 0)).stopped


@in_module
async def test_turn_that_was_dropped_at_the_desk_is_refused_with_the_reason(
    talk: Exchange,
) -> None:
    turn = await talk.asked()
    await talk.agency.controls.do({"verb": "drop", "seq": turn.entry.seq})

    with pytest.raises(TurnRefused, match="this turn is closed: dropped at the desk"):
        await talk.reply(turn, "dropped?")


@in_module
async def test_refusal_for_a_while_says_when_to_call_again(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.fault(status=429, retry_after=7, times=1)

    with pytest.raises(CallRefused, match="429 Throttled") as told:
        await talk.reply(turn, "patience")
    assert told.value.hint == "call again in 7 s"
    assert (outcomes(talk, turn), talk.entry(turn).state) == ([Outcome.REFUSED], State.LEASED)
    await talk.reply(turn, "patience")
    assert outcomes(talk, turn) == [Outcome.SENT]
    assert len(await talk.said("patience")) == 1


@in_module
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_refused_answer_leaves_its_turn_open_for_a_better_one(
    talk: Exchange, status: int
) -> None:
    turn = await talk.asked()
    # One 401 is answered with a fresh token.
    await talk.fault(status=status, times=2 if status == 401 else 1)

    with pytest.raises(CallRefused, match=str(status)) as told:
        await talk.reply(turn, "wrong")
    assert told.value.hint == "nothing was sent, and the turn is still open"
    assert outcomes(talk, turn) == [Outcome.REFUSED]
    await talk.reply(turn, f"better {status}")
    assert len(await talk.said(f"better {status}")) == 1


@in_module
@pytest.mark.parametrize(
    "fault", [{"before": True}, {"after": True}, {"status": 500}, {"status": 503, "after": True}]
)
async def test_answer_that_broke_off_is_not_known_to_have_arrived(
    talk: Exchange, fault: dict[str, object]
) -> None:
    turn = await talk.asked()
    await talk.fault(**fault, times=1)

    with pytest.raises(Uncertain, match="Teams broke off before it answered") as told:
        await talk.reply(turn, f"did it? {fault}")
    assert told.value.hint == "do nothing more for it: the daemon finds out whether it arrived"
    with pytest.raises(TurnRefused, match="nobody knows yet whether the answer") as again:
        await talk.reply(turn, f"again {fault}")
    assert again.value.hint.startswith("do nothing more for it")
    await talk.until(turn, State.DONE)
    assert len(await talk.said(f"did it? {fault}")) == 1
    assert await talk.said(f"again {fault}") == []


async def test_answer_without_a_token_is_refused_and_its_turn_stays_open(stage: Stage) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", {"grants": {CHANNEL: []}})
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        with pytest.raises(HopRefused) as told:
            await talk.reply(turn, "hi")
        assert told.value.hint
        assert (outcomes(talk, turn), talk.entry(turn).state) == ([Outcome.REFUSED], State.LEASED)

    assert await stage.answers() == []


@in_module
async def test_host_that_goes_away_while_it_waits_holds_up_nobody(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.fault(delay_ms=150, times=1)
    asking = [asyncio.create_task(talk.reply(turn, f"one of {n}", final=n == 2)) for n in range(3)]
    await asyncio.sleep(0.05)
    asking[0].cancel()
    asking[1].cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(one).__name__ for one in done] == ["CancelledError", "CancelledError", "Sent"]
    assert [len(await talk.said(f"one of {n}")) for n in range(3)] == [1, 1, 1]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "answer"]


async def test_daemon_that_stops_lets_an_answer_come_to_its_end(stage: Stage) -> None:
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(delay_ms=300, times=1)
        replying = asyncio.create_task(talk.reply(turn, "last words"))
        await until(lambda: _is_under_way(talk, turn))
    await talk.fault()

    assert (await replying).is_open is False
    assert (talk.entry(turn).state, outcomes(talk, turn)) == (State.DONE, [Outcome.SENT])
    assert len(await stage.answers()) == 1


async def _is_under_way(talk: Exchange, turn: Handed) -> bool:
    return outcomes(talk, turn) == [Outcome.INTENT]


async def test_outcome_that_the_disk_does_not_take_is_written_when_it_does(stage: Stage) -> None:
    """Until then nobody else may be given the turn, which is answered."""
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(delay_ms=200, times=1)
        replying = asyncio.create_task(talk.reply(turn, "hi"))
        await until(lambda: _is_under_way(talk, turn))
        inbox = stage.folder / "inbox.db"
        inbox.rename(inbox.with_suffix(".away"))
        await until(lambda: _is_said(stage))
        await asyncio.sleep(0.2)
        assert not replying.done()
        inbox.with_suffix(".away").rename(inbox)

        assert (await replying).is_open is False
        assert talk.entry(turn).state is State.DONE
    await talk.fault()


async def _is_said(stage: Stage) -> bool:
    return bool(await stage.answers())


async def test_locked_profile_sends_nothing(stage: Stage) -> None:
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        talk.agency.lock.lock("for a test")
        with pytest.raises(EntraclawError, match="locked"):
            await talk.reply(turn, "hi")
        assert outcomes(talk, turn) == []
