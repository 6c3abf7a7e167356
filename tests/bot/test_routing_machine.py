"""Two hosts, five conversations: whatever happens, each message goes to the right one, once.

The real desk over a real file, beside a model that knows only who was told what, in which
order. Conversations move while turns are open, hosts leave and come back, and the daemon
restarts. `ENTRACLAW_EXAMPLES=2000` looks longer.
"""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.stage import unrung
from entraclaw.bot.desk import Desk
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import Arrival, Entry
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.routing import ALL, EVERYTHING
from entraclaw.bot.seats import Seats
from entraclaw.bot.sessions import Connection, Sessions
from entraclaw.bot.store import Store

T = TypeVar("T")
HOSTS = ("left", "right")
LANES = ("a:1", "a:2", "19:3", "19:4", "19:5")
host, lane = st.sampled_from(HOSTS), st.sampled_from(LANES)
person, pick = st.sampled_from(["ada", "grace"]), st.integers(0, 31)


@dataclass
class Model:
    """Who should get what, told in plain words.

    Attributes:
        given: What was given by name, to whom.
        order: The hosts that have a seat, in the order in which they came.
        here: Those of them that are connected.
        holds: The open turns: who holds each, by its id.
        lanes: In which conversation each message was said, and where a turn is open.
        handed: The messages that were handed over, oldest first, by conversation.
        closed: How often each message was answered.
    """

    given: dict[str, str] = field(default_factory=dict[str, str])
    order: list[str] = field(default_factory=list[str])
    here: dict[str, Connection] = field(default_factory=dict[str, Connection])
    holds: dict[str, tuple[str, list[int]]] = field(
        default_factory=dict[str, tuple[str, list[int]]]
    )
    lanes: dict[int, str] = field(default_factory=dict[int, str])
    handed: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    closed: Counter[int] = field(default_factory=Counter[int])

    def owner(self, where: str) -> str:
        for name in (where, ALL):
            if self.given.get(name) in self.order:
                return self.given[name]
        return self.order[0] if self.order else ""


async def _told(_: Entry) -> None:
    """Be told that a message is dead: with six attempts each, none is."""


class RoutingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model, self.now, self.said = Model(), 1_000_000.0, 0
        self.stack = AsyncExitStack()
        self.run(self.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def start(self) -> None:
        home = Path(self.folder.name)
        opened = Store.open(home / "inbox.db", lambda: self.now)
        store = await self.stack.enter_async_context(opened)
        self.inbox = store.inbox
        self.desk = Desk(
            store.inbox,
            store.places,
            Sessions(),
            Seats(store.seats, lambda: self.now, EVERYTHING),
            now=lambda: self.now,
            died=_told,
            lock=ProfileLock(home),
        )
        self.stack.callback(self.desk.close)
        await self.desk.resume()

    def teardown(self) -> None:
        try:
            self.run(self.settle())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()
            self.folder.cleanup()

    # What can happen.

    @rule(where=lane, who=person)
    def somebody_writes(self, where: str, who: str) -> None:
        self.said += 1
        self.run(self.write(where, who))

    @rule(name=host)
    def host_comes_or_leaves(self, name: str) -> None:
        self.run(self.leave(name) if name in self.model.here else self.come(name))

    @rule(name=host)
    def host_reads(self, name: str) -> None:
        if name in self.model.here:
            self.run(self.read(name))

    @rule(number=pick)
    def host_answers(self, number: int) -> None:
        open_turns = [(t, h) for t, (h, _) in self.model.holds.items() if h in self.model.here]
        if open_turns:
            self.run(self.answer(*open_turns[number % len(open_turns)]))

    @rule(name=host, where=lane | st.just(ALL))
    def host_is_attached(self, name: str, where: str) -> None:
        if name in self.model.here:
            self.run(self.desk.seats.give(where, name))
            self.model.given[where] = name

    @rule()
    def daemon_restarts(self) -> None:
        async def restart() -> None:
            await self.stack.aclose()
            await self.start()
            for name in list(self.model.here):
                await self.come(name)

        self.run(restart())

    # How it is done.

    async def write(self, where: str, who: str) -> None:
        arrival = Arrival(
            tenant="t",
            conversation=where,
            activity=str(self.said),
            kind="message",
            name=str(self.said),
            sender=who,
            body=b"{}",
            claims=b"{}",
            received=self.now,
        )
        seq = (await self.inbox.append(arrival)).seq
        self.model.lanes[seq] = where
        await self.desk.open(Entry(seq, arrival, where), where, {"text": str(seq)}, may_join=True)

    async def come(self, name: str) -> None:
        connection = Connection(name, 0, unrung)
        await self.desk.expect(name)
        await self.desk.arrive(connection)
        self.model.here[name] = connection
        if name not in self.model.order:
            self.model.order.append(name)

    async def leave(self, name: str) -> None:
        await self.desk.depart(self.model.here.pop(name))
        self.model.order.remove(name)
        self.now += 5.0
        await self.inbox.expire(self.now)  # the lease of who is gone is over after a moment
        self.model.holds = {t: held for t, held in self.model.holds.items() if held[0] != name}

    async def read(self, name: str) -> None:
        for one in (await self.desk.read(name, 0)).messages:
            self.check(name, one)
            holder, words = self.model.holds.setdefault(one.turn, (name, []))
            assert holder == name
            words.append(one.entry.seq)

    def check(self, name: str, one: Handed) -> None:
        """Hold a hand-over against the model."""
        where, seq = one.conversation, one.entry.seq
        assert orjson.loads(one.entry.view) == {"text": str(seq)}
        assert self.model.lanes[seq] == where
        assert not self.model.closed[seq]
        if one.turn in self.model.holds:
            assert self.model.holds[one.turn][0] == name
            return
        assert self.model.owner(where) == name
        held = [h for h, words in self.model.holds.values() if self.model.lanes[words[0]] == where]
        assert held == []
        if one.attempt == 1:
            before = self.model.handed.setdefault(where, [])
            assert not before or before[-1] < seq
            before.append(seq)

    async def answer(self, turn: str, name: str) -> None:
        await self.desk.use(name, turn)
        await self.inbox.close(turn)
        _, words = self.model.holds.pop(turn)
        self.model.closed.update(set(words))

    async def settle(self) -> None:
        """Have everything read and answered, by whoever it belongs to."""
        for name in HOSTS:
            if name not in self.model.here:
                await self.come(name)
        for _ in range(len(self.model.lanes) * 2 + 2):
            for name in HOSTS:
                await self.read(name)
            for turn, (name, _) in list(self.model.holds.items()):
                await self.answer(turn, name)
        assert self.model.closed == Counter(dict.fromkeys(self.model.lanes, 1))

    @invariant()
    def nothing_is_counted_that_is_not_there(self) -> None:
        open_now = len(self.model.lanes) - sum(map(bool, self.model.closed.values()))
        assert self.run(self.inbox.waiting()) <= open_now


TestRoutingMachine = RoutingMachine.TestCase
TestRoutingMachine.settings = settings(
    max_examples=int(os.environ.get("ENTRACLAW_EXAMPLES", "25")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
