"""Tell what becomes of entries and answers, while somebody watches.

SQLite itself notices. Two triggers of the writing connection name every entry and every
part whose state a transaction moves, whoever moves it; they are there only while somebody
watches, and an append touches neither. What is told was committed. docs/inbox.md#tail
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entraclaw.bot.lifecycle import State

_NOTICE = "notice "  # begins the turn of what was said for no turn

_TRIGGERS = {
    "watched_entry": (
        "AFTER UPDATE OF state ON main.entry WHEN OLD.state <> NEW.state"
        " BEGIN SELECT entry_moved(NEW.seq, OLD.state); END"
    ),
    "watched_part": (
        "AFTER UPDATE OF state ON main.part WHEN OLD.state <> NEW.state"
        " BEGIN SELECT part_moved(NEW.turn, NEW.number, OLD.state); END"
    ),
    "watched_notice": (
        "AFTER INSERT ON main.part WHEN NEW.state = 'sent'"
        " BEGIN SELECT part_moved(NEW.turn, NEW.number, ''); END"
    ),
}


_NAMES: Mapping[tuple[State, State], str] = {
    (State.ADMITTED, State.WAITING): "opened",
    (State.LEASED, State.WAITING): "lease ended",
    (State.ADMITTED, State.DONE): "noted",
    (State.AMBIGUOUS, State.DONE): "settled",
}
# Wherever it came from; ambiguous, dead, dropped and superseded are called by their state.
_ENDS: Mapping[State, str] = {
    State.LEASED: "handed out",
    State.DONE: "closed",
    State.ADMITTED: "replayed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was committed.

    Attributes:
        what: Its name: docs/inbox.md#tail lists them.
        facts: Ids and outcomes.
    """

    what: str
    facts: dict[str, object]


Tell = Callable[[Sequence[Change]], None]


class Changes:
    """Notices what a transaction of one connection changes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Watch nothing yet."""
        self._connection = connection
        self._told: tuple[asyncio.AbstractEventLoop, Tell] | None = None
        self._is_on = False
        self._entries: dict[int, State] = {}  # and where each stood before
        self._parts: dict[tuple[str, int], str] = {}
        connection.create_function("entry_moved", 2, self._note_entry)
        connection.create_function("part_moved", 3, self._note_part)

    def watch(self, tell: Tell | None) -> None:
        """Have *tell* called in this loop with what each commit changes; None ends that."""
        self._told = None if tell is None else (asyncio.get_running_loop(), tell)

    def begin(self) -> None:
        """Forget what an earlier transaction changed. Before each one, in its thread."""
        self._entries.clear()
        self._parts.clear()
        watched = self._told is not None
        if watched is self._is_on:
            return
        for name, body in _TRIGGERS.items():
            self._connection.execute(
                f"CREATE TEMP TRIGGER {name} {body}" if watched else f"DROP TRIGGER temp.{name}"
            )
        self._is_on = watched

    def collect(self) -> list[Change]:
        """Say what the transaction under way has changed: answers first, then entries.

        What a savepoint undid is as it was before, and is not told.
        """
        parts = [_part(self._connection, *key, was) for key, was in self._parts.items()]
        entries = [_entry(self._connection, seq, was) for seq, was in self._entries.items()]
        return [change for change in (*parts, *entries) if change is not None]

    def tell(self, changes: Sequence[Change]) -> None:
        """Tell what was committed."""
        told = self._told
        if changes and told is not None:
            loop, tell = told
            loop.call_soon_threadsafe(tell, changes)

    def _note_entry(self, seq: int, was: str) -> None:
        self._entries.setdefault(seq, State(was))

    def _note_part(self, turn: str, number: int, was: str) -> None:
        self._parts.setdefault((turn, number), was)


def name_move(before: State, after: State, *, joins: bool) -> str:
    """Name what happened to an entry, in one or two words."""
    if joins and (before, after) == (State.ADMITTED, State.WAITING):
        return "joined"
    return _NAMES.get((before, after)) or _ENDS.get(after, after.value)


def name_part(turn: str, kind: str, state: str) -> str:
    """Name what is known of an answer now; empty while it is only about to be sent."""
    match state:
        case "sent" if turn.startswith(_NOTICE):
            return "notice"
        case "sent":
            return "reacted" if kind == "reaction" else "answered"
        case "refused":
            return "not sent"
        case "unknown":
            return "answer unknown"
        case _:
            return ""


def _entry(connection: sqlite3.Connection, seq: int, before: State) -> Change | None:
    row = connection.execute(
        "SELECT state, turn, joined, lane, session, attempt, reason FROM entry WHERE seq = ?",
        (seq,),
    ).fetchone()
    if row is None or row[0] == before:
        return None  # it went, or came back to where it was
    state, turn, joined, lane, session, attempt, reason = row
    what = name_move(before, State(state), joins=bool(joined))
    facts: dict[str, object] = {"seq": seq, "conversation": lane}
    more = {"turn": joined or turn, "session": session, "attempt": attempt, "reason": reason}
    return Change(what, facts | _filled(more))


def _part(connection: sqlite3.Connection, turn: str, number: int, before: str) -> Change | None:
    row = connection.execute(
        "SELECT p.kind, p.state, p.activity, p.lane, e.seq FROM part p"
        " LEFT JOIN entry e ON e.turn = p.turn AND e.turn <> ''"
        " WHERE p.turn = ? AND p.number = ?",
        (turn, number),
    ).fetchone()
    kind, state, activity, lane, seq = row or ("", "", "", "", None)
    what = name_part(turn, kind, state)
    if not what or state == before:
        return None
    of_turn = {} if what == "notice" else {"turn": turn, "part": number}
    return Change(what, _filled({"seq": seq, "conversation": lane, **of_turn, "sent": activity}))


def _filled(facts: dict[str, Any]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value}
