"""What is sent for a turn: written before it is sent, and its outcome after.

An answer is a number of parts. Each has a key, the caller's own or else made of its
text: the same key again is the same part, and is not sent twice. A part whose outcome is
not known is never sent again unseen; docs/ack.md says what happens to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

from entraclaw.bot.lifecycle import State
from entraclaw.errors import TurnRefused

__all__ = ["Kind", "Outbox", "Outcome", "Part", "compose", "decide"]


class Kind(StrEnum):
    """What a part is."""

    TEXT = "text"
    REACTION = "reaction"


class Outcome(StrEnum):
    """What is known of a part."""

    INTENT = "intent"  # about to be sent
    SENT = "sent"
    REFUSED = "refused"  # certainly not there
    UNKNOWN = "unknown"  # it may be there


@dataclass(frozen=True, slots=True)
class Part:
    """One thing sent for a turn.

    Attributes:
        turn: The turn; for what nobody asked for, an id of its own.
        number: 1 for the first part; 0 while it has none.
        key: Names it within its turn.
        digest: Of its kind and text, 16 bytes.
        kind: A text or a reaction.
        text: What is said, or the reaction's name.
        final: Whether it closes the turn.
        lane: The conversation it goes to.
        began: When its intent was written, seconds since the epoch.
        outcome: What is known of it.
        activity: The id Teams gave it; empty until it has one.
    """

    turn: str
    key: str
    digest: bytes
    kind: Kind
    text: str
    final: bool
    lane: str
    began: float
    number: int = 0
    outcome: Outcome = Outcome.INTENT
    activity: str = ""


def compose(
    turn: str, lane: str, text: str, now: float, *, kind: Kind, final: bool, key: str
) -> Part:
    """Make a part that has not been sent; an empty *key* is made of its content."""
    digest = blake2b(f"{kind}\0{text}".encode(), digest_size=16).digest()
    return Part(turn, key or digest.hex(), digest, kind, text, final, lane, now)


# An ambiguous turn is answered by whoever found out that its answer had not arrived.
_ANSWERABLE = frozenset({State.LEASED, State.AMBIGUOUS})


def decide(wanted: Part, known: Part | None, state: State | None) -> Part | None:
    """Judge a part whose key may be in use: what to send, or None if it was sent already.

    Args:
        wanted: What somebody wants to send.
        known: The part of its turn that has its key.
        state: Where its turn stands; None when it has none.

    Raises:
        TurnRefused: The key was used for something else, it is being sent, nobody knows
            whether it was, or the turn takes no answer any more.
    """
    if known is not None and _was_sent(wanted, known):
        return None
    if state is not None and state not in _ANSWERABLE:
        raise TurnRefused("this turn is not open", hint="read_messages gives the ones that are")
    return wanted if known is None else replace(wanted, number=known.number)


def _was_sent(wanted: Part, known: Part) -> bool:
    if known.digest != wanted.digest:
        raise TurnRefused("this key was used for another text in this turn")
    if known.outcome is Outcome.INTENT:
        raise TurnRefused("this turn is being answered already")
    if known.outcome is Outcome.UNKNOWN:
        raise TurnRefused("nobody knows whether this answer arrived; it is not sent again")
    return known.outcome is Outcome.SENT


class Outbox(Protocol):
    """The parts on disk. Raises `InboxUnwritable` as the inbox does."""

    async def begin(self, wanted: Part) -> tuple[Part, bool]:
        """Write the intent of *wanted* durably; False beside a part that was sent before.

        Raises:
            TurnRefused: As `decide` says.
        """
        ...

    async def find_sent(self, wanted: Part) -> Part | None:
        """Find the part that was sent with the key and the content of *wanted*."""
        ...

    async def finish(self, part: Part) -> None:
        """Write the outcome, and in the same moment what it means for the turn.

        Sent and final closes it, unknown makes it ambiguous; else it stays as it is. What
        was sent stays sent, whatever is said of it later.
        """
        ...

    async def forget_intents(self) -> int:
        """Call every intent without outcome unknown: its daemon is gone. Tells how many."""
        ...

    async def unsettled(self) -> Sequence[Part]:
        """List the parts of ambiguous turns whose outcome is unknown, oldest first."""
        ...

    async def settle(self, part: Part) -> None:
        """Write what was found out about an unknown part; sent and final ends its turn."""
        ...

    async def sent_since(self, lane: str, since: float) -> int:
        """Count what was sent to a conversation since then."""
        ...

    async def is_ours(self, activity: str) -> bool:
        """Tell whether we sent the message *activity*."""
        ...

    async def remember(self, lane: str, activity: str) -> None:
        """Note that we sent *activity* to *lane* for no turn."""
        ...

    async def may_tell(self, lane: str, person: str, kind: str, every_s: float) -> bool:
        """Tell whether *person* may be sent a notice of *kind* now, and remember that it was."""
        ...
