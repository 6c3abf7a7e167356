"""The SQLite store beside a model, through any order of what can happen to it.

`ENTRACLAW_EXAMPLES=2000` looks longer.
"""

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.inbox_model import Model, Row, as_row, as_shown, may_go
from entraclaw.bot.inbox import OBSERVED, Arrival, Opening
from entraclaw.bot.lifecycle import LAST_STATES, MOVES, Move, State
from entraclaw.bot.outbox import Kind, Outcome, Part, compose
from entraclaw.bot.store import Store
from entraclaw.bot.upkeep import DAY_S
from entraclaw.errors import TurnRefused

T = TypeVar("T")
Bound = tuple[str, str]  # turn, key

LANES = st.sampled_from(["a:1", "19:2"])
PEOPLE = st.sampled_from(["ada", "grace"])
SESSIONS = st.sampled_from(["s", "y", "z"])
PICKS = st.integers(0, 63)  # which of those that are there, counted round
TIMES = st.sampled_from([1.0, 50.0, 600.0])
LIMITS = st.integers(1, 3)
KEYS, TEXTS = st.sampled_from(["", "k"]), st.sampled_from(["yes", "no"])
OUTCOMES = st.sampled_from([Outcome.SENT, Outcome.SENT, Outcome.REFUSED, Outcome.UNKNOWN])
ENDS = sorted(move for move, (_, to) in MOVES.items() if to in LAST_STATES)


class InboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model = Model(now=1_000_000_000.0)
        self.turns = 0
        self.before: dict[int, State] = {}
        self.begun: dict[Bound, Part] = {}
        self.was_sent: dict[Bound, str] = {}
        self.open_store()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open_store(self) -> None:
        async def enter() -> Store:
            path = Path(self.folder.name) / "inbox.db"
            return await self.stack.enter_async_context(Store.open(path, lambda: self.model.now))

        self.stack = AsyncExitStack()
        self.store = self.run(enter())
        self.inbox, self.outbox = self.store.inbox, self.store.outbox

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def one(self, pick: int, *states: State) -> Row:
        """Pick an entry, mostly one that is in one of *states*."""
        rows = self.model.find(lambda row: row.state in states)
        rows = self.model.find(lambda _: True) if pick % 4 == 0 or not rows else rows
        return rows[pick % len(rows)]

    def turn(self, pick: int) -> Row:
        """Pick a turn, mostly one that is leased."""
        rows = self.model.turns(State.LEASED)
        turns = self.model.find(lambda row: bool(row.turn and not row.joined))
        rows = turns if pick % 4 == 0 or not rows else rows
        return rows[pick % len(rows)] if rows else Row(0, "a:1", "", "", turn="t1")

    def held(self, pick: int) -> Row:
        """Pick an entry that is leased, after a claim if none is."""
        if not self.model.turns(State.LEASED):
            self.session_claims("s", 600.0, 3)
        return self.one(pick, State.LEASED)

    def bound(self, pick: int, *outcomes: Outcome) -> Bound | None:
        found = [name for name, part in self.model.parts.items() if part.outcome in outcomes]
        return found[pick % len(found)] if found else None

    # What comes in.

    @initialize(said=st.lists(st.tuples(LANES, PEOPLE), min_size=2, max_size=6))
    def starts_with_messages(self, said: list[tuple[str, str]]) -> None:
        for lane, person in said:
            self.somebody_writes(lane, person, 3, may_join=True)
        self.session_claims("s", 600.0, 2)

    @rule(lane=LANES, person=PEOPLE, limit=LIMITS, may_join=st.booleans())
    def somebody_writes(self, lane: str, person: str, limit: int, *, may_join: bool) -> None:
        self.something_new_arrives(lane, person, has_name=True)
        self.gate_lets_the_oldest_in(lane, limit, may_join=may_join)

    @rule(pick=PICKS)
    def requester_goes_on(self, pick: int) -> None:
        row = self.held(pick)
        self.somebody_writes(row.lane, row.sender, 3, may_join=True)

    @rule(pick=PICKS, people=st.lists(PEOPLE, min_size=2, max_size=4))
    def group_talks_on(self, pick: int, people: list[str]) -> None:
        lane = self.held(pick).lane
        for person in people:
            self.somebody_writes(lane, person, 3, may_join=True)

    @rule(lane=LANES, person=PEOPLE, has_name=st.booleans())
    def something_new_arrives(self, lane: str, person: str, *, has_name: bool) -> None:
        self.append(lane, str(self.model.newest + 1) if has_name else "", person)

    @rule(lane=LANES, pick=PICKS)
    def known_name_arrives(self, lane: str, pick: int) -> None:
        """Whether it is a duplicate: in its own lane, and in the other, and long after."""
        self.append(lane, str(1 + pick % self.model.newest), "ada")

    def append(self, lane: str, name: str, person: str) -> None:
        arrival = Arrival("t", lane, name, "message", name, person, b"{}", b"{}", self.model.now)
        receipt = self.run(self.inbox.append(arrival))
        assert (receipt.seq, receipt.is_new) == self.model.append(lane, name, person)

    @rule(lane=LANES, limit=LIMITS, may_join=st.booleans())
    def gate_lets_the_oldest_in(self, lane: str, limit: int, *, may_join: bool) -> None:
        rows = self.model.find(lambda row: row.state is State.ADMITTED and row.lane == lane)
        if rows:
            self.open_turn(rows[0], limit, may_join=may_join)

    @rule(pick=PICKS)
    def gate_lets_something_in_that_it_may_not(self, pick: int) -> None:
        row = self.one(pick, State.WAITING, State.SUPERSEDED)
        if row.state is not State.ADMITTED:
            self.open_turn(row, 3, may_join=True)

    def open_turn(self, row: Row, limit: int, *, may_join: bool) -> None:
        self.turns += 1
        turn = f"t{self.turns}"
        opening = Opening(row.seq, turn, row.lane, b"{}", may_join)
        opened = self.run(self.inbox.open_turn(opening, limit))
        expected = self.model.open(row, turn, limit, may_join=may_join)
        assert (opened.joined, opened.is_full) == expected
        # An amendment is the last thing in its lane.
        assert not (opened.joined and self.model.turns(State.WAITING, row.lane))

    @rule(pick=PICKS, reason=st.sampled_from([OBSERVED, "a notice"]))
    def gate_notes(self, pick: int, reason: str) -> None:
        row = self.one(pick, State.ADMITTED)
        self.run(self.inbox.note(row.seq, row.lane, reason, b"{}"))
        self.model.note(row, reason)

    @rule(pick=PICKS, move=st.sampled_from(ENDS))
    def something_ends(self, pick: int, move: Move) -> None:
        row = self.one(pick, *MOVES[move][0])
        assert self.run(self.inbox.end(row.seq, move, "why")) == self.model.end(row, move, "why")

    @rule(pick=PICKS)
    def desk_replays(self, pick: int) -> None:
        row = self.one(pick, *MOVES[Move.REPLAY][0])
        assert self.run(self.inbox.replay(row.seq)) == self.model.replay(row)

    # What is handed out.

    @rule(session=SESSIONS, seconds=TIMES, limit=LIMITS, given=st.none() | LANES)
    def session_claims(
        self, session: str, seconds: float, limit: int, given: str | None = None
    ) -> None:
        def mine(lane: str, _person: str) -> bool:
            return given in {None, lane}

        until = self.model.now + seconds
        claimed = self.run(self.inbox.claim(session, until, limit, mine))
        expected = self.model.claim(session, until, limit, given)
        assert [(one.turn, one.joined, one.attempt) for one in claimed] == expected
        assert not any(self.is_ambiguous(turn) for turn, _, _ in expected)

    @rule(pick=PICKS, seconds=TIMES)
    def lease_is_renewed(self, pick: int, seconds: float) -> None:
        row = self.turn(pick)
        until = self.model.now + seconds
        self.run(self.inbox.renew(row.turn, until))
        row.until = until if row.state is State.LEASED else row.until

    @rule(session=st.none() | SESSIONS, seconds=TIMES)
    def leases_are_moved(self, session: str | None, seconds: float) -> None:
        until = self.model.now + seconds
        self.run(self.inbox.set_lease_end(session, until))
        for row in self.model.turns(State.LEASED):
            row.until = until if session in {None, row.session} else row.until

    @rule(seconds=st.sampled_from([0.0, 1.0, 50.0, 1000.0]))
    def leases_expire(self, seconds: float) -> None:
        self.model.now += seconds
        expired = self.run(self.inbox.expire(self.model.now))
        waiting, dead = self.model.expire(self.model.now)
        assert (expired.waiting, [one.turn for one in expired.dead]) == (waiting, dead)

    @rule(session=SESSIONS)
    def host_never_answers(self, session: str) -> None:
        for _ in range(3):
            self.leases_expire(1000.0)
            self.session_claims(session, 50.0, 3)

    @rule(pick=PICKS)
    def turn_is_closed(self, pick: int) -> None:
        row = self.one(pick, State.LEASED)
        self.run(self.inbox.close(row.turn, "closed"))
        if row.turn and not row.joined:
            self.model.leave(row, Move.CLOSE, "closed")

    @rule(pick=PICKS, before=PICKS)
    def somebody_says_stop(self, pick: int, before: int) -> None:
        row = self.one(pick, State.WAITING, State.LEASED)
        seq = self.one(before).seq + 1
        stopped = self.run(self.inbox.stop(row.lane, row.sender, seq, "stopped"))
        assert [one.turn for one in stopped] == self.model.stop(row.lane, row.sender, seq)

    # What is sent.

    @rule(pick=PICKS, key=KEYS, text=TEXTS, final=st.booleans())
    def part_is_begun(self, pick: int, key: str, text: str, *, final: bool) -> None:
        row = self.turn(pick)
        turn = row.turn
        part = compose(turn, "", text, self.model.now, kind=Kind.TEXT, final=final, key=key)
        got = None
        with suppress(TurnRefused):
            got = self.run(self.outbox.begin(part))
        expected = self.model.begin(turn, part.key, text, final=final)
        assert (got and (got[0].number, got[1])) == expected
        if got and got[1]:
            self.begun[turn, part.key] = got[0]

    @rule(pick=PICKS, text=TEXTS, outcome=OUTCOMES, final=st.booleans())
    def turn_is_answered(self, pick: int, text: str, outcome: Outcome, *, final: bool) -> None:
        self.part_is_begun(pick, "", text, final=final)
        self.sending_comes_to_an_end(0, outcome)

    @rule(pick=PICKS, outcome=OUTCOMES)
    def sending_comes_to_an_end(self, pick: int, outcome: Outcome) -> None:
        name = self.bound(pick, Outcome.INTENT)
        if name:
            part = self.outcome(name, outcome)
            self.run(self.outbox.finish(part))
            self.model.finish(*name, outcome, part.activity)

    @rule(pick=PICKS, outcome=OUTCOMES, late=st.booleans())
    def part_is_settled(self, pick: int, outcome: Outcome, *, late: bool) -> None:
        name = self.bound(pick, *([Outcome.SENT] if late else [Outcome.UNKNOWN, Outcome.INTENT]))
        if name:
            part = self.outcome(name, outcome)
            self.run(self.outbox.settle(part))
            self.model.settle(*name, outcome, part.activity)

    def outcome(self, name: Bound, outcome: Outcome) -> Part:
        activity = f"sent{self.turns}" if outcome is Outcome.SENT else ""
        return replace(self.begun[name], outcome=outcome, activity=activity)

    # What befalls all of it.

    @rule(forgets=st.booleans())
    def daemon_restarts(self, *, forgets: bool) -> None:
        self.run(self.stack.aclose())
        self.open_store()
        if forgets:
            assert self.run(self.outbox.forget_intents()) == self.model.forget_intents()

    @rule(pick=PICKS, days=st.sampled_from([3.0, 8.0]))
    def it_is_delivered_again_long_after(self, pick: int, days: float) -> None:
        row = self.one(pick, *LAST_STATES)
        self.clock_moves_and_it_is_tidied(91.0)
        self.clock_moves_and_it_is_tidied(days)
        self.append(row.lane, row.name, row.sender)

    @rule(days=st.sampled_from([0.0, 0.01, 3.0, 8.0, 91.0, -1.0]))
    def clock_moves_and_it_is_tidied(self, days: float) -> None:
        self.model.now += days * DAY_S
        self.run(self.store.upkeep.tidy())
        self.model.tidy()

    # What always holds.

    @invariant()
    def store_and_model_hold_the_same(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        rows = self.model.find(lambda _: True)
        entries = (await self.inbox.list_entries(1000))[::-1]
        assert [as_row(one) for one in entries] == [as_shown(row) for row in rows]
        assert [one.arrival.body == b"" for one in entries] == [row.is_erased for row in rows]
        states = [row.state for row in rows]
        assert await self.inbox.count() == {state: states.count(state) for state in State}
        waiting = self.model.turns(State.WAITING)
        assert await self.inbox.waiting() == len(waiting)
        assert await self.inbox.owed() == self.model.owed()
        unknown = [
            (turn, key)
            for (turn, key), part in self.model.parts.items()
            if part.outcome is Outcome.UNKNOWN and self.is_ambiguous(turn)
        ]
        unsettled = await self.outbox.unsettled()
        assert sorted((part.turn, part.key) for part in unsettled) == sorted(unknown)
        await self.what_was_sent_stays_sent()

    async def what_was_sent_stays_sent(self) -> None:
        for (turn, key), part in self.model.parts.items():
            found = await self.outbox.find_sent(self.begun[turn, key])
            assert bool(found) == (part.outcome is Outcome.SENT)
            if found:
                assert self.was_sent.setdefault((turn, key), found.activity) == found.activity

    def is_ambiguous(self, turn: str) -> bool:
        row = self.model.of_turn(turn)
        return row is not None and row.state is State.AMBIGUOUS

    @invariant()
    def states_go_along_the_moves(self) -> None:
        after = {row.seq: row.state for row in self.model.rows.values()}
        for seq, state in after.items():
            was = self.before.get(seq, State.ADMITTED)
            assert was == state or may_go(was, state), (was, state)
        gone = self.before.keys() - after.keys()
        assert all(self.before[seq] in LAST_STATES for seq in gone)
        self.before = after

    @invariant()
    def one_turn_a_lane_is_leased_and_ids_are_unique(self) -> None:
        leased = [row.lane for row in self.model.turns(State.LEASED)]
        turns = [row.turn for row in self.model.find(lambda row: bool(row.turn))]
        assert len(leased) == len(set(leased))
        assert len(turns) == len(set(turns))

    @invariant()
    def first_hand_overs_are_in_order(self) -> None:
        for seqs in self.model.firsts.values():
            assert seqs == sorted(seqs)

    @invariant()
    def nothing_waits_behind_a_turn_that_has_ended(self) -> None:
        for row in self.model.find(lambda row: row.state is State.WAITING and bool(row.joined)):
            turn = self.model.of_turn(row.joined)
            assert turn
            assert turn.state in {State.WAITING, State.LEASED}


TestInboxMachine = InboxMachine.TestCase
TestInboxMachine.settings = settings(
    max_examples=int(os.environ.get("ENTRACLAW_EXAMPLES", "50")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
