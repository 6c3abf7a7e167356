"""What every `Inbox` and `Outbox` keep their word on together, and at their limits.

A store's test inherits this, and gives fixtures `inbox` and `outbox` over one store.
"""

from dataclasses import replace

import pytest

from contracts.inbox import LIMIT, arrival, every, opened, state_of, to_ring_for, turns, waiting
from contracts.outbox import TURN, leased, part, sent, unknown
from entraclaw.bot.desk import BACKLOG
from entraclaw.bot.inbox import OBSERVED, Inbox, Move, Opening, State
from entraclaw.bot.inbox_observed import CONTEXT, FENCED
from entraclaw.bot.lifecycle import ANSWERING_S, RING_ATTEMPTS
from entraclaw.bot.outbox import Outbox, Outcome
from entraclaw.errors import InboxUnwritable, TurnRefused


async def observed(inbox: Inbox, *numbers: int, view: bytes = b"{}") -> None:
    for number in numbers:
        receipt = await inbox.append(arrival(number, sender="grace"))
        await inbox.note(receipt.seq, "a:1", OBSERVED, view)


async def fenced(inbox: Inbox, turn: str) -> list[str]:
    return [one.arrival.activity for one in await inbox.observed(turn)]


class TurnsContract:
    """Inherit, and provide fixtures `inbox` and `outbox`."""

    async def test_lease_does_not_end_while_its_answer_is_being_sent(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        """Else two hosts would answer: the first one's answer may well arrive."""
        await leased(inbox)
        begun, _ = await outbox.begin(part())

        assert (await inbox.expire(50.0)).waiting == 0
        assert await inbox.next_lease_end() == 50.0 + ANSWERING_S
        await outbox.finish(sent(begun))

        assert await state_of(inbox, TURN) is State.DONE

    async def test_lease_ends_after_all_when_the_answer_was_refused(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await inbox.expire(50.0)
        await outbox.finish(replace(begun, outcome=Outcome.REFUSED))

        assert (await inbox.expire(50.0 + ANSWERING_S)).waiting == 1

    async def test_turn_that_is_not_open_takes_no_answer(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        await inbox.expire(50.0)

        with pytest.raises(TurnRefused, match="not open"):
            await outbox.begin(part())

    async def test_sent_stays_sent_whatever_is_said_later(
        self, inbox: Inbox, outbox: Outbox
    ) -> None:
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(sent(begun))

        await outbox.settle(replace(begun, outcome=Outcome.REFUSED))
        await outbox.finish(unknown(begun))

        assert await outbox.find_sent(part()) == sent(begun)
        assert await state_of(inbox, TURN) is State.DONE

    @pytest.mark.parametrize("move", ["drop", "replay"])
    async def test_answer_of_a_turn_that_the_desk_took_away_is_settled_no_more(
        self, inbox: Inbox, outbox: Outbox, move: str
    ) -> None:
        """Settling sends what it does not find; nobody wants this any more."""
        await leased(inbox)
        begun, _ = await outbox.begin(part())
        await outbox.finish(unknown(begun))
        [entry] = await inbox.list_entries(1)

        taken = inbox.end(entry.seq, Move.DROP, "") if move == "drop" else inbox.replay(entry.seq)

        assert await taken
        assert not await outbox.unsettled()

    async def test_held_lists_the_turns_of_one_session_without_what_amends_them(
        self, inbox: Inbox
    ) -> None:
        await opened(inbox, 1, "a:1")
        await opened(inbox, 2, "a:2")
        await inbox.claim("one", 50.0, LIMIT, every)
        await opened(inbox, 3, "a:1")  # of the same sender: it amends
        await opened(inbox, 4, "a:4")
        await inbox.claim("another", 50.0, LIMIT, every)
        await inbox.claim("one", 50.0, LIMIT, every)

        held = await inbox.held("one")

        assert [one.lane for one in held] == ["a:1", "a:2"]
        assert all(one.session == "one" and not one.joined for one in held)
        assert await inbox.held("nobody") == []

    async def test_end_takes_only_moves_that_end(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))

        with pytest.raises(ValueError, match="no last state"):
            await inbox.end(receipt.seq, Move.OPEN, "")

    async def test_amendment_is_no_turn_that_waits_and_rings_for_nobody_else(
        self, inbox: Inbox
    ) -> None:
        await leased(inbox)
        await opened(inbox, 2)

        assert (await inbox.waiting(), await to_ring_for(inbox)) == (0, 0)

    async def test_new_amendment_does_not_ring_for_a_turn_that_has_rung_enough(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        for number in range(RING_ATTEMPTS):
            await inbox.claim("s", 50.0, 10, every)
            if number == RING_ATTEMPTS - 1:
                await opened(inbox, 2)
            await inbox.expire(50.0)

        assert (await inbox.waiting(), await to_ring_for(inbox)) == (1, 0)

    async def test_stop_strands_no_amendment_that_came_after_it(self, inbox: Inbox) -> None:
        await leased(inbox)
        word = await inbox.append(arrival(5))
        await opened(inbox, 6)
        await inbox.expire(50.0)

        assert not await inbox.stop("a:1", "ada", word.seq, "stopped")

        assert await state_of(inbox, TURN) is State.SUPERSEDED
        assert turns(await inbox.claim("s", 60.0, 10, every)) == ["a:1/6"]

    async def test_turn_id_is_never_given_to_two(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        receipt = await inbox.append(arrival(2))

        with pytest.raises(InboxUnwritable):
            await inbox.open_turn(Opening(receipt.seq, TURN, "a:1", b"{}"), LIMIT)

        entry = await inbox.entry(receipt.seq)
        assert entry is not None
        assert entry.state is State.ADMITTED

    async def test_what_was_observed_goes_with_the_turn_that_is_shown(self, inbox: Inbox) -> None:
        """An edit before the hand-over: the new text must not lose what it is about."""
        await observed(inbox, 1)
        await opened(inbox, 2)
        [message, _] = await inbox.list_entries(2)
        await inbox.end(message.seq, Move.SUPERSEDE, "edited by its sender")
        await opened(inbox, 3)

        assert await fenced(inbox, "a:1/3") == ["1"]

    async def test_what_was_observed_is_not_shown_again_after_a_hand_over(
        self, inbox: Inbox
    ) -> None:
        await observed(inbox, 1)
        await opened(inbox, 2)
        [message] = await inbox.claim("s", 50.0, 10, every)
        await inbox.end(message.seq, Move.DROP, "dropped at the desk")
        await opened(inbox, 3)

        assert not await fenced(inbox, "a:1/3")

    async def test_of_much_that_was_observed_the_last_is_shown_and_the_rest_counted(
        self, inbox: Inbox
    ) -> None:
        await observed(inbox, *range(CONTEXT + 2))
        await observed(inbox, 98, view=b"")
        await opened(inbox, 99)

        entries = await inbox.observed("a:1/99")

        shown = [one.arrival.activity for one in entries if one.view]
        assert shown == [str(number) for number in range(2, CONTEXT + 2)]
        assert len(entries) == CONTEXT + 3

    async def test_what_was_observed_long_ago_is_let_go(self, inbox: Inbox) -> None:
        await observed(inbox, *range(FENCED + 3))
        await opened(inbox, 999)

        assert await fenced(inbox, "a:1/999") == [str(number) for number in range(3, FENCED + 3)]

    async def test_backlog_is_full_at_its_limit_and_not_before(self, inbox: Inbox) -> None:
        for number in range(BACKLOG + 1):
            receipt = await inbox.append(arrival(number))
            made = await inbox.open_turn(Opening(receipt.seq, f"t{number}", "a:1", b"{}"), BACKLOG)
            assert (made.is_full, made.queued) == (number == BACKLOG, min(number + 1, BACKLOG))

    async def test_amendments_of_one_turn_are_limited_too(self, inbox: Inbox) -> None:
        await leased(inbox)
        for number in range(2, LIMIT + 2):
            assert (await opened(inbox, number)).joined == TURN

        assert (await opened(inbox, LIMIT + 2)).is_full

    async def test_amendment_that_was_taken_back_makes_room_for_another(self, inbox: Inbox) -> None:
        await leased(inbox)
        for number in range(2, LIMIT + 2):
            last = await opened(inbox, number)
            assert last.joined == TURN
        held = await inbox.of_turn(f"a:1/{LIMIT + 1}")
        assert held is not None
        await inbox.end(held.seq, Move.SUPERSEDE, "taken back")

        assert (await opened(inbox, LIMIT + 2)).joined == TURN
