"""Edits, deletions and reactions: taken to where their message stands."""

import pytest

from bot.stage import Stage, until
from bot.talk import Shared
from entraclaw.bot.inbox import State

shared_loop = pytest.mark.asyncio(loop_scope="module")

EDITED = (State.SUPERSEDED, "edited by its sender")
DELETED = (State.SUPERSEDED, "deleted by its sender")


@shared_loop
async def test_edit_before_hand_over_takes_the_place_of_its_message(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("delete it")
    await talk.edit(said, "do not delete it")

    message = await talk.only()
    assert (message.view["text"], message.view["edited"]) == ("do not delete it", True)
    assert (message.attempt, message.amends) == (1, False)
    assert (await talk.fates())[0] == EDITED


@shared_loop
async def test_second_edit_takes_the_place_of_the_first(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("one")
    await talk.edit(said, "two")
    await talk.edit(said, "three")

    assert (await talk.only()).view["text"] == "three"
    assert (await talk.fates())[:2] == [EDITED, EDITED]


@shared_loop
async def test_edit_that_is_delivered_twice_counts_once(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("one")
    at = "2026-11-23T20:00:00.000Z"
    await talk.edit(said, "two", timestamp=at)
    await talk.edit(said, "two", timestamp=at)

    assert (await talk.only()).view["text"] == "two"
    assert len(talk.entries()) == 2


@shared_loop
async def test_message_deleted_before_hand_over_is_never_handed_over(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("oops, a secret")
    await talk.delete(said)

    assert await talk.read(0) == []
    assert await talk.fates() == [DELETED, (State.DONE, "took its message back")]
    await talk.say("hello")
    message = await talk.only()
    assert "secret" not in str((message.view, message.context))


@shared_loop
async def test_message_edited_and_then_deleted_is_never_handed_over(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("one")
    await talk.edit(said, "two")
    await talk.delete(said)

    assert await talk.read(0) == []
    assert (await talk.fates())[:2] == [EDITED, DELETED]


@shared_loop
async def test_message_that_was_deleted_and_is_back_is_handed_over(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("after all")
    await talk.delete(said)
    await talk.restore(said, "after all")

    message = await talk.only()
    assert (message.view["text"], message.attempt) == ("after all", 1)


@shared_loop
async def test_message_that_was_answered_deleted_and_is_back_starts_no_second_turn(
    shared: Shared,
) -> None:
    talk = shared.talk()
    said = await talk.say("once")
    await talk.done(await talk.only())
    await talk.delete(said)
    await talk.restore(said, "once")

    assert await talk.read(0) == []


@shared_loop
async def test_edit_of_an_open_turn_amends_it(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("book Tuesday")
    first = await talk.only()
    await talk.edit(said, "book Thursday")

    message = await talk.only()
    assert (message.turn, message.amends) == (first.turn, True)
    assert (message.view["text"], message.view["edited"]) == ("book Thursday", True)


@shared_loop
async def test_edit_of_an_open_turn_amends_it_whatever_waits_behind(shared: Shared) -> None:
    """Ours: it is about that turn; it must not stand in the queue behind somebody else's."""
    talk = shared.talk("groupChat")
    said = await talk.say("book Tuesday", mention=True)
    first = await talk.only()
    with shared.allowing("grace"):
        await talk.say("and me?", by="grace", mention=True)
        await talk.edit(said, "book Thursday", mention=True)
        edited = await talk.only()
        await talk.edit(said, "book Friday", mention=True)
        await talk.delete(said)
        deleted = await talk.only()

    assert [(one.turn, one.amends) for one in (edited, deleted)] == [(first.turn, True)] * 2
    assert (edited.view["text"], deleted.view["deleted"]) == ("book Thursday", True)
    await talk.done(first)
    assert (await talk.only()).view["text"] == "and me?"


@shared_loop
async def test_deletion_of_an_open_turn_is_told_to_who_has_it(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("book Tuesday")
    first = await talk.only()
    await talk.delete(said)

    message = await talk.only()
    assert (message.turn, message.amends, message.view["deleted"]) == (first.turn, True, True)


@shared_loop
async def test_edit_and_deletion_after_the_answer_are_context_of_the_next_turn_once(
    shared: Shared,
) -> None:
    talk = shared.talk()
    said = await talk.say("book Tuesday")
    await talk.done(await talk.only())
    await talk.edit(said, "book Thursday")
    assert await talk.read(0) == []
    await talk.say("done?")
    message = await talk.only()
    await talk.done(message)
    await talk.delete(said)
    await talk.say("never mind")
    last = await talk.only()

    [edit] = message.context
    assert (edit["text"], edit["edited"]) == ("book Thursday", True)
    [deletion] = last.context
    assert (deletion["deleted"], deletion["message"]) == (True, said)


@shared_loop
@pytest.mark.parametrize("kind", ["personal", "groupChat"])
async def test_nobody_elses_edit_or_deletion_touches_a_message(shared: Shared, kind: str) -> None:
    """Teams does not send such a thing; whoever forges one gains nothing."""
    talk = shared.talk(kind)
    said = await talk.say("mine", mention=True)
    for somebody in ("mallory", "grace"):
        await talk.edit(said, "theirs", by=somebody, mention=True)
        await talk.delete(said, by=somebody)

    assert (await talk.only()).view["text"] == "mine"


@shared_loop
async def test_edit_without_the_mention_still_replaces_what_was_asked_in_a_group(
    shared: Shared,
) -> None:
    talk = shared.talk("groupChat")
    said = await talk.say("delete it", mention=True)
    await talk.edit(said, "keep it")

    assert (await talk.only()).view["text"] == "keep it"
    assert (await talk.fates())[0] == EDITED


@shared_loop
async def test_deletion_in_a_group_takes_back_what_was_asked(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    said = await talk.say("delete it", mention=True)
    await talk.delete(said)

    assert await talk.read(0) == []
    assert (await talk.fates())[0] == DELETED


@shared_loop
async def test_what_was_replaced_leaves_its_context_to_what_replaces_it(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    await talk.say("we ship on Friday")
    said = await talk.say("when?", mention=True)
    await talk.edit(said, "when do we ship?", mention=True)

    message = await talk.only()
    assert message.view["text"] == "when do we ship?"
    assert [one["text"] for one in message.context] == ["we ship on Friday"]


@shared_loop
async def test_context_shows_a_group_as_it_stands_now(shared: Shared) -> None:
    """Ours: what was taken back is not told, and what was edited only as it reads now."""
    talk = shared.talk("groupChat")
    await talk.delete(await talk.say("I hate Mondays"))
    said = await talk.say("we ship on Thursday")
    await talk.edit(said, "we ship on Friday")
    await talk.say("summarise", mention=True)

    message = await talk.only()
    assert [one.get("text") for one in message.context] == ["we ship on Friday"]
    assert message.unseen == 0


@shared_loop
async def test_reactions_become_context_once_and_start_no_turn(shared: Shared) -> None:
    talk = shared.talk()
    said = await talk.say("thanks")
    await talk.done(await talk.only())
    await talk.react(said, added=["like", "heart"])
    await talk.react(said, removed=["like"])
    assert await talk.read(0) == []

    await talk.say("and now?")
    message = await talk.only()
    await talk.done(message)
    await talk.say("and then?")

    added, removed = message.context
    assert (added["message"], added["reacted"]) == (said, ["like", "heart"])
    assert removed["took_back"] == ["like"]
    assert (await talk.only()).context == ()


@shared_loop
async def test_reaction_of_a_stranger_is_neither_shown_nor_counted(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    said = await talk.say("vote", mention=True)
    await talk.done(await talk.only())
    await talk.react(said, added=["like"], by="mallory")
    await talk.say("so?", mention=True)

    message = await talk.only()
    assert (message.context, message.unseen) == ((), 0)


async def test_change_is_followed_to_its_message_as_teams_tells_it(stage: Stage) -> None:
    """The same through the emulated Teams, whose own words for all of it these are."""
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        first = await stage.say("one")
        await stage.control("POST", "edits", _of(first, text="two"))
        second = await stage.say("never mind")
        await stage.control("POST", "deletes", _of(second))
        await stage.control("POST", "reactions", _of(first, add=["like"]))
        await until(lambda: _decided(stage))

        [message] = (await daemon.desk.read("s", 30.0)).messages
        assert message.view["text"] == "two"
        await stage.control("POST", "edits", _of(first, text="three"))
        [amended] = (await daemon.desk.read("s", 30.0)).messages

    assert (amended.turn, amended.view["text"]) == (message.turn, "three")


async def test_edit_is_not_lost_when_the_daemon_ends_while_it_is_decided(stage: Stage) -> None:
    """What it replaces goes, and what replaces it comes, in the same moment or not at all."""
    async with stage.daemon():
        said = await stage.say("one")
        await until(lambda: _decided(stage))
    async with stage.daemon():
        await stage.control("PUT", "faults", {"graph": {"delay_ms": 5000, "path": "/sponsors"}})
        try:
            await stage.control("POST", "edits", _of(said, text="two"))
        finally:
            await stage.control("PUT", "faults", {"graph": None})
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await until(lambda: _decided(stage))
        [message] = (await daemon.desk.read("s", 30.0)).messages

    assert message.view["text"] == "two"


async def _decided(stage: Stage) -> bool:
    return State.ADMITTED not in {entry.state for entry in stage.entries()}


def _of(said: dict[str, object], **more: object) -> dict[str, object]:
    return {"from": "ada", "activity": said["activity"], **more}
