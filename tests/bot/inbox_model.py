"""The inbox as its documents tell it: a list in memory, and rules in plain loops.

Written from `entraclaw.bot.lifecycle` and the docstrings of `inbox`, `outbox` and `upkeep`
alone. The store must do the same; tests/bot/test_inbox_machine.py compares them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from entraclaw.bot.inbox import OBSERVED, Entry, Owed, Queue
from entraclaw.bot.lifecycle import ANSWERING_S, LAST_STATES, MOVES, Move, State, after_lease
from entraclaw.bot.outbox import Outcome
from entraclaw.bot.upkeep import ROW_S, TEXT_S, TOMBSTONE_S

Name = tuple[str, str]  # conversation, name


@dataclass
class Row:
    """An entry."""

    seq: int
    lane: str
    name: str
    sender: str
    state: State = State.ADMITTED
    turn: str = ""
    joined: str = ""
    session: str = ""
    until: float = 0.0
    attempt: int = 0
    reason: str = ""
    ended: float = 0.0
    is_erased: bool = False
    was_replayed: bool = False


@dataclass
class Sent:
    """A part."""

    number: int
    text: str
    final: bool
    began: float
    outcome: Outcome = Outcome.INTENT
    activity: str = ""


@dataclass
class Model:
    """What the store should hold."""

    now: float
    rows: dict[int, Row] = field(default_factory=dict[int, Row])
    parts: dict[tuple[str, str], Sent] = field(default_factory=dict[tuple[str, str], Sent])
    graves: dict[Name, tuple[int, float]] = field(default_factory=dict[Name, tuple[int, float]])
    firsts: dict[str, list[int]] = field(
        default_factory=dict[str, list[int]]
    )  # first hand-overs, by lane
    newest: int = 0

    def find(self, wanted: Callable[[Row], bool]) -> list[Row]:
        return [row for _, row in sorted(self.rows.items()) if wanted(row)]

    def turns(self, state: State, lane: str | None = None) -> list[Row]:
        return self.find(
            lambda row: row.state is state and not row.joined and lane in {None, row.lane}
        )

    def of_turn(self, turn: str) -> Row | None:
        return next(iter(self.find(lambda row: bool(turn) and row.turn == turn)), None)

    def joined(self, turn: str, *states: State) -> list[Row]:
        return self.find(lambda row: bool(turn) and row.joined == turn and row.state in states)

    def known(self, lane: str, name: str) -> int | None:
        """Tell under which number an arrival of that name is known."""
        found = self.find(lambda row: (row.lane, row.name) == (lane, name)) if name else []
        return found[0].seq if found else self.graves.get((lane, name), (None,))[0]

    def append(self, lane: str, name: str, sender: str) -> tuple[int, bool]:
        known = self.known(lane, name)
        if known is not None:
            return known, False
        self.newest += 1
        self.rows[self.newest] = Row(self.newest, lane, name, sender)
        return self.newest, True

    def go(self, row: Row, move: Move) -> bool:
        froms, to = MOVES[move]
        if row.state not in froms:
            return False
        row.state, row.session, row.until = to, "", 0.0
        row.ended = self.now if to in LAST_STATES else 0.0
        return True

    def open(self, row: Row, turn: str, limit: int, *, may_join: bool) -> tuple[str, bool]:
        """Give the turn it joined and whether the lane was full."""
        if row.state is not State.ADMITTED:
            return "", False
        queue = self.turns(State.WAITING, row.lane)
        held = [one for one in self.turns(State.LEASED, row.lane) if one.sender == row.sender]
        joined = held[0].turn if may_join and row.sender and held and not queue else ""
        amending = self.joined(joined, State.WAITING, State.LEASED, State.AMBIGUOUS)
        if len(queue) >= limit or len(amending) >= limit:
            return "", True
        self.go(row, Move.OPEN)
        row.turn, row.joined = turn, joined
        for one in self.find(lambda one: is_loose(one, row)):
            one.joined = "" if joined else turn
        return joined, False

    def note(self, row: Row, reason: str) -> None:
        if self.go(row, Move.NOTE):
            row.reason = reason

    def end(self, row: Row, move: Move, reason: str) -> bool:
        if row.turn and not row.joined:
            return self.leave(row, move, reason)
        moved = self.go(row, move)
        row.reason = reason if moved else row.reason
        return moved

    def leave(self, row: Row, move: Move, reason: str | None) -> bool:
        if not self.go(row, move):
            return False
        row.reason = row.reason if reason is None else reason
        for one in self.joined(row.turn, State.LEASED, State.AMBIGUOUS):
            self.go(one, Move.RELEASE if move is Move.EXHAUST else move)
        if move is not Move.RELEASE:
            for one in self.joined(row.turn, State.WAITING):
                one.joined = ""
            for one in self.joined(row.turn, State.DONE):
                if one.reason == OBSERVED and not row.attempt:
                    one.joined = ""
        return True

    def owed(self) -> Owed:
        lanes = sorted({row.lane for row in self.turns(State.WAITING)})
        queues = [(lane, self.turns(State.WAITING, lane)) for lane in lanes]
        held = [
            (row.session, self.joined(row.turn, State.WAITING)) for row in self.turns(State.LEASED)
        ]
        amending = Counter({session: 0 for session, _ in held})
        for session, joined in held:
            amending[session] += len(joined)
        return Owed(
            [
                Queue(lane, "", len(rows), rows[0].attempt, bool(self.turns(State.LEASED, lane)))
                for lane, rows in queues
            ],
            dict(+amending),
        )

    def claim(
        self, session: str, until: float, limit: int, given: str | None
    ) -> list[tuple[str, str, int]]:
        """Give (turn, joined, attempt) of each, out of the conversation *given* or of all."""
        held = [row for row in self.turns(State.LEASED) if row.session == session]
        mine = [one for row in held for one in self.joined(row.turn, State.WAITING)]
        heads: dict[str, Row] = {}
        for row in self.turns(State.WAITING):
            if given in {None, row.lane} and not self.turns(State.LEASED, row.lane):
                heads.setdefault(row.lane, row)
        for head in list(heads.values())[:limit]:
            mine += [head, *self.joined(head.turn, State.WAITING)]
        for row in mine:
            self.go(row, Move.CLAIM)
            row.session, row.until, row.attempt = session, until, row.attempt + 1
            if row.attempt == 1 and not row.joined and not row.was_replayed:
                self.firsts.setdefault(row.lane, []).append(row.seq)
        return [(row.turn, row.joined, row.attempt) for row in mine]

    def expire(self, now: float) -> tuple[int, list[str]]:
        """Give how many wait again, and the turns that are dead."""
        waiting, dead = 0, list[str]()
        for row in self.turns(State.LEASED):
            if row.until > now:
                continue
            if any(part.outcome is Outcome.INTENT for part in self.parts_of(row.turn)):
                row.until = now + ANSWERING_S
            elif after_lease(row.attempt) is Move.EXHAUST:
                self.leave(row, Move.EXHAUST, f"no answer in {row.attempt} attempts")
                dead.append(row.turn)
            else:
                self.leave(row, Move.RELEASE, None)
                waiting += 1
        return waiting, dead

    def stop(self, lane: str, sender: str, before: int) -> list[str]:
        """Give the leased turns that were stopped."""
        leased = self._older(State.LEASED, lane, sender, before)
        for row in leased:
            self.leave(row, Move.STOP, "stopped")
        while waiting := self._older(State.WAITING, lane, sender, before):
            for row in waiting:
                self.leave(row, Move.SUPERSEDE, "stopped")
        return [row.turn for row in leased]

    def _older(self, state: State, lane: str, sender: str, before: int) -> list[Row]:
        return [row for row in self.turns(state, lane) if row.sender == sender and row.seq < before]

    def replay(self, row: Row) -> bool:
        if row.is_erased or not self.go(row, Move.REPLAY):
            return False
        row.turn = row.joined = row.reason = ""
        row.attempt, row.was_replayed = 0, True
        return True

    def parts_of(self, turn: str) -> Iterable[Sent]:
        return [part for (of, _), part in self.parts.items() if of == turn]

    def begin(self, turn: str, key: str, text: str, *, final: bool) -> tuple[int, bool] | None:
        """Give the part's number and whether it is to be sent; None for a refusal."""
        known, row = self.parts.get((turn, key)), self.of_turn(turn)
        if known is not None and known.text != text:
            return None
        if known is not None and known.outcome is Outcome.SENT:
            return known.number, False
        if known is not None and known.outcome is not Outcome.REFUSED:
            return None
        if row is not None and row.state not in {State.LEASED, State.AMBIGUOUS}:
            return None
        after = max((part.number for part in self.parts_of(turn)), default=0) + 1
        number = known.number if known else after
        self.parts[turn, key] = Sent(number, text, final, self.now)
        return number, True

    def finish(self, turn: str, key: str, outcome: Outcome, activity: str) -> None:
        part, row = self.parts[turn, key], self.of_turn(turn)
        if part.outcome is Outcome.SENT:
            return
        part.outcome, part.activity = outcome, activity
        if row is not None and outcome is Outcome.SENT and part.final:
            self.leave(row, Move.CLOSE, None)
        if row is not None and outcome is Outcome.UNKNOWN:
            self.leave(row, Move.DOUBT, "answer unknown")

    def settle(self, turn: str, key: str, outcome: Outcome, activity: str) -> None:
        part, row = self.parts[turn, key], self.of_turn(turn)
        if part.outcome is Outcome.SENT:
            return
        part.outcome, part.activity = outcome, activity
        if row is None or outcome is not Outcome.SENT or row.state is not State.AMBIGUOUS:
            return
        if part.final:
            self.leave(row, Move.SETTLE, "")
        else:
            row.reason = "answered in part, then cut off"

    def forget_intents(self) -> int:
        intents = [name for name, part in self.parts.items() if part.outcome is Outcome.INTENT]
        for turn, key in intents:
            self.finish(turn, key, Outcome.UNKNOWN, "")
        return len(intents)

    def tidy(self) -> None:
        for row in list(self.rows.values()):
            row.is_erased = row.is_erased or 0 < row.ended < self.now - TEXT_S
            if not (0 < row.ended < self.now - ROW_S) or row.seq == self.newest:
                continue
            del self.rows[row.seq]
            self.parts = {name: part for name, part in self.parts.items() if name[0] != row.turn}
            if row.name:
                self.graves[row.lane, row.name] = (row.seq, self.now)
        for (turn, key), part in list(self.parts.items()):
            if part.began < self.now - ROW_S and self.of_turn(turn) is None:
                del self.parts[turn, key]
        old = self.now - TOMBSTONE_S
        self.graves = {name: grave for name, grave in self.graves.items() if grave[1] >= old}


def is_loose(one: Row, before: Row) -> bool:
    """Tell whether *one* was observed in the lane of *before*, and no turn has shown it."""
    return (
        one.state is State.DONE
        and one.reason == OBSERVED
        and not one.joined
        and one.lane == before.lane
        and one.seq < before.seq
    )


def may_go(before: State, after: State) -> bool:
    """Tell whether one call may take an entry from *before* to *after*: some make two moves."""
    steps = {(a, b) for froms, b in MOVES.values() for a in froms}
    return (before, after) in steps | {(a, c) for a, b in steps for d, c in steps if b == d}


def as_row(one: Entry) -> Row:
    arrival = one.arrival
    return as_shown(
        Row(
            one.seq, one.lane, arrival.name, arrival.sender, one.state, one.turn, one.joined,
            one.session, one.until, one.attempt, one.reason, one.ended,
        )
    )  # fmt: skip


def as_shown(row: Row) -> Row:
    """Leave out what the store does not say; the lease of an amendment is its turn's."""
    until = 0.0 if row.joined else row.until
    return replace(row, until=until, is_erased=False, was_replayed=False)
