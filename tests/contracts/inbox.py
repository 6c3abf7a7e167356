"""What every `Inbox` keeps its word on. A store's test inherits this and gives an inbox."""

import asyncio

from entraclaw.bot.inbox import Answer, Arrival, Entry, Inbox, State


def arrival(number: int, conversation: str = "a:1") -> Arrival:
    return Arrival(
        key=f"{conversation}/{number}",
        tenant="t",
        conversation=conversation,
        activity=str(number),
        kind="message",
        body=b'{"text":"hi"}',
        claims=b"{}",
        received=1000.0 + number,
    )


async def waiting(inbox: Inbox, *numbers: int, conversation: str = "a:1") -> None:
    """Admit and open turns named ``conversation/number``."""
    for number in numbers:
        receipt = await inbox.append(arrival(number, conversation))
        await inbox.open_turn(receipt.seq, f"{conversation}/{number}", b"{}")


def turns(entries: "list[Entry] | tuple[Entry, ...]") -> list[str]:
    return [entry.turn for entry in entries]


class InboxContract:
    """Inherit, and provide a fixture `inbox`."""

    async def test_what_was_appended_is_admitted_as_it_came(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))

        [entry] = await inbox.admitted()
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
        nameless = Arrival(None, "t", "a:1", "", "typing", b"{}", b"{}", 1.0)

        assert (await inbox.append(nameless)).seq != (await inbox.append(nameless)).seq

    async def test_oldest_message_of_a_conversation_is_handed_out_first(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)

        assert turns(list(await inbox.claim("s", 50.0, 10))) == ["a:1/1"]

    async def test_second_message_waits_until_the_first_is_closed(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await inbox.claim("s", 50.0, 10)

        assert not await inbox.claim("s", 50.0, 10)
        await inbox.close(Answer("a:1/1", "x", "yes", 2000.0))
        assert turns(list(await inbox.claim("s", 50.0, 10))) == ["a:1/2"]

    async def test_open_turn_of_one_conversation_holds_up_no_other(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10)
        await waiting(inbox, 1, conversation="a:2")

        assert turns(list(await inbox.claim("s", 50.0, 10))) == ["a:2/1"]

    async def test_claim_takes_no_more_than_its_limit(self, inbox: Inbox) -> None:
        for name in ("a:1", "a:2", "a:3"):
            await waiting(inbox, 1, conversation=name)

        assert turns(list(await inbox.claim("s", 50.0, 2))) == ["a:1/1", "a:2/1"]

    async def test_two_sessions_never_get_the_same_message(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)

        first, second = await inbox.claim("s", 50.0, 10), await inbox.claim("z", 50.0, 10)
        assert (len(first), len(second)) == (1, 0)

    async def test_lease_that_ran_out_is_handed_out_again_as_another_attempt(
        self, inbox: Inbox
    ) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10)

        assert await inbox.expire(49.9) == 0
        assert await inbox.expire(50.0) == 1
        [entry] = await inbox.claim("z", 60.0, 10)
        assert (entry.session, entry.attempt) == ("z", 2)

    async def test_leases_of_one_session_move_and_the_others_stay(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10)
        await waiting(inbox, 1, conversation="a:2")
        await inbox.claim("z", 60.0, 10)

        await inbox.set_lease_end("s", 10.0)
        assert await inbox.next_lease_end() == 10.0
        await inbox.set_lease_end(None, 5.0)
        assert await inbox.expire(5.0) == 2

    async def test_no_lease_no_end(self, inbox: Inbox) -> None:
        assert await inbox.next_lease_end() is None

    async def test_closed_turn_is_leased_no_more(self, inbox: Inbox) -> None:
        await waiting(inbox, 1)
        await inbox.claim("s", 50.0, 10)
        assert await inbox.leased("a:1/1") is not None

        await inbox.close(Answer("a:1/1", "x", "yes", 2000.0))

        assert await inbox.leased("a:1/1") is None
        assert (await inbox.count())[State.DONE] == 1

    async def test_settled_entry_keeps_its_reason_and_never_waits(self, inbox: Inbox) -> None:
        receipt = await inbox.append(arrival(1))

        await inbox.settle(receipt.seq, State.DROPPED, "not a sponsor")
        await inbox.open_turn(receipt.seq, "late", b"{}")

        [entry] = await inbox.list_entries(10)
        assert (entry.state, entry.reason, entry.turn) == (State.DROPPED, "not a sponsor", "")

    async def test_conversation_is_told_with_its_answers_oldest_first(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await waiting(inbox, 9, conversation="a:2")
        await inbox.claim("s", 50.0, 1)
        await inbox.close(Answer("a:1/1", "x", "yes", 2000.0))

        told = await inbox.conversation("a:1", 10)

        assert [(entry.turn, answer) for entry, answer in told] == [
            ("a:1/1", "yes"),
            ("a:1/2", ""),
        ]

    async def test_counts_add_up(self, inbox: Inbox) -> None:
        await waiting(inbox, 1, 2)
        await inbox.append(arrival(3))

        counts = await inbox.count()
        assert (counts[State.WAITING], counts[State.ADMITTED], await inbox.waiting()) == (2, 1, 2)
