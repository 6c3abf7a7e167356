"""What was said, in the order it was said, over the whole sandbox.

Tests and the chat page read it; a reader can wait for what has not been said
yet. Entries are never changed: an edit or a deletion is one more entry.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.conversations import home
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.holdings import Holding
from entraclaw.sandbox.journal import Journal


class Act(StrEnum):
    """What somebody did in a conversation."""

    MESSAGE = "message"
    TYPING = "typing"
    UPDATE = "update"
    DELETE = "delete"
    REACTION = "reaction"
    UNREACTION = "unreaction"
    EVENT = "event"


class Style(StrEnum):
    """How the text of a line is to be read."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Author:
    """Who did it. *sender* is what the bearer said; None for people, who carry none here."""

    oid: str
    name: str
    sender: Bearer | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One act in one conversation, before it has its place in the transcript.

    *id* is the message that the act made or is about; of a reaction *text* is
    its type. *addressed* is false for words in a group that mention nobody,
    *cards* are Adaptive Cards as they came, and *received_at* is
    `time.monotonic_ns()` when the call that became this line was taken.
    *html* is the body as it was written, if it was; *quote* is the message it
    quotes, *via* the host it came through, *application* the app that sent it
    in its author's place, *sent_at* when it claims to have been sent (seconds
    since 1970).
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
    style: Style = Style.PLAIN
    html: str | None = None
    quote: str | None = None
    holdings: tuple[Holding, ...] = ()
    via: str | None = None
    application: str | None = None
    sent_at: float | None = None


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
            "via": line.via,
            "at": self.at,
        }


class Questions:
    """What people asked, kept so that an answer finds its question without a search."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], Entry] = {}
        self._last: dict[str, Entry] = {}

    def take(self, entry: Entry) -> None:
        """Remember *entry* if it is something a person said."""
        line = entry.line
        if line.author.sender is None and line.act is Act.MESSAGE:
            self._named[line.conversation, line.id] = entry
            self._last[line.conversation] = entry

    def answered(self, line: Line) -> Entry | None:
        """Find what an agent's message answers: what it names, else the last thing said to it."""
        if line.author.sender is None or line.act is not Act.MESSAGE:
            return None
        named = self._named.get((line.conversation, line.reply_to or ""))
        return named or self._last.get(line.conversation)


class Transcript:
    """All entries, the ids they go by, and a bell for those who wait for the next."""

    def __init__(self, tell: Callable[[Entry], None]) -> None:
        self._entries: Journal[Entry] = Journal()
        self._messages: dict[str, Entry] = {}
        self._answers: dict[int, Entry] = {}
        self._places: dict[str, list[Entry]] = {}
        self._questions = Questions()
        self._last_stamp = 0
        self._tell = tell

    def __len__(self) -> int:
        """How many entries there are, which is the number of the last."""
        return len(self._entries)

    def stamp(self) -> str:
        """Take the next activity id: milliseconds since 1970, unique and increasing."""
        self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1_000_000)
        return str(self._last_stamp)

    def append(self, line: Line) -> None:
        """Add one line and wake whoever waits."""
        number, question = len(self._entries) + 1, self._questions.answered(line)
        entry = Entry(number, time.monotonic_ns(), time.time(), line, question)
        self._questions.take(entry)
        self._places.setdefault(home(line.conversation), []).append(entry)
        if line.act is Act.MESSAGE:
            self._messages.setdefault(line.id, entry)
        if question:
            self._answers.setdefault(question.n, entry)
        self._entries.append(entry)
        self._tell(entry)

    def find(self, message: str) -> Line | None:
        """Find a message by its id."""
        entry = self.message(message)
        return entry.line if entry else None

    def message(self, message: str) -> Entry | None:
        """The same, in its place; of two that share an id, the first."""
        return self._messages.get(message)

    def answer(self, asked: Entry) -> Entry | None:
        """Find the first answer to *asked*."""
        return self._answers.get(asked.n)

    def said_in(self, conversation: str) -> list[Entry]:
        """Everything so far in one conversation, its threads included, oldest first."""
        return self._places.get(home(conversation), [])

    def since(self, n: int, most: int) -> list[Entry]:
        """Entries with a number over *n*, at most so many."""
        return self._entries.since(n, most)

    async def more(self, n: int, wait_s: float) -> None:
        """Wait until there is an entry with a number over *n*, at most *wait_s*."""
        await self._entries.more(n, wait_s)
