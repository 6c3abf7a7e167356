"""The conversations we know: their names, whom they are with, how to reach them.

A 1:1 is ``a:1…`` at the connector and ``19:…@unq.gbl.spaces`` in Graph. Both names are
places of one lane once it is known that they are the same chat, which the one person in
it tells: an agent has one chat with each. A chat with a bot is another chat, and has one name.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from entraclaw.bot.activity import parse
from entraclaw.bot.fields import text
from entraclaw.bot.principal import BOT

__all__ = ["Place", "Places", "is_with_a_bot"]


@dataclass(frozen=True, slots=True)
class Place:
    """One name of a conversation.

    Attributes:
        id: The name.
        tenant: Our directory.
        kind: ``personal``, ``groupChat`` or ``channel``; empty if nobody said.
        person: Object id of the one person in a 1:1; empty elsewhere.
        name: Topic or channel, safe to show; may be empty.
        reference: The parts of an activity that an answer needs, JSON; empty when we know
            the place from Graph alone.
        claims: The verified claims that came with it, JSON.
        lane: What its entries are kept in order with.
        twin: Its other name; empty while none is known.
    """

    id: str
    tenant: str
    kind: str
    person: str = ""
    name: str = ""
    reference: bytes = b""
    claims: bytes = b"{}"
    lane: str = ""
    twin: str = ""


def is_with_a_bot(place: Place) -> bool:
    """Tell whether what came from *place* came to a bot: to whom its token was for."""
    if not place.reference:
        return False
    told = text(parse(place.reference), "recipient", "id").lower().removeprefix(BOT)
    return bool(told) and told == text(parse(place.claims), "aud").lower()


class Places(Protocol):
    """The conversations on disk. Raises `InboxUnwritable` as the inbox does."""

    async def learn(self, place: Place) -> Place:
        """Keep *place*, newest reference first; gives it with its lane and its twin."""
        ...

    async def find(self, name: str) -> Place | None:
        """Find a place by its name; None if nothing ever came from there."""
        ...

    async def personal(self, people: Collection[str]) -> Sequence[Place]:
        """List the 1:1 chats with any of *people*, one name of each, the connector's if known."""
        ...

    async def mark(self, name: str) -> float | None:
        """Read a moment that was set; None if it never was."""
        ...

    async def set_mark(self, name: str, value: float) -> None:
        """Set a moment, seconds since the epoch."""
        ...

    async def marked(self, prefix: str) -> frozenset[str]:
        """List what was marked last under *prefix*."""
        ...

    async def mark_all(self, prefix: str, names: Collection[str]) -> None:
        """Mark *names* under *prefix*, and no others."""
        ...
