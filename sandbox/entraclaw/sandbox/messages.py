"""What each message has become: its latest words, its reactions, whether it is gone.

Folds the transcript, entry by entry, into one value per message, and lists the
messages of a conversation from the newest, by when they were made or by when
they last changed, without looking at those it does not return.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from entraclaw.sandbox.conversations import home
from entraclaw.sandbox.transcript import Act, Author, Entry, Line

_ID_DIGITS = 13


class Order(StrEnum):
    """Which time a list of messages goes by, in Graph's words."""

    CREATED = "createdDateTime"
    MODIFIED = "lastModifiedDateTime"


@dataclass(frozen=True, slots=True)
class Reaction:
    """One person's reaction; *at* is milliseconds since 1970."""

    type: str
    author: Author
    at: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is now; times are milliseconds since 1970, *n* is its first entry's.

    *change* is its place in the conversation's list of changes.
    """

    n: int
    line: Line
    created: int
    modified: int
    edited: int | None = None
    deleted: int | None = None
    reactions: tuple[Reaction, ...] = ()
    change: int = 0

    @property
    def is_event(self) -> bool:
        """Whether Teams itself wrote it."""
        return self.line.act is Act.EVENT


@dataclass(slots=True)
class _Place:
    """One conversation: its messages, and the two orders in which they are read."""

    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    created: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    changes: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class Messages:
    """Every message of every conversation, as it is now."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}

    def take(self, entry: Entry) -> None:
        """Let one more entry of the transcript have its effect."""
        place = self._places.setdefault(home(entry.line.conversation), _Place())
        known = place.messages.get(entry.line.id)
        at = int(entry.wall * 1000)
        if entry.line.act in {Act.MESSAGE, Act.EVENT}:
            # The same id again is the same message, sent twice.
            changed = None if known else _made(entry, at)
        else:
            changed = known and _changed(known, entry.line, at)
        if changed:
            _keep(place, changed)

    def find(self, conversation: str, message: str) -> Message | None:
        """One message of one conversation."""
        place = self._places.get(home(conversation))
        return place.messages.get(message) if place else None

    def newest(
        self, conversation: str, order: Order, *, start: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Message]]:
        """Messages from the newest on, each with where to go on after it.

        *start* is such a place, *until* a time that all of them come before.
        """
        place = self._places.get(home(conversation), _Place())
        if order is Order.CREATED:
            ends = _before(place.created, until)
            names = ((i, place.created[i][2]) for i in _down(ends, start))
            yield from ((i, place.messages[name]) for i, name in names)
            return
        ends = _before(place.changes, until)
        for i in _down(ends, start):
            message = place.messages[place.changes[i][1]]
            # An earlier change of a message that has changed again since.
            if message.change == i:
                yield i, message


def _before(times: Sequence[tuple[int, *tuple[object, ...]]], until: int | None) -> int:
    # How many come before that time.
    return len(times) if until is None else bisect_left(times, until, key=lambda item: item[0])


def _down(ends: int, start: int | None) -> range:
    first = ends if start is None else min(start, ends)
    return range(first - 1, -1, -1)


def _made(entry: Entry, at: int) -> Message:
    line = entry.line
    if line.sent_at is not None:
        # It claims another time, and is new all the same.
        return Message(n=entry.n, line=line, created=int(line.sent_at * 1000), modified=at)
    created = _moment(line.id, at)
    return Message(n=entry.n, line=line, created=created, modified=created)


def _moment(name: str, at: int) -> int:
    # A message is named by the millisecond in which it was made, unless somebody named it oddly.
    is_time = len(name) == _ID_DIGITS and name.isascii() and name.isdigit()
    return int(name) if is_time else at


def _changed(message: Message, line: Line, at: int) -> Message | None:
    match line.act:
        case Act.UPDATE:
            return replace(_touched(message, at), line=line, edited=at, deleted=None)
        case Act.DELETE:
            return replace(_touched(message, at), deleted=at)
        case Act.REACTION:
            kept = _others(message, line)
            made = Reaction(line.text, line.author, at)
            return replace(_touched(message, at), reactions=(*kept, made))
        case Act.UNREACTION:
            return replace(_touched(message, at), reactions=_others(message, line))
        case _:
            return None


def _touched(message: Message, at: int) -> Message:
    return replace(message, modified=max(at, message.modified))


def _others(message: Message, line: Line) -> tuple[Reaction, ...]:
    mine = (line.text, line.author.oid)
    return tuple(r for r in message.reactions if (r.type, r.author.oid) != mine)


def _keep(place: _Place, message: Message) -> None:
    name = message.line.id
    # Changes are told in the order of their times, whatever the machine's clock does.
    latest = place.changes[-1][0] if place.changes else 0
    modified = max(message.modified, latest)
    if name not in place.messages:
        insort(place.created, (message.created, message.n, name))
    place.messages[name] = replace(message, modified=modified, change=len(place.changes))
    place.changes.append((modified, name))
