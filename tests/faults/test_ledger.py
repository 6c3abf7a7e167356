"""What the harness calls lost, doubled and reordered, told on paper: no process runs."""

from collections.abc import Sequence

import pytest

from faults.ledger import Cycle, Ledger, Message, Row, Wrong, answer_text

A, B = "19:a", "19:b"


@pytest.fixture
def ledger() -> Ledger:
    """Three messages, kept as rows 1 to 3: two in one conversation, one in another."""
    ledger = Ledger(Cycle(1, "none"))
    for number, conversation in enumerate((A, A, B), 1):
        ledger.sent(Message(f"m{number}", conversation, f"id{number}", ledger.cycle, is_kept=True))
    ledger.rows(rows("waiting", "waiting", "waiting"))
    return ledger


def rows(*states: str) -> list[Row]:
    return [
        Row(number, B if number == 3 else A, f"id{number}", state)
        for number, state in enumerate(states, 1)
    ]


def present(*states: str) -> dict[tuple[str, str], str]:
    return {(row.conversation, row.activity): row.state for row in rows(*states)}


def hand(ledger: Ledger, *handed: tuple[str, int]) -> None:
    for word, attempt in handed:
        ledger.handed(word, attempt)
    ledger.check_order()


def answer(
    ledger: Ledger, activity: str, words: Sequence[str], turn: str = "t", part: str = "final"
) -> None:
    ledger.arrived(activity, answer_text(words, turn, part, "h1"))


@pytest.mark.parametrize("state", ["done", "dead", "dropped", "superseded", "ambiguous", "leased"])
def test_message_in_any_state_that_accounts_for_it_is_not_lost(ledger: Ledger, state: str) -> None:
    hand(ledger, ("m1", 1))
    ledger.check_kept(present(state, "waiting", "waiting"))

    assert ledger.offences == []


def test_row_that_came_second_by_another_name_says_nothing_of_order(ledger: Ledger) -> None:
    ledger.rows([Row(1, A, "id1", "done", attempt=0), Row(2, A, "id2", "done", attempt=1)])
    hand(ledger, ("m2", 1), ("m1", 1))

    assert ledger.offences == []


def test_message_without_a_row_is_lost_once(ledger: Ledger) -> None:
    ledger.check_kept(present("waiting", "waiting"))
    ledger.check_kept(present("waiting", "waiting"))

    assert ledger.count(Wrong.LOST) == 1
    assert "m3 (activity id3" in str(ledger.offences[0])


def test_message_in_a_state_nobody_knows_is_lost(ledger: Ledger) -> None:
    ledger.check_kept(present("waiting", "waiting", "forgotten"))

    assert ledger.count(Wrong.LOST) == 1


def test_message_that_is_only_admitted_at_the_end_is_lost(ledger: Ledger) -> None:
    ledger.rows(rows("done", "admitted", "waiting"))
    ledger.check_settled()

    assert ledger.count(Wrong.LOST) == 1
    assert ledger.count(Wrong.OTHER) == 1  # waiting for ever is no loss, and no good either


def test_message_that_was_refused_may_be_nowhere(ledger: Ledger) -> None:
    ledger.messages["m3"].is_kept = False
    ledger.check_kept(present("waiting", "waiting"))

    assert ledger.offences == []


def test_row_that_was_final_may_be_cleared_away(ledger: Ledger) -> None:
    hand(ledger, ("m1", 1))
    ledger.rows(rows("done"))
    ledger.check_kept(
        {key: state for key, state in present(*["waiting"] * 3).items() if key[1] != "id1"}
    )

    assert ledger.offences == []


def test_message_that_is_done_and_was_never_handed_over_is_found(ledger: Ledger) -> None:
    ledger.check_kept(present("done", "waiting", "waiting"))

    assert [offence.wrong for offence in ledger.offences] == [Wrong.OTHER]


def test_one_answer_to_two_messages_is_right(ledger: Ledger) -> None:
    answer(ledger, "x", ["m1", "m2"])

    assert (ledger.offences, ledger.answered()) == ([], 2)


def test_second_answer_to_a_message_is_doubled_whoever_gives_it(ledger: Ledger) -> None:
    answer(ledger, "x", ["m1"], "t")
    ledger.cycle = Cycle(7, "power lost")
    ledger.arrived("y", answer_text(["m1", "m2"], "u", "final", "h2"))

    assert [offence.wrong for offence in ledger.offences] == [Wrong.DOUBLED]
    assert "found in cycle 7 (power lost)" in str(ledger.offences[0])


def test_same_part_sent_twice_is_doubled(ledger: Ledger) -> None:
    answer(ledger, "x", ["m1"], part="1")
    answer(ledger, "y", ["m1"], part="1")
    answer(ledger, "z", ["m1"])

    assert ledger.count(Wrong.DOUBLED) == 1


def test_message_delivered_again_that_gets_a_second_row_is_doubled(ledger: Ledger) -> None:
    ledger.rows([Row(9, A, "id1", "waiting")])

    assert ledger.count(Wrong.DOUBLED) == 1


def test_words_of_the_daemon_itself_are_no_answer(ledger: Ledger) -> None:
    ledger.arrived("x", "queued (3)")
    ledger.arrived("y", "queued (3)")

    assert (ledger.offences, ledger.answered()) == ([], 0)


@pytest.mark.parametrize(
    "handed",
    [
        [("m1", 1), ("m2", 1), ("m3", 1)],
        [("m3", 1), ("m1", 1), ("m2", 1)],  # conversations have no order between them
        [("m1", 1), ("m1", 2), ("m2", 1)],  # handed over again
        [("m1", 1), ("m2", 1), ("m1", 1), ("m2", 1)],  # told again, the first time counts
        [("m2", 1), ("m1", 2)],  # its first hand-over was to somebody who is gone
    ],
)
def test_order_that_is_kept(ledger: Ledger, handed: list[tuple[str, int]]) -> None:
    hand(ledger, *handed)

    assert ledger.offences == []


def test_first_hand_over_behind_a_later_row_is_reordered(ledger: Ledger) -> None:
    hand(ledger, ("m2", 1))
    hand(ledger, ("m1", 1))

    assert ledger.count(Wrong.REORDERED) == 1


def test_hand_over_of_a_row_not_seen_yet_is_judged_when_it_is(ledger: Ledger) -> None:
    ledger.messages["m1"].seq = 0
    hand(ledger, ("m2", 1), ("m1", 1))
    before = ledger.count(Wrong.REORDERED)
    ledger.rows(rows("waiting"))
    ledger.check_order()

    assert (before, ledger.count(Wrong.REORDERED)) == (0, 1)


def test_answer_that_was_confirmed_must_be_there(ledger: Ledger) -> None:
    ledger.confirmed("x")
    ledger.confirmed("y")
    answer(ledger, "x", ["m1"])
    ledger.check_confirmed(ledger.take_confirmed())
    ledger.check_confirmed(ledger.take_confirmed())

    assert [str(offence)[:14] for offence in ledger.offences] == ["other: answer "]


def test_head_of_a_conversation_that_waits_and_was_never_handed_over_is_untold(
    ledger: Ledger,
) -> None:
    before = ledger.untold()
    ledger.rows(rows("leased", "waiting", "done"))

    assert (before, ledger.untold()) == ({"m1", "m3"}, set())


def test_message_leased_to_a_living_session_that_never_got_it_is_stalled(ledger: Ledger) -> None:
    ledger.rows(Row(n, A, f"id{n}", "leased", f"h{n}") for n in (1, 2))
    ledger.handed("m2", 1)

    assert ledger.stalled({"h1", "h2"}) == {"m1"}
    assert ledger.stalled({"h2"}) == set()
