"""Say in plain sentences what became of an entry, why, and what a person can do about it.

Pure, and never a word of what was said. docs/inbox.md shows one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from entraclaw.bot.inbox import OBSERVED, Entry
from entraclaw.bot.inbox_look import Record
from entraclaw.bot.lifecycle import ATTEMPTS, MOVES, OPEN_STATES, RING_ATTEMPTS, Move, State
from entraclaw.bot.outbox import Kind, Outcome, Part
from entraclaw.bot.upkeep import TEXT_S

_STATES: Mapping[State, str] = {
    State.ADMITTED: "It is on disk, and the gate has not decided about it yet.",
    State.WAITING: "It waits for a host.",
    State.LEASED: "Its lease runs until {until}.",
    State.AMBIGUOUS: "So it is ambiguous{because}, and is not handed out again.",
    State.DEAD: "It was given up at {ended}: {reason}.",
    State.DROPPED: "It was dropped at {ended}: {reason}.",
    State.SUPERSEDED: "It was {reason} at {ended}, while it waited.",
}
_AFTERWARDS: Mapping[State, str] = {
    State.AMBIGUOUS: (
        "the daemon looks for the answer in the chat; where it cannot tell, a person has to"
        " look there and decide"
    ),
    State.DEAD: "nothing, until a person decides",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds while the question is asked.

    Attributes:
        has_daemon: One serves the profile.
        sessions: How many hosts are attached to it.
        locked: Why the profile is locked; empty when it is not.
    """

    has_daemon: bool
    sessions: int = 0
    locked: str = ""


@dataclass(frozen=True, slots=True)
class Cure:
    """A command, and what it does."""

    command: str
    does: str


@dataclass(frozen=True, slots=True)
class Story:
    """An entry's.

    Attributes:
        happened: What became of it, one sentence each, in the order it happened.
        next: What becomes of it if nobody does anything.
        cures: What changes that.
    """

    happened: tuple[str, ...]
    next: str
    cures: tuple[Cure, ...]


def story(record: Record, moment: Moment) -> Story:
    """Tell the story of an entry."""
    happened = (*_arrival(record.entry), *_middle(record), *_text(record.entry))
    return Story(happened, _next(record, moment), tuple(_cures(record, moment)))


def when(unix: float) -> str:
    """Write a moment as a person reads it."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def erased(entry: Entry) -> bool:
    """Tell whether what *entry* said is gone."""
    return not entry.arrival.body


def _arrival(entry: Entry) -> Iterator[str]:
    how = "was found by catching up" if entry.arrival.late else "came from Teams"
    yield f"It {how} at {when(entry.arrival.received)}."


def _middle(record: Record) -> Iterator[str]:
    entry = record.entry
    if entry.joined and entry.reason != OBSERVED:
        yield f"It adds to the turn of {_head(record)}, and is answered with it."
    yield from _attempts(entry)
    if not entry.joined:
        yield from (_sent(part) for part in record.parts)
    yield _state(record)


def _attempts(entry: Entry) -> Iterator[str]:
    times = "once" if entry.attempt == 1 else f"{entry.attempt} times"
    if entry.state is State.LEASED:
        yield f"Session {entry.session} has it, in attempt {entry.attempt} of {ATTEMPTS}."
    elif entry.attempt and entry.state is State.WAITING:
        yield f"It was handed out {times}, and no answer came before the lease ended."
    elif entry.attempt:
        yield f"It was handed out {times}."


def _sent(part: Part) -> str:
    what = "A reaction" if part.kind is Kind.REACTION else f"Part {part.number} of the answer"
    match part.outcome:
        case Outcome.SENT:
            named = f", and Teams calls it {part.activity}" if part.activity else ""
            return f"{what} was sent at {when(part.began)}{named}."
        case Outcome.REFUSED:
            return f"{what} was refused by Teams at {when(part.began)}: it is not there."
        case Outcome.UNKNOWN:
            return (
                f"{what} was sent at {when(part.began)}, and the connection broke off before"
                " Teams answered: nobody knows whether it arrived."
            )
        case _:
            return f"{what} is on its way since {when(part.began)}."


def _state(record: Record) -> str:
    entry = record.entry
    if entry.state is State.DONE:
        return _done(record)
    return _STATES[entry.state].format(
        reason=entry.reason,
        because=f" ({entry.reason})" if entry.reason else "",
        ended=when(entry.ended),
        until=when((record.head or entry).until),
    )


def _done(record: Record) -> str:
    entry = record.entry
    if entry.reason == OBSERVED and entry.joined:
        return f"It started no turn, and was shown as context with the turn of {_head(record)}."
    if entry.reason == OBSERVED:
        return "It started no turn; the next turn in its conversation shows it as context."
    because = f": {entry.reason}" if entry.reason else ""
    if entry.turn:
        return f"Its turn ended at {when(entry.ended)}{because}."
    return f"It needed no answer{because}."


def _text(entry: Entry) -> Iterator[str]:
    if erased(entry):
        yield "What it said has been erased."
    elif entry.ended:
        yield f"What it said is erased after {when(entry.ended + TEXT_S)}."


def _next(record: Record, moment: Moment) -> str:
    entry = record.entry
    if entry.state not in OPEN_STATES:
        return _AFTERWARDS.get(entry.state, "nothing; this is its end")
    if not moment.has_daemon:
        return "nothing, until a daemon runs again"
    if entry.state is State.LEASED:
        return _after_lease(entry)
    if entry.state is State.WAITING:
        return _hand_over(record, moment)
    return "the daemon tries again and again; logs/daemon.log says what it waits for"


def _after_lease(entry: Entry) -> str:
    if entry.attempt >= ATTEMPTS:
        return "its host answers, or the lease ends and it is given up: it was the last attempt"
    return "its host answers, or the lease ends and it is handed out again"


def _hand_over(record: Record, moment: Moment) -> str:
    if moment.locked:
        return f"nothing while the profile is locked: {moment.locked}"
    if record.entry.joined:
        return "the session that has its turn is given it when it reads its messages"
    if record.holder is not None or record.ahead:
        return _queue(record)
    if not moment.sessions:
        return "it is handed out as soon as a host is attached: entraclaw mcp"
    if record.entry.attempt >= RING_ATTEMPTS:
        return "whichever host reads its messages next is given it; none is rung for it any more"
    return "the session that gets its conversation is given it when it reads"


def _queue(record: Record) -> str:
    turns = record.ahead + (record.holder is not None)
    many = "one turn" if turns == 1 else f"{turns} turns"
    opened = f", of which entry {record.holder.seq} is being answered" if record.holder else ""
    return f"it is handed out after {many} before it in its conversation{opened}"


def _cures(record: Record, moment: Moment) -> Iterator[Cure]:
    entry = record.entry
    if not moment.has_daemon and entry.state in OPEN_STATES:
        yield Cure("entraclaw serve", "runs the daemon")
    if entry.state is State.DROPPED and entry.reason.startswith("not allowed"):
        account = f"{entry.arrival.tenant}/{entry.arrival.sender}"
        yield Cure(f"entraclaw access allow {account}", "lets its sender speak from now on")
    if entry.state in MOVES[Move.REPLAY][0] and not erased(entry):
        yield _replay(entry)
    if entry.state in MOVES[Move.DROP][0]:
        yield Cure(f"entraclaw inbox drop {entry.seq}", "ends it: nobody answers it")


def _replay(entry: Entry) -> Cure:
    if entry.state is State.AMBIGUOUS:
        return Cure(
            f"entraclaw inbox replay {entry.seq} --yes",
            "has it answered again; the answer may then be there twice",
        )
    return Cure(
        f"entraclaw inbox replay {entry.seq}", "has it judged again, by the rules as they are now"
    )


def _head(record: Record) -> str:
    return f"entry {record.head.seq}" if record.head else "an entry that is gone"
