"""What a person is told about an entry, state by state; never a word of what was said."""

from dataclasses import replace

import pytest

from contracts.inbox import arrival
from entraclaw.bot.inbox import Entry, State
from entraclaw.bot.inbox_look import Record
from entraclaw.bot.outbox import Kind, Outcome, Part, compose
from entraclaw.bot.why import Moment, Story, story, when

RUNNING = Moment(has_daemon=True, sessions=1)
STOPPED = Moment(has_daemon=False)


def entry(state: State = State.DONE, **changes: object) -> Entry:
    ended = 0.0 if state in {State.ADMITTED, State.WAITING, State.LEASED, State.AMBIGUOUS} else 2e9
    one = Entry(7, arrival(1), "a:1", state, turn="t7", ended=ended)
    return replace(one, **changes)  # type: ignore[arg-type]


def part(outcome: Outcome, kind: Kind = Kind.TEXT, activity: str = "") -> Part:
    composed = compose("t7", "a:1", "a secret", 1.7e9, kind=kind, final=True, key="")
    return replace(composed, number=1, outcome=outcome, activity=activity)


def tell(one: Entry | Record, moment: Moment = RUNNING) -> Story:
    return story(one if isinstance(one, Record) else Record(one), moment)


def commands(told: Story) -> list[str]:
    return [cure.command for cure in told.cures]


def test_moment_is_written_for_a_person() -> None:
    assert when(1.7e9) == "2023-11-14 22:13:20 UTC"


def test_answered_message_tells_when_it_was_sent_and_what_teams_calls_it() -> None:
    told = tell(Record(entry(attempt=1), [part(Outcome.SENT, activity="99")]))

    assert told.happened == (
        "It came from Teams at 1970-01-01 00:16:41 UTC.",
        "It was handed out once.",
        "Part 1 of the answer was sent at 2023-11-14 22:13:20 UTC, and Teams calls it 99.",
        "Its turn ended at 2033-05-18 03:33:20 UTC.",
        "What it said is erased after 2033-05-25 03:33:20 UTC.",
    )
    assert told.next == "nothing; this is its end"
    assert told.cures == ()


def test_no_story_tells_what_was_said() -> None:
    for state in State:
        told = tell(Record(entry(state), [part(Outcome.SENT)]))
        assert "hi" not in " ".join(told.happened).split()
        assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (Outcome.SENT, Kind.REACTION, "A reaction was sent at 2023-11-14 22:13:20 UTC."),
        (Outcome.REFUSED, Kind.TEXT, "was refused by Teams at"),
        (Outcome.UNKNOWN, Kind.TEXT, "nobody knows whether it arrived"),
        (Outcome.INTENT, Kind.TEXT, "is on its way since"),
    ],
)
def test_outcome_of_a_part_is_told(outcome: Outcome, kind: Kind, words: str) -> None:
    told = tell(Record(entry(State.LEASED), [part(outcome, kind)]))

    assert words in " ".join(told.happened)


def test_late_message_says_so() -> None:
    late = replace(arrival(1), late=True)

    assert tell(entry(arrival=late)).happened[0].startswith("It was found by catching up")


def test_admitted_entry_waits_for_the_gate() -> None:
    one = entry(State.ADMITTED, turn="")

    assert tell(one).next.startswith("the daemon tries again")
    assert tell(one, STOPPED).next == "nothing, until a daemon runs again"
    assert commands(tell(one, STOPPED)) == ["entraclaw serve", "entraclaw inbox drop 7"]


@pytest.mark.parametrize(
    ("one", "moment", "words"),
    [
        (Record(entry(State.WAITING)), RUNNING, "the session that gets its conversation"),
        (Record(entry(State.WAITING, attempt=3)), RUNNING, "none is rung for it any more"),
        (Record(entry(State.WAITING)), Moment(has_daemon=True), "as soon as a host is attached"),
        (
            Record(entry(State.WAITING)),
            Moment(has_daemon=True, sessions=1, locked="disabled"),
            "nothing while the profile is locked: disabled",
        ),
        (Record(entry(State.WAITING), ahead=2), RUNNING, "after 2 turns before it"),
        (
            Record(entry(State.WAITING), holder=entry(State.LEASED, seq=3)),
            RUNNING,
            "after one turn before it in its conversation, of which entry 3 is being answered",
        ),
        (Record(entry(State.WAITING, joined="t3")), RUNNING, "the session that has its turn"),
        (Record(entry(State.LEASED, attempt=2)), RUNNING, "the lease ends and it is handed out"),
        (Record(entry(State.LEASED, attempt=6)), RUNNING, "it was the last attempt"),
    ],
)
def test_what_is_next_is_told(one: Record, moment: Moment, words: str) -> None:
    assert words in tell(one, moment).next


def test_lease_that_ended_is_counted() -> None:
    told = tell(entry(State.WAITING, attempt=2))

    assert "It was handed out 2 times, and no answer came before the lease ended." in told.happened


def test_leased_message_names_its_session_and_the_end_of_its_lease() -> None:
    told = tell(entry(State.LEASED, attempt=1, session="s", until=1.7e9))

    assert told.happened[1:] == (
        "Session s has it, in attempt 1 of 6.",
        "Its lease runs until 2023-11-14 22:13:20 UTC.",
    )
    assert commands(told) == ["entraclaw inbox drop 7"]


def test_amendment_points_to_the_entry_it_adds_to() -> None:
    head = entry(State.LEASED, seq=3, turn="t3", until=1.7e9)
    told = tell(Record(entry(State.LEASED, joined="t3"), [part(Outcome.SENT)], head=head))

    assert "It adds to the turn of entry 3, and is answered with it." in told.happened
    assert "Its lease runs until 2023-11-14 22:13:20 UTC." in told.happened
    assert "Part 1" not in str(told)


def test_ambiguous_answer_may_be_doubled_by_a_replay_and_that_is_said() -> None:
    told = tell(entry(State.AMBIGUOUS, reason="answer unknown"))

    assert "So it is ambiguous (answer unknown), and is not handed out again." in told.happened
    assert "a person has to look there" in told.next
    assert commands(told) == ["entraclaw inbox replay 7 --yes", "entraclaw inbox drop 7"]
    assert "there twice" in told.cures[0].does
    assert "ambiguous, and" in str(tell(entry(State.AMBIGUOUS)))


def test_dead_entry_can_be_replayed_until_it_is_erased() -> None:
    dead = entry(State.DEAD, reason="no answer in 6 attempts", attempt=6)

    assert tell(dead).next == "nothing, until a person decides"
    assert commands(tell(dead)) == ["entraclaw inbox replay 7", "entraclaw inbox drop 7"]
    erased = tell(replace(dead, arrival=replace(arrival(1), body=b"")))
    assert erased.happened[-1] == "What it said has been erased."
    assert commands(erased) == ["entraclaw inbox drop 7"]


def test_dropped_stranger_can_be_allowed_by_tenant_and_object_id() -> None:
    told = tell(entry(State.DROPPED, turn="", reason="not allowed"))

    assert commands(told) == ["entraclaw access allow t/ada", "entraclaw inbox replay 7"]
    other = tell(entry(State.DROPPED, turn="", reason="another tenant"))
    assert commands(other) == ["entraclaw inbox replay 7"]


def test_superseded_message_says_by_what() -> None:
    told = tell(entry(State.SUPERSEDED, reason="edited by its sender"))

    assert "It was edited by its sender at 2033-05-18 03:33:20 UTC, while it waited." in (
        told.happened
    )


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Record(entry(turn="", reason="said stop")), "It needed no answer: said stop."),
        (Record(entry(turn="", reason="")), "It needed no answer."),
        (
            Record(entry(reason="closed without an answer")),
            "Its turn ended at 2033-05-18 03:33:20 UTC: closed without an answer.",
        ),
        (
            Record(entry(turn="", reason="observed")),
            "It started no turn; the next turn in its conversation shows it as context.",
        ),
        (
            Record(entry(turn="", reason="observed", joined="t9"), head=entry(seq=9)),
            "It started no turn, and was shown as context with the turn of entry 9.",
        ),
        (
            Record(entry(turn="", reason="observed", joined="t9")),
            "It started no turn, and was shown as context with the turn of an entry that is gone.",
        ),
    ],
)
def test_end_without_an_answer_says_why(one: Record, words: str) -> None:
    assert words in tell(one).happened
