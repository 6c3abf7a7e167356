"""The first answer counts, whatever the order of what can happen to a request."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from entraclaw.bot.permission import (
    EXPIRY_S,
    IN_ALL,
    PER_SESSION,
    Behavior,
    HeldTurn,
    Ledger,
    Verdict,
)
from entraclaw.bot.question import ID, Origin, Question
from entraclaw.errors import ApprovalRefused

ALLOW, DENY = Verdict(Behavior.ALLOW, "desk"), Verdict(Behavior.DENY, "ada", "not now")
HOOKED = Question("s", "Bash", "", "{}", 0, Origin.HOOK, "same")
HEARD = replace(HOOKED, origin=Origin.CHANNEL, host_id="hhhhh")


def ids(*given: str) -> Ledger:
    """A ledger that takes the ids *given*, and after them others."""
    letters = "abcdefghijkmnopqrstuvwxyz"
    others = ("".join(five) for five in itertools.product(letters, repeat=5))
    names = itertools.chain(given, others)
    return Ledger(lambda: next(names))


def alone(number: int, session: str = "s") -> Question:
    """A question that is like no other."""
    return replace(HOOKED, session=session, sameness=f"{session} {number}")


def refusal(ledger: Ledger, name: str, now: float = 1.0) -> str:
    with pytest.raises(ApprovalRefused) as refused:
        ledger.answer(name, ALLOW, now)
    return str(refused.value)


def test_request_tells_what_the_session_held_and_when_it_expires() -> None:
    turn = HeldTurn("t", "19:x", "oid", "Ada")
    request = ids("abcde").ask(HOOKED, [turn], 100.0)

    assert request.id == "abcde"
    assert (request.asked, request.expires) == (100.0, 100.0 + EXPIRY_S)
    assert request.turns == (turn,)


def test_first_answer_counts_and_the_second_is_told_whose_it_was() -> None:
    ledger = ids("abcde")
    request = ledger.ask(HOOKED, (), 0.0)

    assert ledger.answer("abcde", DENY, 1.0) == request
    assert refusal(ledger, "abcde") == "request abcde was denied already, by ada"
    assert ledger.open() == ()


def test_allowed_request_says_so_to_the_second_answer() -> None:
    ledger = ids("abcde")
    ledger.ask(HOOKED, (), 0.0)
    ledger.answer("abcde", ALLOW, 1.0)

    assert refusal(ledger, "abcde") == "request abcde was allowed already, by desk"


def test_unknown_id_is_refused() -> None:
    assert refusal(ids(), "zzzzz") == "nothing is asked with the id zzzzz"


def test_withdrawn_request_cannot_be_answered() -> None:
    ledger = ids("abcde")
    request = ledger.ask(HOOKED, (), 0.0)

    assert ledger.withdraw("abcde") == request
    assert ledger.withdraw("abcde") is None
    assert refusal(ledger, "abcde") == "request abcde was withdrawn"


def test_request_expires_on_time_and_not_before() -> None:
    ledger = ids("abcde", "bcdef")
    ledger.ask(alone(1), (), 0.0)
    ledger.ask(alone(2), (), 1.0)

    assert ledger.next_expiry() == EXPIRY_S
    assert ledger.expire(EXPIRY_S - 0.001) == []
    assert refusal(ledger, "abcde", EXPIRY_S) == "request abcde has expired"  # none has looked yet
    assert [one.id for one in ledger.expire(EXPIRY_S)] == ["abcde"]
    assert refusal(ledger, "abcde", EXPIRY_S) == "request abcde has expired"
    assert ledger.answer("bcdef", ALLOW, EXPIRY_S).id == "bcdef"
    assert ledger.next_expiry() is None


def test_same_question_by_both_ways_is_one_request() -> None:
    ledger = ids("abcde")
    ledger.ask(HOOKED, (), 0.0)
    joined = ledger.ask(HEARD, (), 5.0)

    assert (joined.id, joined.asked) == ("abcde", 0.0)
    assert joined.origins == (Origin.HOOK, Origin.CHANNEL)
    assert ledger.open() == (joined,)


def test_same_question_by_both_ways_is_one_request_in_the_other_order_too() -> None:
    ledger = ids("abcde")
    ledger.ask(HEARD, (), 0.0)

    assert ledger.ask(HOOKED, (), 5.0).id == "hhhhh"


@pytest.mark.parametrize(
    "other",
    [
        replace(HEARD, session="other"),
        replace(HEARD, tool="Write"),
        replace(HEARD, sameness="other"),
        replace(HEARD, sameness=""),
        HOOKED,
    ],
    ids=["session", "tool", "input", "input not known as a whole", "same way once more"],
)
def test_another_question_is_another_request(other: Question) -> None:
    ledger = ids()
    ledger.ask(HOOKED, (), 0.0)
    ledger.ask(other, (), 0.0)

    assert len(ledger.open()) == 2


def test_two_that_are_not_known_as_a_whole_are_two() -> None:
    ledger = ids()
    ledger.ask(replace(HOOKED, sameness=""), (), 0.0)
    ledger.ask(replace(HEARD, sameness=""), (), 0.0)

    assert len(ledger.open()) == 2


def test_host_that_repeats_an_id_is_not_heard_again() -> None:
    ledger = ids()
    ledger.ask(HEARD, (), 0.0)
    for _ in range(2):  # while it waits, and after that
        with pytest.raises(ApprovalRefused, match="before"):
            ledger.ask(replace(HEARD, sameness="other"), (), 0.0)
        ledger.withdraw("hhhhh")


def test_id_that_two_hosts_chose_is_the_first_ones() -> None:
    ledger = ids("hhhhh", "abcde")
    ledger.ask(HEARD, (), 0.0)

    assert ledger.ask(replace(HEARD, session="other"), (), 0.0).id == "abcde"


def test_id_is_used_once() -> None:
    ledger = ids("abcde", "abcde", "abcde", "bcdef")
    ledger.ask(alone(1), (), 0.0)
    ledger.withdraw("abcde")

    assert ledger.ask(alone(2), (), 0.0).id == "bcdef"


def test_session_may_have_so_many_open_and_no_more() -> None:
    ledger = ids()
    for number in range(PER_SESSION):
        ledger.ask(alone(number), (), 0.0)

    with pytest.raises(ApprovalRefused, match="too many"):
        ledger.ask(alone(PER_SESSION), (), 0.0)
    ledger.ask(alone(0, "other"), (), 0.0)
    ledger.ask(replace(alone(0), origin=Origin.CHANNEL, host_id="ccccc"), (), 0.0)  # no new one
    ledger.withdraw(ledger.open()[0].id)
    ledger.ask(alone(PER_SESSION), (), 0.0)


def test_all_sessions_together_may_have_so_many_open_and_no_more() -> None:
    ledger = ids()
    for number in range(IN_ALL):
        ledger.ask(alone(number, f"s{number % 16}"), (), 0.0)

    with pytest.raises(ApprovalRefused, match="too many"):
        ledger.ask(alone(0, "new"), (), 0.0)


def test_what_is_remembered_of_the_ended_is_bounded() -> None:
    ledger = ids("abcde")
    ledger.ask(alone(0), (), 0.0)
    ledger.withdraw("abcde")
    for number in range(1, 1001):
        ledger.withdraw(ledger.ask(alone(number), (), 0.0).id)

    assert refusal(ledger, "abcde") == "nothing is asked with the id abcde"


class Interleaved(RuleBasedStateMachine):
    """Hooks and channels of two sessions ask the same few things; anything happens then."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = ids()
        self.now = 0.0
        self.host_ids = 0
        self.known: list[str] = []
        self.ended: dict[str, int] = {}

    @rule(
        session=st.sampled_from("st"),
        same=st.sampled_from(["", "x", "y"]),
        by=st.sampled_from(Origin),
    )
    def ask(self, session: str, same: str, by: Origin) -> None:
        self.host_ids += by is Origin.CHANNEL
        name = f"{self.host_ids:05}".translate(str.maketrans("0123456789", "zyxwvutsrq"))
        host_id = name if by is Origin.CHANNEL else ""
        before = {one.id for one in self.ledger.open()}
        try:
            request = self.ledger.ask(
                Question(session, "Bash", "", "", 0, by, same, host_id), (), self.now
            )
        except ApprovalRefused:
            assert len([o for o in self.ledger.open() if o.question.session == session]) == 16
            return
        assert ID.fullmatch(request.id)
        assert request.id in before or request.id not in self.known  # joined, or never used
        self.known.append(request.id)

    @precondition(lambda self: self.known)
    @rule(pick=st.integers(0, 500), verdict=st.sampled_from([ALLOW, DENY]))
    def answer(self, pick: int, verdict: Verdict) -> None:
        name = self.known[pick % len(self.known)]
        waits = {one.id: one for one in self.ledger.open()}
        may = name in waits and waits[name].expires > self.now
        try:
            self.ledger.answer(name, verdict, self.now)
        except ApprovalRefused:
            assert not may
        else:
            assert may
            self.end(name)

    @precondition(lambda self: self.known)
    @rule(pick=st.integers(0, 500))
    def withdraw(self, pick: int) -> None:
        name = self.known[pick % len(self.known)]
        if self.ledger.withdraw(name) is not None:
            self.end(name)

    @rule(seconds=st.sampled_from([1.0, EXPIRY_S / 2, EXPIRY_S]), looks=st.booleans())
    def wait(self, seconds: float, looks: bool) -> None:  # noqa: FBT001 - hypothesis calls by name
        self.now += seconds
        if looks:
            for one in self.ledger.expire(self.now):
                assert one.expires <= self.now
                self.end(one.id)

    def end(self, name: str) -> None:
        self.ended[name] = self.ended.get(name, 0) + 1

    @invariant()
    def every_request_ends_once_or_waits(self) -> None:
        waiting = {one.id for one in self.ledger.open()}
        assert set(self.ended) | waiting == set(self.known)
        assert not set(self.ended) & waiting
        assert set(self.ended.values()) <= {1}

    @invariant()
    def no_request_came_twice_by_one_way(self) -> None:
        for one in self.ledger.open():
            assert len(set(one.origins)) == len(one.origins)


TestInterleaved = Interleaved.TestCase
