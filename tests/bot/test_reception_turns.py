"""What joins an open turn, and what ends one."""

import pytest

from bot.stage import Stage, until
from bot.talk import Shared
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice
from entraclaw.errors import TurnRefused

shared_loop = pytest.mark.asyncio(loop_scope="module")


@shared_loop
async def test_more_words_of_the_same_person_join_the_open_turn_in_their_order(
    shared: Shared,
) -> None:
    talk = shared.talk()
    await talk.say("one")
    first = await talk.only()
    await talk.say("two")
    await talk.say("three")

    more = await talk.read()
    assert [(one.turn, one.amends, one.view["text"]) for one in more] == [
        (first.turn, True, "two"),
        (first.turn, True, "three"),
    ]
    await talk.done(first)
    assert [state for state, _ in await talk.fates()] == [State.DONE] * 3


@shared_loop
async def test_words_of_another_person_join_nothing_and_wait_their_turn(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    await talk.say("one", mention=True)
    first = await talk.only()
    with shared.allowing("grace"):
        await talk.say("and mine", by="grace", mention=True)
        await talk.say("two", mention=True)
        assert await talk.read(0) == []
    await talk.done(first)

    second = await talk.only()
    assert (second.view["text"], second.view["relation"]) == ("and mine", "allowed")
    assert second.turn != first.turn
    await talk.done(second)
    # Behind hers: it must not overtake what was said before it.
    third = await talk.only()
    assert (third.view["text"], third.amends) == ("two", False)


@shared_loop
async def test_words_that_nobody_was_handed_when_the_turn_closes_are_a_turn(
    shared: Shared,
) -> None:
    talk = shared.talk()
    await talk.say("one")
    first = await talk.only()
    await talk.say("two")
    await talk.settled()
    await talk.done(first)

    second = await talk.only()
    assert (second.view["text"], second.amends, second.attempt) == ("two", False, 1)
    assert second.turn != first.turn


@shared_loop
@pytest.mark.parametrize("word", ["stop", "/stop", "STOP!", " Stop. "])
async def test_stop_ends_what_is_open_and_what_waits_and_tells_the_host(
    shared: Shared, word: str
) -> None:
    talk = shared.talk("groupChat")
    await talk.say("one", mention=True)
    first = await talk.only()
    with shared.allowing("grace"):
        await talk.say("hers", by="grace", mention=True)
        await talk.say("two", mention=True)
        await talk.say(word, mention=True)
        await talk.settled()
        reading = await shared.desk.read(talk.session, 5)

    assert reading.stopped == (first.turn,)
    assert [one.view["text"] for one in reading.messages] == ["hers"]
    assert await talk.fates() == [
        (State.DONE, "stopped by its requester"),
        (State.LEASED, ""),
        (State.SUPERSEDED, "stopped by its requester"),
        (State.DONE, "said stop"),
    ]


@shared_loop
async def test_late_reply_to_a_turn_that_was_stopped_is_refused_in_words(shared: Shared) -> None:
    talk = shared.talk()
    await talk.say("one")
    first = await talk.only()
    await talk.say("stop")
    await talk.settled()

    assert shared.daemon.agency is not None
    with pytest.raises(TurnRefused, match="this turn is closed: stopped by its requester"):
        await shared.daemon.agency.answers.reply(talk.session, first.turn, "done!")


@shared_loop
async def test_stop_of_somebody_else_ends_nothing_of_mine(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    await talk.say("mine", mention=True)
    mine = await talk.only()
    with shared.allowing("grace"):
        await talk.say("stop", by="grace", mention=True)
        await talk.settled()
    await talk.say("stop", by="mallory", mention=True)

    assert (await talk.fates())[0] == (State.LEASED, "")
    assert (await shared.desk.read(talk.session, 0)).stopped == ()
    await talk.done(mine)


@shared_loop
@pytest.mark.parametrize("words", ["stop it", "please stop", "\u017ftop", "st\u200bop now"])
async def test_stop_within_other_words_is_a_message(shared: Shared, words: str) -> None:
    talk = shared.talk()
    await talk.say(words)

    assert (await talk.only()).turn


async def test_who_says_stop_is_told_what_it_did_each_time(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("stop")
        await until(lambda: _told(stage, [Notice.NOTHING]))
        await stage.say("dig")
        [dig] = (await daemon.desk.read("s", 30.0)).messages
        await stage.say("stop")
        await until(lambda: _told(stage, [Notice.NOTHING, Notice.STOPPED]))
        reading = await daemon.desk.read("s", 30.0)

    assert reading.stopped == (dig.turn,)
    assert reading.messages == ()


async def test_late_word_is_a_message_like_any_other(stage: Stage) -> None:
    """What was said during an outage must stop, approve or open nothing afterwards."""
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("dig")
        [dig] = (await daemon.desk.read("s", 30.0)).messages
    for word in ("stop", "pair ACDEF3"):
        await stage.say(word, deliver=False)
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        assert daemon.agency is not None
        await until(lambda: _decided(stage, 3))
        await daemon.agency.answers.done("s", dig.turn)
        first = (await daemon.desk.read("s", 30.0)).messages[0]
        await daemon.agency.answers.done("s", first.turn)
        second = (await daemon.desk.read("s", 30.0)).messages[0]

    assert [one.view["text"] for one in (first, second)] == ["stop", "pair ACDEF3"]
    assert [one.view["marks"] for one in (first, second)] == [["late"]] * 2
    assert await stage.answers() == []


async def _told(stage: Stage, lines: list[str]) -> bool:
    return [one["text"] for one in await stage.answers()] == lines


async def _decided(stage: Stage, number: int) -> bool:
    states = [entry.state for entry in stage.entries()]
    return len(states) == number and State.ADMITTED not in states
