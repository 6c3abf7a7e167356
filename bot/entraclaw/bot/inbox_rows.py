"""Rows of the inbox to values and back, and looking at them beside a running daemon."""

from typing import Any

from entraclaw.bot.inbox import Arrival, Entry
from entraclaw.bot.lifecycle import State
from entraclaw.bot.outbox import Kind, Outcome, Part
from entraclaw.bot.places import Place

ENTRY = (
    "tenant, conversation, activity, kind, name, sender, body, claims, received, late,"
    " seq, lane, state, turn, joined, view, session, until, attempt, reason, ended"
)
PART = "turn, key, digest, kind, text, final, lane, began, number, state, activity"
PLACE = "id, tenant, kind, person, name, reference, claims, lane, twin"

_ARRIVAL = 10  # columns of an arrival, before the entry's own


def entry(row: tuple[Any, ...]) -> Entry:
    """Make a row of `ENTRY` an entry; the schema types every column."""
    tenant, conversation, activity, kind, name, sender, body, claims, received, late = row[
        :_ARRIVAL
    ]
    arrival = Arrival(
        tenant, conversation, activity, kind, name, sender, body, claims, received, bool(late)
    )
    seq, lane, state, *rest = row[_ARRIVAL:]
    return Entry(seq, arrival, lane, State(state), *rest)


def part(row: tuple[Any, ...]) -> Part:
    """Make a row of `PART` a part."""
    turn, key, digest, kind, text, final, lane, began, number, state, activity = row
    return Part(
        turn, key, digest, Kind(kind), text, bool(final), lane, began, number,
        Outcome(state), activity,
    )  # fmt: skip


def place(row: tuple[Any, ...]) -> Place:
    """Make a row of `PLACE` a place."""
    return Place(*row)


def qualified(columns: str, alias: str) -> str:
    """Name every one of *columns* under the table *alias*."""
    return ", ".join(f"{alias}.{column.strip()}" for column in columns.split(","))


def in_state(state: State | None) -> str:
    """Say "is in *state*" (in any, when None) so that SQLite sees which index holds it."""
    if state is None:
        return "1"
    odd = "state IN ('ambiguous', 'dead') AND "
    return f"{odd if state in {State.AMBIGUOUS, State.DEAD} else ''}state = '{state}'"
