"""What messages become, decided from the transcript alone, however long it is."""

from dataclasses import replace
from itertools import islice

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.messages import Messages, Order
from entraclaw.sandbox.transcript import Act, Author, Entry, Line, Transcript

MANY = 10_000
ADA = Author("ada", "Ada")
CLAW = Author("claw", "Claw", Bearer("claw", "user", "identity", "tenant", frozenset()))


def entry(n: int, line: Line, wall: float = 0.0) -> Entry:
    return Entry(n, n, wall or float(n), line)


def said(name: str) -> Line:
    return Line("a:1", name, Act.MESSAGE, ADA, name)


def flood() -> Messages:
    messages = Messages()
    for n in range(1, MANY + 1):
        messages.take(entry(n, said(f"m{n}")))
    return messages


def walk(messages: Messages, order: Order) -> list[str]:
    names, start = list[str](), None
    while page := list(islice(messages.newest("a:1", order, start=start), 50)):
        names += [message.line.id for _, message in page]
        start = page[-1][0]
    return names


def test_every_message_of_a_flood_is_listed_once_in_either_order() -> None:
    messages = flood()
    expected = [f"m{n}" for n in range(MANY, 0, -1)]

    assert walk(messages, Order.CREATED) == expected
    assert walk(messages, Order.MODIFIED) == expected


def test_message_that_changes_between_two_pages_is_not_seen_twice() -> None:
    messages = flood()
    first = list(islice(messages.newest("a:1", Order.MODIFIED), 50))

    messages.take(entry(MANY + 1, replace(said("m1"), act=Act.UPDATE, text="x")))

    rest = messages.newest("a:1", Order.MODIFIED, start=first[-1][0])
    names = [message.line.id for _, message in [*first, *rest]]
    assert len(names) == len(set(names)) == MANY - 1
    assert next(messages.newest("a:1", Order.MODIFIED))[1].line.id == "m1"


def test_time_that_runs_backwards_keeps_the_order_of_changes() -> None:
    messages = Messages()
    messages.take(entry(1, said("a"), wall=100.0))
    messages.take(entry(2, said("b"), wall=50.0))

    newest = [message for _, message in messages.newest("a:1", Order.MODIFIED)]

    assert [message.line.id for message in newest] == ["b", "a"]
    assert newest[0].modified == newest[1].modified


def test_change_of_a_message_nobody_said_is_nothing() -> None:
    messages = Messages()

    messages.take(entry(1, replace(said("a"), act=Act.DELETE)))
    messages.take(entry(2, replace(said("b"), act=Act.TYPING)))

    assert messages.find("a:1", "a") is None
    assert messages.find("a:2", "a") is None
    assert list(messages.newest("a:1", Order.CREATED)) == []


def test_answer_finds_its_question_in_a_flood() -> None:
    transcript = Transcript(lambda _: None)
    for n in range(MANY):
        transcript.append(said(f"m{n}"))
        answer = Line("a:1", f"r{n}", Act.MESSAGE, CLAW, reply_to=f"m{n // 2}")
        transcript.append(answer)

    asked = transcript.message("m7")
    assert asked is not None
    first = transcript.answer(asked)
    assert first is not None
    assert first.line.id == "r14"
    assert transcript.find("r14") == first.line
