from dataclasses import replace

import pytest

from entraclaw.bot.lifecycle import State
from entraclaw.bot.outbox import Kind, Outcome, Part, compose, decide
from entraclaw.errors import TurnRefused


def part(text: str = "hi", *, kind: Kind = Kind.TEXT, key: str = "") -> Part:
    return compose("t", "a:1", text, 1000.0, kind=kind, final=True, key=key)


def known(outcome: Outcome, number: int = 3) -> Part:
    return replace(part(), outcome=outcome, number=number, activity="77")


def test_part_without_a_key_is_named_by_what_it_says() -> None:
    assert part().key == part().key
    assert len(part().digest) == 16
    assert len({part().key, part("ho").key, part(kind=Kind.REACTION).key}) == 3


def test_callers_own_key_stands_and_the_digest_still_tells_the_text() -> None:
    assert part(key="mine").key == "mine"
    assert part(key="mine").digest == part().digest


def test_new_part_has_no_number_and_is_an_intent() -> None:
    assert (part().number, part().outcome, part().activity) == (0, Outcome.INTENT, "")


@pytest.mark.parametrize("state", [None, State.LEASED, State.AMBIGUOUS])
def test_new_part_of_an_open_turn_or_of_none_is_sent(state: State | None) -> None:
    assert decide(part(), None, state) == part()


@pytest.mark.parametrize("state", sorted(set(State) - {State.LEASED, State.AMBIGUOUS}))
@pytest.mark.parametrize("before", [None, known(Outcome.REFUSED)])
def test_turn_that_is_not_open_takes_no_part(state: State, before: Part | None) -> None:
    with pytest.raises(TurnRefused, match="not open"):
        decide(part(), before, state)


@pytest.mark.parametrize("state", [None, *State])
def test_part_that_was_sent_is_not_sent_again_wherever_its_turn_stands(
    state: State | None,
) -> None:
    assert decide(part(), known(Outcome.SENT), state) is None


def test_refused_part_is_sent_under_its_number() -> None:
    going = decide(part(), known(Outcome.REFUSED), State.LEASED)
    assert going == replace(part(), number=3)


@pytest.mark.parametrize(
    ("outcome", "said"), [(Outcome.INTENT, "being answered"), (Outcome.UNKNOWN, "nobody knows")]
)
@pytest.mark.parametrize("state", [None, *State])
def test_part_that_may_be_there_is_never_sent_again(
    outcome: Outcome, said: str, state: State | None
) -> None:
    with pytest.raises(TurnRefused, match=said):
        decide(part(), known(outcome), state)


@pytest.mark.parametrize("outcome", Outcome)
def test_key_that_named_another_text_is_refused(outcome: Outcome) -> None:
    with pytest.raises(TurnRefused, match="another text"):
        decide(replace(part("ho"), key=part().key), known(outcome), State.LEASED)
