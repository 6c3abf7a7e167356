"""Hosts that the harness plays: they read, answer, stay silent, or die at a chosen moment."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from random import Random
from typing import Any

from faults.ledger import Ledger, answer_text
from faults.wire import Document, HostGone, Refusal, Wire

_LONG_POLL_S = 20.0
_TRIES = 4
_PAUSE_S = 0.05
_SECOND_PART = 0.2
_SILENT_END = 0.1  # of the turns that a host may close without words
# What a model takes from a refusal: the turn is not its own any more, or takes no words.
_NOT_OURS = ("unknown", "closed", "another session", "no longer yours", "nobody knows")
_NO_WORDS = "within an hour"


Act = Callable[[], Awaitable[Document]]


class Manner(Enum):
    """How a host comes to its messages."""

    PUSH = auto()  # rung, then reads until there is nothing
    POLL = auto()  # deaf to rings: asks again and again, and waits
    MUTE = auto()  # reads when rung, and never says a word


class Moment(Enum):
    """Where in a turn a host can be ended."""

    READING = auto()  # it has asked for messages
    HAS_READ = auto()
    REPLYING = auto()  # its answer is on the wire
    REPLIED = auto()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the daemon's tools take, as they say themselves."""

    has_key: bool
    has_final: bool
    has_done: bool

    @classmethod
    def read(cls, tools: list[Document]) -> "Abilities":
        """Read them from `tools/list`."""
        takes: dict[str, Any] = {
            tool["name"]: tool["inputSchema"].get("properties", {}) for tool in tools
        }
        reply = takes["reply"]
        return cls("key" in reply, "final" in reply, "done" in takes)


@dataclass(slots=True)
class Doom:
    """When a host ends, and how: *end* does it."""

    moment: Moment
    end: Callable[["Host"], None]


class Host:
    """One host session at work."""

    def __init__(
        self, name: str, session: str, manner: Manner, ledger: Ledger, chance: Random
    ) -> None:
        """Be the process *name* of *session*; a session may outlive several."""
        self.name, self.session, self.manner = name, session, manner
        self._ledger, self._chance = ledger, chance
        self._rung = asyncio.Event()
        self._turns: dict[str, list[str]] = {}
        self._wire: Wire | None = None
        self._work: asyncio.Task[None] | None = None
        self.abilities = Abilities(has_key=False, has_final=False, has_done=False)
        self.doom: Doom | None = None
        self.is_ready = asyncio.Event()
        self._is_ending = False

    async def start(self, environ: Mapping[str, str]) -> None:
        """Start its shim and let it work."""
        self._wire = await Wire.spawn(environ, self.session, self._rung.set)
        self._work = asyncio.create_task(self._live(self._wire), name=self.name)

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        if self._is_ending or self._wire is None or self._work is None:
            return False
        return self._wire.is_alive and not self._work.done()

    async def take_over(self) -> None:
        """Have every conversation come to its session from now on."""
        if self._wire is not None:
            with suppress(HostGone, Refusal):
                await self._wire.tool("attach", {})

    def kill_shim(self) -> None:
        """Kill its shim."""
        self._end(Wire.kill)

    def leave(self) -> None:
        """End the host; its shim sees its standard input end."""
        self._end(Wire.hang_up)

    async def gone(self) -> None:
        """Wait until its shim has ended."""
        if self._wire is not None:
            await self._wire.end()
        if self._work is not None:
            await asyncio.wait([self._work])

    def _end(self, how: Callable[[Wire], None]) -> None:
        self._is_ending = True
        if self._wire is not None:
            how(self._wire)
        if self._work is not None:
            self._work.cancel()

    async def _live(self, wire: Wire) -> None:
        with suppress(HostGone):
            self.abilities = Abilities.read(await wire.shake_hands())
            self.is_ready.set()
            while True:
                if self.manner is Manner.POLL:
                    await self._take(wire, _LONG_POLL_S)
                    continue
                await self._rung.wait()
                self._rung.clear()
                while await self._take(wire, 0):
                    pass

    async def _take(self, wire: Wire, wait_s: float) -> bool:
        """Read what waits and deal with it; False if nothing did, or it cannot be read now."""
        reading = asyncio.ensure_future(wire.tool("read_messages", {"wait_s": wait_s}))
        try:
            await asyncio.sleep(0)  # lets it be written
            self._pass(Moment.READING)
            read = await reading
        except Refusal:
            await asyncio.sleep(_PAUSE_S)  # the inbox cannot be used: a host tries again later
            self._rung.set()
            return False
        finally:
            reading.cancel()
        turns = [self._note(message) for message in read["messages"]]
        self._pass(Moment.HAS_READ)
        if self.manner is not Manner.MUTE:
            await self._each(dict.fromkeys(turns), wire)
        return bool(turns)

    async def _each(self, turns: Mapping[str, None], wire: Wire) -> None:
        """Answer *turns*, one after the other or all at once, as hosts with helpers do."""
        if self._chance.random() < 0.5:
            for turn in turns:
                await self._answer(turn, wire)
        else:
            await asyncio.gather(*(self._answer(turn, wire) for turn in turns))

    def _note(self, message: Document) -> str:
        turn: str = message["turn"]
        words = [word for word in message["text"].split() if word[:1] == "m"]
        for word in words:
            self._ledger.handed(word, message["attempt"])
        known = self._turns.setdefault(turn, [])
        known += [word for word in words if word not in known]
        return turn

    async def _answer(self, turn: str, wire: Wire) -> None:
        if self.abilities.has_done and self._chance.random() < _SILENT_END:
            await self._persist(turn, partial(wire.tool, "done", {"turn": turn}), wire)
            return
        if self.abilities.has_final and self._chance.random() < _SECOND_PART:
            await self._persist(turn, self._reply(turn, wire, "1", is_final=False), wire)
        await self._persist(turn, self._reply(turn, wire, "final", is_final=True), wire)

    async def _persist(self, turn: str, act: Act, wire: Wire) -> None:
        """Do *act* again while it is refused, as a model does that is told it failed."""
        pause = _PAUSE_S
        for _ in range(_TRIES):
            if turn not in self._turns:
                return
            try:
                self._close(turn, await act())
            except Refusal as refusal:
                if any(word in str(refusal) for word in _NOT_OURS):
                    break
                if _NO_WORDS in str(refusal) and self.abilities.has_done:
                    act = partial(wire.tool, "done", {"turn": turn})
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return
        self._turns.pop(turn, None)

    def _reply(self, turn: str, wire: Wire, part: str, *, is_final: bool) -> Act:
        """Make the call of one answer, the same however often it is made."""
        text = answer_text(self._turns.get(turn, ()), turn, part, self.name)
        arguments: Document = {"turn": turn, "text": text}
        if self.abilities.has_final:
            arguments["final"] = is_final
        if self.abilities.has_key:
            arguments["key"] = f"{self.name}-{part}"

        async def send() -> Document:
            replying = asyncio.ensure_future(wire.tool("reply", arguments))
            try:
                await asyncio.sleep(0)
                self._pass(Moment.REPLYING)
                done = await replying
            finally:
                replying.cancel()
            if "sent" in done:
                self._ledger.confirmed(done["sent"])
            return done

        return send

    def _close(self, turn: str, done: Document) -> None:
        if done.get("turn", "closed") == "closed":
            self._ledger.closed(self._turns.pop(turn, []))
            self._pass(Moment.REPLIED)

    def _pass(self, moment: Moment) -> None:
        if self.doom is not None and self.doom.moment is moment:
            self.doom.end(self)
