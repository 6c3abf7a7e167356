"""What was said, in the order it was said, over the whole sandbox.

Tests and the chat page read it; a reader can wait for what has not been said
yet. Entries are never changed: an edit or a deletion is one more entry.
"""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.documents import Json


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
    """One act in one conversation, before it has its place in the transcript."""

    conversation: str
    id: str
    act: Act
    author: Author
    text: str = ""
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line in its place: *n* counts from 1, *at* is `time.monotonic_ns()`."""

    n: int
    at: int
    line: Line

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

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._more = asyncio.Event()
        self._last_stamp = 0

    def stamp(self) -> str:
        """Take the next activity id: milliseconds since 1970, unique and increasing."""
        self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1_000_000)
        return str(self._last_stamp)

    def append(self, line: Line) -> None:
        """Add one line and wake whoever waits."""
        self._entries.append(Entry(len(self._entries) + 1, time.monotonic_ns(), line))
        # Each event rings once, so that a waiter which comes later waits for later entries.
        self._more.set()
        self._more = asyncio.Event()

    def find(self, message: str) -> Line | None:
        """Find a message by its id."""
        lines = (entry.line for entry in self._entries)
        return next((ln for ln in lines if ln.act is Act.MESSAGE and ln.id == message), None)

    async def after(self, n: int, wait_s: float) -> list[Entry]:
        """Entries with a number over *n*: at once if there are any, else after at most *wait_s*."""
        if len(self._entries) <= n:
            try:
                async with asyncio.timeout(wait_s):
                    while len(self._entries) <= n:
                        await self._more.wait()
            except TimeoutError:
                return []
        return self._entries[max(n, 0) :]
