"""What every `Inbox` keeps its word on. A store's test inherits this and gives an inbox."""

import asyncio
from collections.abc import Sequence

from entraclaw.bot.inbox import (
    OBSERVED,
    Arrival,
    Entry,
    Inbox,
    Move,
    Opened,
    Opening,
    Queue,
    State,
)
from entraclaw.bot.lifecycle import ATTEMPTS, rings

LIMIT = 5


def every(_lane: str, _person: str) -> bool:
    """Be a session that gets every conversation."""
    return True


def arrival(number: int, conversation: str = "a:1", sender: str = "ada") -> Arrival:
    return Arrival(
        tenant="t",
        conversation=conversation,
        activity=str(number),
        kind="message",
        name=str(number),
        sender=sender,
        body=b'{"text":"hi"}',
        claims=b"{}",
        received=1000.0 + number,
    )


async def opened(
    inbox: Inbox, number: int, conversation: str = "a:1", sender: str = "ada"
) -> Opened:
    """Admit a message and open a turn named ``conversation/number``."""
    receipt = await inbox.append(arrival(number, conversation, sender))
    return await inbox.open_turn(
        Opening(receipt.seq, f"{conversation}/{number}", conversation, b"{}"), LIMIT
    )


async def waiting(inbox: Inbox, *numbers: int, conversation: str = "a:1") -> None:
    for number in numbers:
        await opened(inbox, number, conversation)


def turns(entries: Sequence[Entry]) -> list[str]:
    return [entry.turn for entry in entries]


async def to_ring_for(inbox: Inbox) -> int:
    """Count the turns that somebody can be rung for."""
    queues = (await inbox.owed()).queues
    return sum(queue.waiting for queue in queues if rings(queue.attempt) and not queue.is_held)


async def state_of(inbox: Inbox, turn: str) -> State:
    entry = await inbox.of_turn(turn)
    assert entry is not None
    return entry.state


class InboxContract:
    """Inherit, and provide a fixture `inbox`."""

    async def test_what_was_appended_is_admitted_as_it_came(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))

        [entry] = await inbox.admitted("a:1", 10)
        assert receipt.is_new
        assert (entry.seq, entry.arrival, entry.state) == (receipt.seq, arrival(1), State.ADMITTED)

    async def test_second_append_of_the_same_key_names_the_first_entry(self, inbox: Inbox) -> None:
        first = await inbox.append(arrival(1))
        again = await inbox.append(arrival(1))

        assert (again.seq, again.is_new) == (first.seq, False)

    async def test_same_key_in_one_burst_is_one_entry(self, inbox: Inbox) -> None:
        receipts = await asyncio.gather(*(inbox.append(arrival(1)) for _ in range(20)))

        assert len({receipt.seq for receipt in receipts}) == 1
        assert [receipt.is_new for receipt in receipts].count(True) == 1

    async def test_arrivals_without_a_key_are_never_the_same(self, inbox: Inbox) -> None:
        nameless = Arrival("t", "a:1", "", "typing", "", "ada", b"{}", b"{}", 1.0)

        assert (await inbox.append(nameless)).seq != (await inbox.append(nameless)).seq

    async def test_oldest_message_of_a_conversation_is_handed_out_first(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)

        assert turns(await inbox.claim("s", 50.0, 10, every)) == ["a:1/1"]

    async def test_second_message_waits_until_the_first_is_closed(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await inbox.claim("s", 50.0, 10, every)

        assert not await inbox.claim("s", 50.0, 10, every)
        await inbox.close("a:1/1")
        assert turns(await inbox.claim("s", 50.0, 10, every)) == ["a:1/2"]

    async def test_open_turn_of_one_conversation_holds_up_no_other(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await waiting(inbox, 1, conversation="a:2")

        assert turns(await inbox.claim("s", 50.0, 10, every)) == ["a:2/1"]

    async def test_claim_takes_no_more_than_its_limit(self, inbox: Inbox) -> None:
        for name in ("a:1", "a:2", "a:3"):
            await waiting(inbox, 1, conversation=name)

        assert turns(await inbox.claim("s", 50.0, 2, every)) == ["a:1/1", "a:2/1"]

    async def test_session_that_was_away_can_be_given_its_turns_again(self, inbox: Inbox) -> None:
        """What was handed over last may never have reached it."""
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await inbox.claim("s", 50.0, 10, every)

        assert await inbox.unsure("s") == 1
        assert not await inbox.claim("z", 60.0, 10, every)
        given = await inbox.claim("s", 60.0, 10, every, again=True)

        assert [(one.turn, one.joined, one.attempt) for one in given] == [
            ("a:1/1", "", 2),
            ("a:1/2", "a:1/1", 2),
        ]
        assert not await inbox.claim("s", 60.0, 10, every)

    async def test_amendment_that_may_not_have_arrived_never_ends_unread(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await inbox.claim("s", 50.0, 10, every)
        await inbox.unsure("s")

        await inbox.close("a:1/1")

        assert turns(await inbox.claim("s", 60.0, 10, every)) == ["a:1/2"]

    async def test_two_sessions_never_get_the_same_message(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)

        first, second = (
            await inbox.claim("s", 50.0, 10, every),
            await inbox.claim("z", 50.0, 10, every),
        )
        assert (len(first), len(second)) == (1, 0)

    async def test_lease_that_ran_out_is_handed_out_again_as_another_attempt(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)

        assert (await inbox.expire(49.9)).waiting == 0
        assert (await inbox.expire(50.0)).waiting == 1
        [entry] = await inbox.claim("z", 60.0, 10, every)
        assert (entry.session, entry.attempt) == ("z", 2)

    async def test_leases_of_one_session_move_and_the_others_stay(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await waiting(inbox, 1, conversation="a:2")
        await inbox.claim("z", 60.0, 10, every)

        await inbox.set_lease_end("s", 10.0)
        assert await inbox.next_lease_end() == 10.0
        await inbox.set_lease_end(None, 5.0)
        assert (await inbox.expire(5.0)).waiting == 2

    async def test_no_lease_no_end(self, inbox: Inbox) -> None:
        assert await inbox.next_lease_end() is None

    async def test_closed_turn_is_leased_no_more(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        assert await state_of(inbox, "a:1/1") is State.LEASED

        await inbox.close("a:1/1")

        assert (await inbox.count())[State.DONE] == 1

    async def test_refused_entry_keeps_its_reason_and_never_waits(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))

        assert await inbox.end(receipt.seq, Move.REFUSE, "not a sponsor")
        await inbox.open_turn(Opening(receipt.seq, "late", "a:1", b"{}"), LIMIT)

        [entry] = await inbox.list_entries(10)
        assert (entry.state, entry.reason, entry.turn) == (State.DROPPED, "not a sponsor", "")
        assert entry.ended > 0

    async def test_move_from_the_wrong_state_changes_nothing(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        [entry] = await inbox.list_entries(1)

        assert not await inbox.end(entry.seq, Move.REFUSE, "too late")
        assert await inbox.entry(entry.seq) == entry

    async def test_next_message_of_the_same_person_amends_the_open_turn(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)

        joined = await opened(inbox, 2)

        assert (joined.joined, joined.session) == ("a:1/1", "s")
        assert not await inbox.claim("z", 60.0, 10, every)
        [amendment] = await inbox.claim("s", 60.0, 10, every)
        assert (amendment.joined, amendment.attempt) == ("a:1/1", 1)

    async def test_message_of_somebody_else_is_a_turn_of_its_own(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)

        assert await opened(inbox, 2, sender="grace") == Opened(queued=1, waiting=1)

    async def test_amendment_never_overtakes_what_waits_before_it(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2, sender="grace")

        assert (await opened(inbox, 3)).joined == ""

    async def test_amendment_ends_with_its_turn_if_it_was_handed_over(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 3)

        await inbox.close("a:1/1")

        assert await state_of(inbox, "a:1/2") is State.DONE
        assert turns(await inbox.claim("z", 60.0, 10, every)) == ["a:1/3"]

    async def test_released_turn_is_handed_out_with_its_amendments(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await inbox.claim("s", 50.0, 10, every)
        await inbox.expire(50.0)

        again = await inbox.claim("z", 60.0, 10, every)

        assert [(entry.turn, entry.joined) for entry in again] == [
            ("a:1/1", ""),
            ("a:1/2", "a:1/1"),
        ]

    async def test_turn_without_attempts_left_is_dead_and_its_amendment_lives(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        for _ in range(ATTEMPTS - 1):
            assert (await inbox.expire(50.0)).waiting == 1
            await inbox.claim("s", 50.0, 10, every)

        expired = await inbox.expire(50.0)

        assert turns(expired.dead) == ["a:1/1"]
        assert await state_of(inbox, "a:1/1") is State.DEAD
        assert turns(await inbox.claim("s", 60.0, 10, every)) == ["a:1/2"]

    async def test_observed_messages_are_fenced_into_the_next_turn_once(self, inbox: Inbox) -> None:
        for number in (1, 2):
            receipt = await inbox.append(arrival(number, "g", "grace"))
            await inbox.note(receipt.seq, "g", OBSERVED, b'{"text":"aside"}')
        await opened(inbox, 3, "g")
        await opened(inbox, 4, "g")

        assert [one.arrival.activity for one in await inbox.observed("g/3")] == ["1", "2"]
        assert not await inbox.observed("g/4")

    async def test_what_takes_the_place_of_another_supersedes_it_in_the_same_moment(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, *range(1, LIMIT + 1))
        first = await inbox.of_turn("a:1/1")
        assert first is not None
        fresh = await inbox.append(arrival(9))
        opening = Opening(fresh.seq, "new", "a:1", b"{}", instead_of=first.seq, why="edited")

        assert not (await inbox.open_turn(opening, LIMIT)).is_full
        gone = await inbox.entry(first.seq)
        assert gone is not None
        assert (gone.state, gone.reason) == (State.SUPERSEDED, "edited")
        assert await state_of(inbox, "new") is State.WAITING

    async def test_nothing_takes_the_place_of_what_was_handed_over(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        [held] = await inbox.claim("s", 50.0, 1, every)
        fresh = await inbox.append(arrival(2))
        opening = Opening(fresh.seq, "new", "a:1", b"{}", instead_of=held.seq, why="edited")

        assert (await inbox.open_turn(opening, LIMIT)).is_stale
        assert [one.seq for one in await inbox.admitted("a:1", 9)] == [fresh.seq]
        assert await state_of(inbox, "a:1/1") is State.LEASED

    async def test_change_amends_its_turn_whatever_waits_or_nothing_is_done(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 1, every)
        await opened(inbox, 2, sender="grace")
        fresh, later = await inbox.append(arrival(3)), await inbox.append(arrival(4))

        amending = Opening(fresh.seq, "new", "a:1", b"{}", amends="a:1/1")
        joined = await inbox.open_turn(amending, LIMIT)
        await inbox.close("a:1/1")
        stale = await inbox.open_turn(
            Opening(later.seq, "late", "a:1", b"{}", amends="a:1/1"), LIMIT
        )

        assert (joined.joined, joined.session, joined.is_stale) == ("a:1/1", "s", False)
        assert (stale.is_stale, stale.joined) == (True, "")
        assert [one.seq for one in await inbox.admitted("a:1", 9)] == [later.seq]

    async def test_full_backlog_takes_no_more_and_changes_nothing(self, inbox: Inbox) -> None:
        await waiting(inbox, *range(LIMIT))

        refused = await opened(inbox, LIMIT)

        assert (refused.is_full, refused.queued) == (True, LIMIT)
        assert (await inbox.count())[State.ADMITTED] == 1

    async def test_stop_ends_what_its_sender_asked_for_and_nobody_elses(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await opened(inbox, 3, sender="grace")
        await opened(inbox, 4)
        word = await inbox.append(arrival(5))

        stopped = await inbox.stop("a:1", "ada", word.seq, "stopped")

        assert [(entry.turn, entry.session) for entry in stopped] == [("a:1/1", "s")]
        states = [await state_of(inbox, f"a:1/{number}") for number in (1, 2, 3, 4)]
        assert states == [State.DONE, State.SUPERSEDED, State.WAITING, State.SUPERSEDED]

    async def test_claim_takes_only_what_is_the_sessions_own(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await waiting(inbox, 2, conversation="19:2")
        asked: list[tuple[str, str]] = []

        def mine(lane: str, person: str) -> bool:
            asked.append((lane, person))
            return lane == "19:2"

        assert turns(await inbox.claim("s", 50.0, 1, mine)) == ["19:2/2"]
        assert asked == [("a:1", ""), ("19:2", "")]
        assert turns(await inbox.claim("z", 50.0, 10, every)) == ["a:1/1"]

    async def test_what_is_owed_is_told_conversation_by_conversation(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)
        await opened(inbox, 2)
        await opened(inbox, 3, sender="bob")
        await waiting(inbox, 4, 5, conversation="19:2")

        owed = await inbox.owed()
        assert sorted(owed.queues, key=lambda queue: queue.lane) == [
            Queue("19:2", "", waiting=2, attempt=0, is_held=False),
            Queue("a:1", "", waiting=1, attempt=0, is_held=True),
        ]
        assert owed.amending == {"s": 1}

    async def test_renewed_lease_outlives_the_others(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10, every)

        await inbox.renew("a:1/1", 90.0)

        assert (await inbox.expire(60.0)).waiting == 0
        assert await inbox.next_lease_end() == 90.0

    async def test_only_what_has_rings_left_is_rung_for(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        for _ in range(3):
            assert await to_ring_for(inbox) == 1
            await inbox.claim("s", 50.0, 10, every)
            await inbox.expire(50.0)

        assert await to_ring_for(inbox) == 0
        assert turns(await inbox.claim("s", 60.0, 10, every)) == ["a:1/1"]

    async def test_replayed_entry_is_judged_again_from_the_start(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))
        await inbox.end(receipt.seq, Move.REFUSE, "not a sponsor")

        assert await inbox.replay(receipt.seq)

        [entry] = await inbox.admitted("a:1", 10)
        assert (entry.seq, entry.reason, entry.attempt) == (receipt.seq, "", 0)

    async def test_answered_entry_cannot_be_replayed(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        [entry] = await inbox.claim("s", 50.0, 10, every)
        await inbox.close("a:1/1")

        assert not await inbox.replay(entry.seq)

    async def test_message_is_found_by_its_id_while_it_is_open(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)

        found = await inbox.open_with("a:1", "1", "ada")

        assert found is not None
        assert found.turn == "a:1/1"
        assert await inbox.open_with("a:1", "1", "grace") is None
        assert await inbox.open_with("a:2", "1", "ada") is None

    async def test_longest_lanes_are_named_with_their_queues(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await waiting(inbox, 1, conversation="a:2")

        assert list(await inbox.queues(1)) == [("a:1", 2)]

    async def test_undecided_conversations_are_listed(self, inbox: Inbox) -> None:
        await inbox.append(arrival(1))
        await inbox.append(arrival(1, "a:2"))
        await waiting(inbox, 2, conversation="a:3")

        assert sorted(await inbox.undecided()) == ["a:1", "a:2"]

    async def test_conversation_is_told_oldest_first(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await waiting(inbox, 9, conversation="a:2")

        told = await inbox.conversation("a:1", 10)

        assert [(entry.turn, answer) for entry, answer in told] == [("a:1/1", ""), ("a:1/2", "")]

    async def test_counts_add_up(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await inbox.append(arrival(3))

        counts = await inbox.count()
        assert (counts[State.WAITING], counts[State.ADMITTED], await inbox.waiting()) == (2, 1, 2)
