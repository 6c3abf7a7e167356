"""The life of an activity in the inbox: which states there are, and what leads from one to another.

Pure. The store moves entries only along `MOVES`, and docs/inbox.md draws them:

    admitted ─► waiting ─► leased ─► done
       │          ▲ │        │ ├───► ambiguous ─► done
       │          └─┼────────┘ └───► dead
       ├► done      └► superseded
       ├► dropped, dead, superseded
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an activity stands."""

    ADMITTED = "admitted"
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    AMBIGUOUS = "ambiguous"
    DEAD = "dead"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


class Move(StrEnum):
    """What can happen to an activity."""

    OPEN = "open"  # the gate let it through: it is a turn, or joins one
    NOTE = "note"  # there is nothing to answer: observed, a reaction, a notice
    REFUSE = "refuse"  # its sender may not speak
    GIVE_UP = "give up"  # it cannot be read
    SUPERSEDE = "supersede"  # its sender edited, deleted or stopped it before it was handed over
    CLAIM = "claim"  # a session took it
    CLOSE = "close"  # the session closed its turn
    DOUBT = "doubt"  # an answer was sent and nobody knows whether it arrived
    SETTLE = "settle"  # now it is known
    RELEASE = "release"  # the lease ended; there is another attempt
    EXHAUST = "exhaust"  # the lease ended; there is none
    STOP = "stop"  # its requester said stop
    DROP = "drop"  # a person at the desk does not want it
    REPLAY = "replay"  # a person at the desk wants it judged again


MOVES: Final[Mapping[Move, tuple[frozenset[State], State]]] = {
    Move.OPEN: (frozenset({State.ADMITTED}), State.WAITING),
    Move.NOTE: (frozenset({State.ADMITTED}), State.DONE),
    Move.REFUSE: (frozenset({State.ADMITTED}), State.DROPPED),
    Move.GIVE_UP: (frozenset({State.ADMITTED}), State.DEAD),
    Move.SUPERSEDE: (frozenset({State.ADMITTED, State.WAITING}), State.SUPERSEDED),
    Move.CLAIM: (frozenset({State.WAITING}), State.LEASED),
    Move.CLOSE: (frozenset({State.LEASED}), State.DONE),
    Move.DOUBT: (frozenset({State.LEASED}), State.AMBIGUOUS),
    Move.SETTLE: (frozenset({State.AMBIGUOUS}), State.DONE),
    Move.RELEASE: (frozenset({State.LEASED}), State.WAITING),
    Move.EXHAUST: (frozenset({State.LEASED}), State.DEAD),
    Move.STOP: (frozenset({State.LEASED}), State.DONE),
    Move.DROP: (
        frozenset({State.ADMITTED, State.WAITING, State.LEASED, State.AMBIGUOUS, State.DEAD}),
        State.DROPPED,
    ),
    Move.REPLAY: (
        frozenset({State.DEAD, State.DROPPED, State.AMBIGUOUS, State.SUPERSEDED}),
        State.ADMITTED,
    ),
}

OPEN_STATES: Final = frozenset({State.ADMITTED, State.WAITING, State.LEASED})
LAST_STATES: Final = frozenset({State.DONE, State.DEAD, State.DROPPED, State.SUPERSEDED})

# A doorbell rings for the first three attempts; three more are there for whoever reads.
RING_ATTEMPTS: Final = 3
ATTEMPTS: Final = 6

# A lease does not end while its answer is being sent; it is looked at again after this.
ANSWERING_S: Final = 60.0


def after_lease(attempt: int) -> Move:
    """Tell what the end of a lease means for an entry handed over *attempt* times."""
    return Move.RELEASE if attempt < ATTEMPTS else Move.EXHAUST


def rings(attempt: int) -> bool:
    """Tell whether a host is rung for an entry that was handed over *attempt* times."""
    return attempt < RING_ATTEMPTS
