"""What every `Outbox` and `Places` keep their word on. A store's test inherits these.

It gives fixtures `inbox`, `outbox` and `places` over one store.
"""

from dataclasses import replace

import pytest

from contracts.inbox import every, opened, state_of
from entraclaw.bot.inbox import Inbox, State
from entraclaw.bot.outbox import Kind, Outbox, Outcome, Part, compose
from entraclaw.bot.places import Place, Places
from entraclaw.errors import TurnRefused

TURN = "a:1/1"


def part(text: str = "hi", *, key: str = "", final: bool = True) -> Part:
    return compose(TURN, "a:1", text, 1000.0, kind=Kind.TEXT, final=final, key=key)


async def leased(inbox: Inbox) -> None:
    await opened(inbox, 1)
    await inbox.claim("s", 50.0, 10, every)


def sent(begun: Part, activity: str = "77") -> Part:
    return replace(begun, outcome=Outcome.SENT, activity=activity)


def unknown(begun: Part) -> Part:
    return replace(begun, outcome=Outcome.UNKNOWN)


class OutboxContract:
    """Inherit, and provide fixtures `inbox` and `outbox`."""

    async def test_sent_answer_closes_its_turn(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        begun, is_new = await outbox.begin(part())
        await outbox.finish(sent(begun))

        assert (is_new, begun.number) == (True, 1)
        assert await state_of(inbox, TURN) is State.DONE
        assert (await inbox.conversation("a:1", 1))[0][1] == "hi"

    async def test_part_that_is_not_final_leaves_its_turn_open(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        first, _ = await outbox.begin(part("one moment", final=False))
        await outbox.finish(sent(first, "1"))
        assert await state_of(inbox, TURN) is State.LEASED

        last, _ = await outbox.begin(part("done"))
        await outbox.finish(sent(last, "2"))

        assert last.number == 2
        assert (await inbox.conversation("a:1", 1))[0][1] == "one moment\n\ndone"

    async def test_same_key_again_is_the_part_that_was_sent(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part(key="k", final=False))
        await outbox.finish(sent(begun))

        again, is_new = await outbox.begin(part(key="k", final=False))

        assert (again.activity, is_new) == ("77", False)
        assert await outbox.find_sent(part(key="k")) == sent(begun)

    async def test_key_used_for_another_text_is_refused(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part(key="k", final=False))
        await outbox.finish(sent(begun))

        with pytest.raises(TurnRefused, match="another text"):
            await outbox.begin(part("something else", key="k"))
        assert await outbox.find_sent(part("something else", key="k")) is None

    async def test_part_under_way_is_not_begun_twice(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        await outbox.begin(part())

        with pytest.raises(TurnRefused, match="being answered"):
            await outbox.begin(part())

    async def test_refused_part_may_be_tried_again_under_its_number(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(replace(begun, outcome=Outcome.REFUSED))
        assert await state_of(inbox, TURN) is State.LEASED

        again, is_new = await outbox.begin(part())

        assert (again.number, is_new) == (1, True)
        assert await outbox.sent_since("a:1", 0.0) == 1

    async def test_unknown_outcome_makes_the_turn_ambiguous_for_good(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(unknown(begun))

        assert await state_of(inbox, TURN) is State.AMBIGUOUS
        assert not await inbox.claim("z", 60.0, 10, every)
        assert not (await inbox.expire(1e9)).waiting
        with pytest.raises(TurnRefused, match="nobody knows"):
            await outbox.begin(part())
        assert await outbox.unsettled() == [unknown(begun)]

    async def test_ambiguous_turn_holds_up_nobody(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(unknown(begun))

        await opened(inbox, 2)

        assert [entry.turn for entry in await inbox.claim("z", 60.0, 10, every)] == ["a:1/2"]

    async def test_intent_of_a_dead_daemon_is_unknown(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())

        assert await outbox.forget_intents() == 1

        assert await outbox.unsettled() == [unknown(begun)]
        assert await state_of(inbox, TURN) is State.AMBIGUOUS

    async def test_settled_part_ends_its_turn(self, inbox: Inbox, outbox: Outbox) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(unknown(begun))

        await outbox.settle(sent(begun))

        assert await state_of(inbox, TURN) is State.DONE
        assert not await outbox.unsettled()
        assert await outbox.is_ours("77")

    async def test_settled_part_that_was_not_the_last_is_left_to_a_person(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part(final=False))
        await outbox.finish(unknown(begun))

        await outbox.settle(sent(begun))

        entry = await inbox.of_turn(TURN)
        assert entry is not None
        assert (entry.state, entry.reason) == (State.AMBIGUOUS, "answered in part, then cut off")

    async def test_part_that_was_not_there_can_be_sent_after_all(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(unknown(begun))

        await outbox.settle(replace(begun, outcome=Outcome.REFUSED))
        again, is_new = await outbox.begin(part())
        await outbox.settle(sent(again))

        assert is_new
        assert await state_of(inbox, TURN) is State.DONE

    async def test_what_was_said_for_no_turn_is_ours_too(self, outbox: Outbox) -> None:
        assert not await outbox.is_ours("9")
        await outbox.remember("a:1", "9")
        assert await outbox.is_ours("9")

    async def test_notice_is_told_once_in_its_time(self, outbox: Outbox) -> None:
        assert await outbox.may_tell("a:1", "grace", "REFUSED", 60.0)
        assert not await outbox.may_tell("a:1", "grace", "REFUSED", 60.0)
        assert await outbox.may_tell("a:1", "grace", "FULL", 60.0)
        assert await outbox.may_tell("a:1", "ada", "REFUSED", 60.0)
        assert await outbox.may_tell("a:1", "grace", "REFUSED", 0.0)


CONNECTOR = Place(
    id="a:1", tenant="t", kind="personal", person="ada", reference=b'{"serviceUrl":"x"}'
)
BOTS = replace(
    CONNECTOR,
    id="a:bot",
    reference=b'{"serviceUrl":"x","recipient":{"id":"28:B07"}}',
    claims=b'{"aud":"b07"}',
)
GRAPH = Place(id="19:ada_agent@unq.gbl.spaces", tenant="t", kind="personal", person="ada")


class PlacesContract:
    """Inherit, and provide a fixture `places`."""

    async def test_place_is_found_as_it_was_learnt(self, places: Places) -> None:
        learnt = await places.learn(CONNECTOR)

        assert await places.find("a:1") == learnt
        assert learnt == replace(CONNECTOR, lane="a:1")
        assert await places.find("a:2") is None

    @pytest.mark.parametrize("order", [(CONNECTOR, GRAPH), (GRAPH, CONNECTOR)])
    async def test_two_names_of_one_chat_share_a_lane(
        self, places: Places, order: tuple[Place, Place]
    ) -> None:
        for place in order:
            await places.learn(place)

        first, second = [await places.find(place.id) for place in order]
        assert first is not None
        assert second is not None
        assert first.lane == second.lane == order[0].id
        assert (first.twin, second.twin) == (second.id, first.id)

    async def test_chats_with_two_people_are_two(self, places: Places) -> None:
        await places.learn(CONNECTOR)
        other = await places.learn(replace(GRAPH, person="grace"))

        assert (other.twin, other.lane) == ("", GRAPH.id)

    async def test_second_chat_of_the_same_kind_is_no_twin(self, places: Places) -> None:
        """Two connector names of one person: a reinstalled app, not two sides of a chat."""
        await places.learn(CONNECTOR)

        assert (await places.learn(replace(CONNECTOR, id="a:9"))).twin == ""

    @pytest.mark.parametrize("order", [(BOTS, GRAPH), (GRAPH, BOTS)])
    async def test_chat_with_a_bot_is_none_of_the_agent_users(
        self, places: Places, order: tuple[Place, Place]
    ) -> None:
        """Both are 1:1 chats with the same person; one is with the bot, one with its colleague."""
        for place in order:
            learnt = await places.learn(place)
            assert (learnt.twin, learnt.lane) == ("", place.id)

    async def test_agent_users_chat_finds_its_other_name_beside_a_bots(
        self, places: Places
    ) -> None:
        for place in (BOTS, CONNECTOR):
            await places.learn(place)

        assert (await places.learn(GRAPH)).twin == CONNECTOR.id

    async def test_chats_with_people_are_listed_once_each_by_the_connectors_name(
        self, places: Places
    ) -> None:
        for place in (GRAPH, CONNECTOR, replace(GRAPH, id="19:grace", person="grace")):
            await places.learn(place)
        await places.learn(Place(id="19:room", tenant="t", kind="groupChat"))

        assert [one.id for one in await places.personal({"ada"})] == ["a:1"]
        assert [one.id for one in await places.personal({"ada", "grace", ""})] == [
            "a:1",
            "19:grace",
        ]

    async def test_names_marked_together_replace_those_of_before(self, places: Places) -> None:
        await places.set_mark("other", 1.0)
        await places.mark_all("sponsor ", {"ada", "grace"})
        await places.mark_all("sponsor ", {"grace", "margaret"})

        assert await places.marked("sponsor ") == {"grace", "margaret"}
        assert await places.mark("other") == 1.0

    async def test_reference_is_kept_when_graph_tells_of_the_place_again(
        self, places: Places
    ) -> None:
        await places.learn(CONNECTOR)
        again = await places.learn(replace(CONNECTOR, reference=b"", claims=b"{}"))

        assert again.reference == CONNECTOR.reference

    async def test_new_address_of_a_place_takes_the_old_ones_stead(self, places: Places) -> None:
        await places.learn(CONNECTOR)
        moved = replace(CONNECTOR, reference=b'{"serviceUrl":"y"}')
        await places.learn(moved)

        found = await places.find("a:1")
        assert found is not None
        assert found.reference == moved.reference

    async def test_mark_is_what_was_set_last(self, places: Places) -> None:
        assert await places.mark("m") is None
        await places.set_mark("m", 1.0)
        await places.set_mark("m", 2.0)
        assert await places.mark("m") == 2.0
