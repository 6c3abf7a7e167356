"""What is asked of Graph once more, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.errors import EntraclawError, Uncertain, Unreachable
from entraclaw.identity.provisioning.calls import Call, Orders, Reply
from entraclaw.identity.provisioning.consistency import (
    BROKEN,
    BUSY_S,
    LONGEST_S,
    Heard,
    Why,
    is_not_yet,
    is_unknown,
    pause,
    why_again,
)
from entraclaw.identity.provisioning.driving import Driver, Waiting
from entraclaw.identity.provisioning.refused import accepted
from identity.ordered import no, ok

MADE = Call("PATCH", "/v1.0/applications/1", {}, awaits="the blueprint")
READ = Call("GET", "/v1.0/applications/1")
POST = Call("POST", "/v1.0/users", {})
UNKNOWN = no(404, "Request_ResourceNotFound")


class Script:
    """A Graph that answers in turn, and a clock that only its pauses move."""

    def __init__(self, *answers: Heard) -> None:
        self.answers = list(answers)
        self.sent: list[Call] = []
        self.slept: list[float] = []

    def send(self, call: Call) -> Heard:
        self.sent.append(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> float:
        return sum(self.slept)

    def driver(self, tell: list[Waiting] | None = None) -> Driver:
        return Driver(self, tell.append if tell is not None else None, self.sleep, self.now)


def heard(status: int, retry_after: float | None = None) -> Heard:
    return Heard(Reply(status, {}), retry_after)


@pytest.mark.parametrize(
    "reply",
    [
        UNKNOWN,
        no(400, "AgentIdentity_AgentBlueprintPrincipalDoesNotExist"),
        no(400, "Request_BadRequest", "appId 'x' does not reference a valid application object."),
        no(400, "Request_BadRequest", "License assignment failed: invalid usage location."),
        no(403, "Authorization_RequestDenied", "the backing application must in the local tenant"),
    ],
    ids=lambda reply: f"{reply.status} {reply.code}",
)
def test_what_a_copy_does_not_know_yet_passes_for_what_was_just_made(reply: Reply) -> None:
    assert is_not_yet(reply)
    assert why_again(MADE, Heard(reply)) is Why.NOT_YET
    assert why_again(READ, Heard(reply)) is None


@pytest.mark.parametrize(
    "reply",
    [
        no(404, "ResourceNotFound"),
        no(400, "Request_BadRequest", "Another object with the same value exists."),
        no(403, "Authorization_RequestDenied", "Insufficient privileges."),
        ok(),
    ],
    ids=lambda reply: f"{reply.status} {reply.code}",
)
def test_any_other_answer_is_final_even_for_what_was_just_made(reply: Reply) -> None:
    assert not is_not_yet(reply)
    assert pause(MADE, Heard(reply), 0.0) is None


@pytest.mark.parametrize("status", [429, 503, 509])
def test_whoever_says_busy_has_done_nothing_and_is_asked_again(status: int) -> None:
    assert why_again(POST, heard(status)) is Why.BUSY
    assert not is_unknown(POST, heard(status).reply)


@pytest.mark.parametrize("status", [500, 502, 504, BROKEN])
def test_broken_answer_is_asked_again_only_where_twice_is_once(status: int) -> None:
    assert why_again(READ, heard(status)) is (Why.BUSY if status else Why.BROKEN)
    assert why_again(POST, heard(status)) is None
    assert is_unknown(POST, heard(status).reply)
    assert not is_unknown(READ, heard(status).reply)


def test_pause_is_as_long_as_graph_says_and_no_longer_than_anybody_waits() -> None:
    told = pause(READ, heard(429, 42.0), 0.0)

    assert told is not None
    assert told.seconds == 42.0
    assert pause(READ, heard(429, BUSY_S + 1), 0.0) is None
    assert pause(READ, heard(429), BUSY_S) is None
    assert pause(MADE, Heard(UNKNOWN), LONGEST_S) is None


@given(st.floats(min_value=2.0, max_value=100.0))
def test_what_has_become_known_is_noticed_within_a_fifth_of_the_wait(known_s: float) -> None:
    """Ours: a set-up takes a quarter longer than its waits at most."""
    waited = 0.0
    while waited < known_s:
        rest = pause(MADE, Heard(UNKNOWN), waited)
        assert rest is not None
        waited += rest.seconds

    assert waited - known_s <= known_s / 5


def test_driver_asks_again_tells_what_it_waits_for_and_gives_the_answer() -> None:
    told: list[Waiting] = []
    graph = Script(Heard(UNKNOWN), heard(429, 7.0), heard(BROKEN), heard(204))

    reply = graph.driver(told).ask(MADE)

    assert reply.status == 204
    assert [one.why for one in told] == [Why.NOT_YET, Why.BUSY, Why.BROKEN]
    assert [one.pause_s for one in told] == graph.slept
    assert graph.slept[1] == 7.0
    assert graph.sent == [MADE] * 4


def test_what_stays_unknown_is_answered_as_graph_answers_it() -> None:
    graph = Script(Heard(UNKNOWN))

    assert graph.driver().ask(MADE) == UNKNOWN
    assert LONGEST_S <= sum(graph.slept) <= LONGEST_S + 20


def test_graph_that_stays_busy_is_unreachable_and_says_for_how_long() -> None:
    with pytest.raises(Unreachable) as unreachable:
        Script(heard(503, 30.0)).driver().ask(READ)

    assert unreachable.value.retry_after == 30.0
    assert unreachable.value.is_passing


def test_thing_that_may_have_been_made_is_not_made_twice() -> None:
    graph = Script(heard(504))

    with pytest.raises(Uncertain, match="status 504") as uncertain:
        graph.driver().ask(POST)

    assert len(graph.sent) == 1
    assert "run the same command again" in uncertain.value.hint


def test_orders_hear_each_reply_and_their_result_is_given() -> None:
    def orders() -> Orders[list[int]]:
        first = yield READ
        second = yield POST
        return [first.status, second.status]

    assert Script(heard(200), heard(400)).driver().run(orders()) == [200, 400]


def test_orders_that_are_cut_off_can_leave_things_in_order() -> None:
    left: list[str] = []

    def orders() -> Orders[str]:
        try:
            accepted((yield POST))
        except EntraclawError as error:
            left.append(str(error))
            accepted((yield READ))
        return "in order"

    assert Script(heard(BROKEN), heard(200)).driver().run(orders()) == "in order"
    assert left == ["Microsoft Graph broke off before it answered (the line broke off)"]
