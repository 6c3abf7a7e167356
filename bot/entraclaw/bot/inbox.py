"""What the inbox promises, whatever keeps it.

An arrival that `append` returned for survives a loss of power. What happens to it then
is `entraclaw.bot.lifecycle`'s; every method here is atomic, and all of them raise
`InboxUnwritable` when the store cannot do what was asked (nothing is changed then).

A message opens a turn, or joins the open turn of its own sender as an amendment: it is
then handed over under that turn's id, and ends with it. What was only observed in a
group is put before the model once, fenced into the next turn. docs/inbox.md
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import orjson

from entraclaw.bot.lifecycle import Move, State

__all__ = [
    "Arrival", "Entry", "Expired", "Inbox", "Mine", "Move", "Opened", "Opening", "Owed", "Queue",
    "Receipt", "State",
]  # fmt: skip

OBSERVED = "observed"  # the reason of entries that wait to be fenced into a turn


@dataclass(frozen=True, slots=True)
class Arrival:
    """An admitted activity, as it came.

    Attributes:
        tenant: The directory named by the verified token.
        conversation: The conversation's id on the path it came by.
        activity: The activity's own id; empty when it has none.
        kind: The activity's type, such as ``message``.
        name: Equal for the same activity delivered twice to one conversation; empty if
            that cannot be told.
        sender: Object id of who it is from, lower case; empty when it names none.
        body: The bytes of the request.
        claims: The verified claims, JSON.
        received: Seconds since the epoch.
        late: It was found by catching up, not pushed.
    """

    tenant: str
    conversation: str
    activity: str
    kind: str
    name: str
    sender: str
    body: bytes
    claims: bytes
    received: float
    late: bool = False

    @property
    def key(self) -> bytes | None:
        """Its name among all arrivals: 16 bytes, or None if it has none."""
        return key_of(self.tenant, self.conversation, self.kind, self.name)


def key_of(tenant: str, conversation: str, kind: str, name: str) -> bytes | None:
    """Name an activity among all arrivals; None when *name* is empty."""
    if not name:
        return None
    return blake2b(orjson.dumps((kind, tenant, conversation, name)), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an append did: the row, and whether it is new or was there already."""

    seq: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the inbox.

    Attributes:
        seq: Order of admission.
        arrival: What came.
        lane: The conversation it is kept in order with; one id for all names of a chat.
        state: Where it stands.
        turn: Id of its turn; empty before one is open.
        joined: The turn it amends, or was fenced into; empty when it stands alone.
        view: What the host is shown, JSON; empty before the gate.
        session: The session that leases it; empty when none does.
        until: End of the lease, seconds since the epoch; 0.0 when there is none.
        attempt: How often it was handed over.
        reason: Why it was dropped, is dead, or needs no answer; empty otherwise.
        ended: When it reached its last state, seconds since the epoch; 0.0 before.
    """

    seq: int
    arrival: Arrival
    lane: str
    state: State = State.ADMITTED
    turn: str = ""
    joined: str = ""
    view: bytes = b""
    session: str = ""
    until: float = 0.0
    attempt: int = 0
    reason: str = ""
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Opening:
    """A message that the gate let through.

    Attributes:
        seq: Its entry.
        turn: The id its turn will have.
        lane: Its conversation's one id.
        view: What the host will be shown, JSON.
        may_join: Whether it may amend an open turn of its own sender.
        amends: The open turn it must amend, whatever waits behind that; empty for any.
        instead_of: The waiting entry whose place it takes; 0 for none.
        why: Why it takes that place, for the operator.
    """

    seq: int
    turn: str
    lane: str
    view: bytes
    may_join: bool = True
    amends: str = ""
    instead_of: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of an opening.

    Attributes:
        joined: The turn it amends; empty when it is a turn of its own.
        session: Who holds that turn.
        queued: How many turns wait in its conversation, this one included.
        waiting: How many wait in all.
        is_full: The conversation's backlog is full; nothing was opened.
        is_stale: What it was to amend or replace has moved on; nothing was opened.
    """

    joined: str = ""
    session: str = ""
    queued: int = 0
    waiting: int = 0
    is_full: bool = False
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Expired:
    """What the end of leases did: how many wait again, and which have no attempt left."""

    waiting: int
    dead: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """The turns that wait in one conversation.

    Attributes:
        lane: The conversation's one id.
        person: Object id of the person in a 1:1; empty elsewhere.
        waiting: How many wait.
        attempt: How often the first of them was handed over.
        is_held: A turn is open in front of them.
    """

    lane: str
    person: str
    waiting: int
    attempt: int
    is_held: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """What waits, by conversation; and how much waits to amend turns that a session holds."""

    queues: Sequence[Queue]
    amending: Mapping[str, int]


Mine = Callable[[str, str], bool]
"""Whether a conversation, a 1:1 with a person unless that is empty, is the asking session's."""


class Inbox(Protocol):
    """A durable list of activities with leases."""

    async def append(self, arrival: Arrival) -> Receipt:
        """Keep *arrival*; when this returns, it survives a loss of power."""
        ...

    async def admitted(self, conversation: str, limit: int) -> Sequence[Entry]:
        """List what the gate has not decided yet in one conversation, oldest first."""
        ...

    async def undecided(self) -> Sequence[str]:
        """List the conversations in which the gate has not decided everything."""
        ...

    async def find(self, tenant: str, conversation: str, activity: str) -> Entry | None:
        """Find the message *activity* of *conversation*; None if it never came."""
        ...

    async def open_with(self, lane: str, activity: str, sender: str) -> Entry | None:
        """Find what *sender* said as *activity* while it waits or is leased in *lane*."""
        ...

    async def entry(self, seq: int) -> Entry | None:
        """Find one entry; None if there is none."""
        ...

    async def open_turn(self, opening: Opening, limit: int) -> Opened:
        """Make an admitted message wait, unless *limit* turns wait in its lane already.

        It joins the leased turn of the same sender when that is the last thing in its
        lane. Else what was observed since the last turn is marked as fenced into it. What
        it takes the place of is superseded in the same moment.
        """
        ...

    async def note(self, seq: int, lane: str, reason: str, view: bytes = b"") -> None:
        """End an admitted entry that needs no answer; *view* is what a turn may show of it."""
        ...

    async def end(self, seq: int, move: Move, reason: str) -> bool:
        """Take *move* to a last state without a turn; False if it was in no state for that.

        Taken with a turn, it is taken with what was handed over with that, too; what was
        not is a turn of its own then, and what was observed goes into the next one if
        nobody was shown it.

        Raises:
            ValueError: *move* leads to no last state.
        """
        ...

    async def observed(self, turn: str) -> Sequence[Entry]:
        """List what was fenced into *turn*, oldest first; of all but the last no view is left."""
        ...

    async def claim(
        self, session: str, until: float, limit: int, mine: Mine, *, again: bool = False
    ) -> Sequence[Entry]:
        """Lease the oldest waiting turn of each lane that has none open, and what amends.

        Amendments come behind their turn, those of turns that *session* holds already
        first. An entry with `joined` set belongs to that turn.

        Args:
            session: Who gets them.
            until: End of the leases.
            limit: How many turns at most.
            mine: Asked about each conversation at the very moment; it must be quick.
            again: Give the turns that *session* holds once more, too, as another attempt.
        """
        ...

    async def unsure(self, session: str) -> int:
        """Take back what amends the turns of a session that was away; tells how many it holds.

        What was handed over last may not have reached it. `claim` with *again* gives it all.
        """
        ...

    async def of_turn(self, turn: str) -> Entry | None:
        """Find the entry of *turn*, whatever its state; None if there is none."""
        ...

    async def close(self, turn: str, reason: str = "") -> None:
        """End a leased turn that got no answer, and with it what was handed over to it."""
        ...

    async def stop(self, lane: str, sender: str, before: int, reason: str) -> Sequence[Entry]:
        """End every turn of *sender* in *lane* older than the entry *before*.

        Leased ones are done, waiting ones superseded; gives those that were leased.
        """
        ...

    async def renew(self, turn: str, until: float) -> None:
        """Move the end of one lease."""
        ...

    async def set_lease_end(self, session: str | None, until: float) -> None:
        """Move the end of all leases of *session* (of everybody, when None) to *until*."""
        ...

    async def expire(self, now: float) -> Expired:
        """Release every lease that has ended, or end its entry if it had its last attempt.

        A lease whose turn is being answered now (`entraclaw.bot.outbox`) is not over: it
        lasts until the outcome is known, and is looked at again after `ANSWERING_S`.
        """
        ...

    async def next_lease_end(self) -> float | None:
        """Tell when the earliest lease ends; None when nothing is leased."""
        ...

    async def waiting(self) -> int:
        """Count the turns that wait to be leased."""
        ...

    async def owed(self) -> Owed:
        """List what waits, conversation by conversation."""
        ...

    async def count(self) -> dict[State, int]:
        """Count the entries in each state."""
        ...

    async def queues(self, limit: int) -> Sequence[tuple[str, int]]:
        """List the longest lanes with the number of turns that wait in each."""
        ...

    async def replay(self, seq: int) -> bool:
        """Have an ended entry judged again; False if it is in no state for that.

        It begins anew: without its turn, its view and its attempts, and alone.
        """
        ...

    async def conversation(self, lane: str, limit: int) -> Sequence[tuple[Entry, str]]:
        """List the last turns of a conversation, oldest first, each with its answer.

        The answer is empty while there is none.
        """
        ...

    async def list_entries(self, limit: int, state: State | None = None) -> Sequence[Entry]:
        """List the last entries, newest first."""
        ...
