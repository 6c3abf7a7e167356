"""What the inbox promises, whatever keeps it.

An activity is `admitted` when it is on disk; the gate makes it `waiting` (a turn is
open), `dropped`, or `done` (nothing to answer); a session leases it; an answer closes
it. A lease that runs out makes it `waiting` again with one attempt more.

    admitted ─► waiting ─► leased ─► done
        │          ▲          │
        ├► dropped └──────────┘
        ├► done
        └► dead
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """Where an activity stands."""

    ADMITTED = "admitted"
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DROPPED = "dropped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An admitted activity, as it came.

    Attributes:
        key: Equal for the same activity delivered twice; None if it cannot be told.
        tenant: The directory named by the verified token.
        conversation: The connector's conversation id.
        activity: The activity's own id; empty when it has none.
        kind: The activity's type, such as ``message``.
        body: The bytes of the request.
        claims: The verified claims, JSON.
        received: Seconds since the epoch.
    """

    key: str | None
    tenant: str
    conversation: str
    activity: str
    kind: str
    body: bytes
    claims: bytes
    received: float


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
        state: Where it stands.
        turn: Id of its turn; empty before one is open.
        view: What the host is shown, JSON; empty before a turn is open.
        session: The session that leases it; empty when none does.
        until: End of the lease, seconds since the epoch; 0.0 when there is none.
        attempt: How often it was handed over.
        reason: Why it was dropped or is dead; empty otherwise.
    """

    seq: int
    arrival: Arrival
    state: State
    turn: str
    view: bytes
    session: str
    until: float
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was sent for a turn."""

    turn: str
    activity: str
    text: str
    sent: float


class Inbox(Protocol):
    """A durable list of activities with leases. Every method is atomic.

    All of them raise `InboxUnwritable` when the store cannot do what was asked.
    """

    async def append(self, arrival: Arrival) -> Receipt:
        """Keep *arrival*; when this returns, it survives a loss of power."""
        ...

    async def admitted(self) -> Sequence[Entry]:
        """List what the gate has not decided yet, oldest first."""
        ...

    async def open_turn(self, seq: int, turn: str, view: bytes) -> None:
        """Make an admitted entry wait under the id *turn*."""
        ...

    async def settle(self, seq: int, state: State, reason: str = "") -> None:
        """End an admitted entry without a turn: done, dropped or dead."""
        ...

    async def claim(self, session: str, until: float, limit: int) -> Sequence[Entry]:
        """Lease the oldest waiting entry of each conversation that has no open lease.

        Args:
            session: Who gets them.
            until: End of the leases.
            limit: How many at most.
        """
        ...

    async def leased(self, turn: str) -> Entry | None:
        """Find the leased entry of *turn*; None if there is none."""
        ...

    async def close(self, answer: Answer) -> None:
        """End the turn with what was sent for it."""
        ...

    async def set_lease_end(self, session: str | None, until: float) -> None:
        """Move the end of all leases of *session* (of everybody, when None) to *until*."""
        ...

    async def expire(self, now: float) -> int:
        """Make every entry wait again whose lease has ended; tells how many."""
        ...

    async def next_lease_end(self) -> float | None:
        """Tell when the earliest lease ends; None when nothing is leased."""
        ...

    async def waiting(self) -> int:
        """Count what waits to be leased."""
        ...

    async def count(self) -> dict[State, int]:
        """Count the entries in each state."""
        ...

    async def conversation(self, conversation: str, limit: int) -> Sequence[tuple[Entry, str]]:
        """List the last turns of a conversation, oldest first, each with its answer.

        The answer is empty while there is none.
        """
        ...

    async def list_entries(self, limit: int) -> Sequence[Entry]:
        """List the last entries, newest first."""
        ...
