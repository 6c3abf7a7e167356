"""Which steps a message went through, decided from the facts alone."""

from dataclasses import replace

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.channel import Delivery
from entraclaw.sandbox.entra import TokenRequest
from entraclaw.sandbox.hops import hops
from entraclaw.sandbox.transcript import Act, Author, Entry, Line, Questions

MS = 1_000_000
AGENT = Author("claw", "Claw", Bearer("claw", "user", "identity", "tenant", frozenset()))
ADA = Author("ada", "Ada")

ASKED = Entry(1, 1000 * MS, 0.0, Line("a:1", "q", Act.MESSAGE, ADA, "hello"))
TAKEN = Delivery(202, 1, 1001 * MS, 1005 * MS)
SAID = Line("a:1", "a", Act.MESSAGE, AGENT, "hi", received_at=1015 * MS)
ANSWER = Entry(2, 1016 * MS, 0.0, SAID, ASKED)


def answered(line: Line, earlier: list[Entry]) -> Entry | None:
    questions = Questions()
    for entry in earlier:
        questions.take(entry)
    return questions.answered(line)


def token(n: int, hop: str, at_ms: float, code: int = 0) -> TokenRequest:
    return TokenRequest(n, hop, "identity", code, 2.0, int(at_ms * MS))


def test_exchange_is_told_in_the_order_in_which_it_went() -> None:
    steps = hops(ASKED, TAKEN, [token(1, "user", 1012)], ANSWER)

    assert [(step.name, step.start_ms, step.ms) for step in steps] == [
        ("channel → webhook", 1.0, 4.0),
        ("webhook → first answer", 5.0, 10.0),
        ("user token", 10.0, 2.0),
        ("connector post", 15.0, 1.0),
    ]


def test_tokens_before_the_question_and_after_the_answer_are_left_out() -> None:
    steps = hops(ASKED, TAKEN, [token(1, "user", 999), token(2, "user", 1017)], ANSWER)

    assert "user token" not in [step.name for step in steps]


def test_refused_token_is_named_by_its_number() -> None:
    steps = hops(ASKED, TAKEN, [token(1, "refused", 1012, 50057)], None)

    assert steps[-1].detail == "AADSTS50057"


def test_message_nobody_took_shows_its_tries_and_no_answer() -> None:
    steps = hops(ASKED, Delivery(0, 3, 1001 * MS, 1900 * MS), [], None)

    assert [(step.name, step.detail) for step in steps] == [
        ("channel → webhook", "no answer after 3 tries")
    ]


def test_delivery_that_is_under_way_is_no_step_yet() -> None:
    assert hops(ASKED, replace(TAKEN, accepted_at=None), [], None) == []
    assert hops(ASKED, None, [], None) == []


def test_answer_that_came_before_the_endpoints_own_leaves_no_gap() -> None:
    late = replace(TAKEN, accepted_at=1020 * MS)

    steps = hops(ASKED, late, [], ANSWER)

    assert [step.name for step in steps] == ["channel → webhook", "connector post"]


def test_answer_belongs_to_the_message_it_names() -> None:
    later = replace(ASKED, n=3, line=replace(ASKED.line, id="q2"))

    assert answered(replace(SAID, reply_to="q"), [ASKED, later]) is ASKED


def test_answer_that_names_nothing_known_belongs_to_the_last_message_of_its_conversation() -> None:
    later = replace(ASKED, n=3, line=replace(ASKED.line, id="q2"))
    elsewhere = replace(ASKED, n=4, line=replace(ASKED.line, conversation="a:2"))

    assert answered(SAID, [ASKED, later, ANSWER, elsewhere]) is later
    assert answered(replace(SAID, reply_to="?"), [ASKED, later, elsewhere]) is later
    assert answered(SAID, [elsewhere]) is None


def test_people_answer_nobody() -> None:
    assert answered(ASKED.line, [ASKED]) is None
