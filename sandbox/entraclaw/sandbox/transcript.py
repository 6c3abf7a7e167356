"""What was said, in the order it was said, over the whole sandbox.

Tests and the chat page read it; a reader can wait for what has not been said
yet. Entries are never changed: an edit or a deletion is one more entry.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.journal import Journal


class Act(StrEnum):
    """What somebody did in a conversation."""

    MESSAGE = "message"
    TYPING = "typing"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Author:
    """Who did it. *sender* is what the bearer said; None for people, who carry none here."""

    oid: str
    name: str
    sender: Bearer | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One act in one conversation, before it has its place in the transcript.

    *addressed* is false for words in a group that mention nobody, *cards* are
    Adaptive Cards as they came, and *received_at* is `time.monotonic_ns()` when
    the connector took the call that became this line.
    """

    conversation: str
    id: str
    act: Act
    author: Author
    text: str = ""
    reply_to: str | None = None
    addressed: bool = True
    cards: tuple[Json, ...] = ()
    received_at: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line in its place: *n* counts from 1, *at* is `time.monotonic_ns()`.

    *wall* is the same moment as people tell it, and *question* is what an
    agent's message answers.
    """

    n: int
    at: int
    wall: float
    line: Line
    question: "Entry | None" = None

    def document(self) -> Json:
        """The entry as the control API shows it."""
        line, who = self.line, self.line.author.sender
        sender = who and {"oid": who.oid, "idtyp": who.idtyp, "azp": who.azp, "tid": who.tid}
        return {
            "n": self.n,
            "conversation": line.conversation,
            "id": line.id,
            "kind": line.act.value,
            "from": {"oid": line.author.oid, "name": line.author.name},
            "text": line.text,
            "reply_to": line.reply_to,
            "sender": sender,
            "at": self.at,
        }


class Transcript:
    """All entries, the ids they go by, and a bell for those who wait for the next."""

    def __init__(self, tell: Callable[[Entry], None]) -> None:
        self._entries: Journal[Entry] = Journal()
        self._last_stamp = 0
        self._tell = tell

    def stamp(self) -> str:
        """Take the next activity id: milliseconds since 1970, unique and increasing."""
        self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1_000_000)
        return str(self._last_stamp)

    def append(self, line: Line) -> None:
        """Add one line and wake whoever waits."""
        number = len(self._entries) + 1
        question = answered(line, self._entries.since(0))
        entry = Entry(number, time.monotonic_ns(), time.time(), line, question)
        self._entries.append(entry)
        self._tell(entry)

    def find(self, message: str) -> Line | None:
        """Find a message by its id."""
        entry = self.message(message)
        return entry.line if entry else None

    def message(self, message: str) -> Entry | None:
        """The same, in its place; of two that share an id, the first."""
        entries = self._entries.since(0)
        return next(
            (e for e in entries if e.line.act is Act.MESSAGE and e.line.id == message), None
        )

    def entries(self) -> list[Entry]:
        """Everything so far, oldest first."""
        return self._entries.since(0)

    async def after(self, n: int, wait_s: float) -> list[Entry]:
        """Entries with a number over *n*: at once if there are any, else after at most *wait_s*."""
        return await self._entries.after(n, wait_s)


def answered(line: Line, earlier: Sequence[Entry]) -> Entry | None:
    """Find what an agent's message answers: what it names, else the last thing said to it."""
    if line.author.sender is None or line.act is not Act.MESSAGE:
        return None
    last: Entry | None = None
    for entry in reversed(earlier):
        if not _is_question(entry.line, line.conversation):
            continue
        if line.reply_to in {None, entry.line.id}:
            return entry
        last = last or entry
    return last


def _is_question(line: Line, conversation: str) -> bool:
    person = line.author.sender is None
    return person and line.act is Act.MESSAGE and line.conversation == conversation
