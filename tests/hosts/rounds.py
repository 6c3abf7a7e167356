"""One host and one waker: messages there and back, one after the other."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bot.stage import Sandbox, Stage, staged, until
from entraclaw.bot.children import count_left, descendants
from hosts import claude
from hosts.claude import IDLE, Home
from hosts.model import Manner, Model
from hosts.spans import Noted, Trip, summary
from hosts.terminal import Ended, Terminal
from hosts.wakers import Waker
from scenarios.processes import daemon

_START_S = 60.0
_TRIP_S = 30.0
_GONE_S = 10.0
_LOG_TAIL = 40  # lines
_PASSED_ON = ("PYTHONPATH",)  # of our environment: where the code under test may be
_NO_CHANNEL = re.compile(r"Channel notifications skipped: (.+)")


class Unanswered(Exception):
    """A message had no answer in time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round does.

    Attributes:
        waker: How the host is woken.
        messages: How many are sent.
        think_s: How long the model takes for an answer.
    """

    waker: Waker
    messages: int
    think_s: float


@dataclass(slots=True)
class Round:
    """Everything that is up while messages go there and back."""

    plan: Plan
    stage: Stage
    home: Home
    model: Model
    terminal: Terminal
    trips: list[Trip] = field(default_factory=list[Trip])
    _seen: int = 0

    async def begin(self) -> None:
        """Wait for the host's session to be attached, and say the opening."""
        # What other rounds said stands there, too.
        self._seen = (await self.stage.control("GET", "transcript?after=0&wait_s=0"))["total"]
        async with asyncio.timeout(_START_S):
            await self.terminal.shows(IDLE)
        await until(self._is_attached)
        if self.plan.waker.opening:
            self.terminal.type(self.plan.waker.opening)
            self.terminal.type("\r")
        await self._rest(0)

    async def travel(self, number: int) -> None:
        """Send one message; wait for its answer, and for the session to be idle again.

        Raises:
            Unanswered: It had no answer in time.
        """
        word = f"word-{number}"
        ended = self.model.count(is_rest=True)
        delivery = await self.stage.tenant.say(self.stage.agent.user, f"What of {word}?")
        answer = await self.stage.tenant.next_answer(self._seen, _TRIP_S)
        if answer is None:
            raise Unanswered(f"{word} was accepted with {delivery.status} and never answered")
        self._seen = answer.n
        self.trips.append(Trip(word, delivery.posted_at, answer.at))
        await self._rest(ended + 1)

    async def _rest(self, ends: int) -> None:
        """Wait until nothing goes on in the session: the model has ended *ends* turns."""
        async with asyncio.timeout(_TRIP_S):
            if self.plan.waker.manner is Manner.WAITS:
                await until(self._is_reading)
                return
            await self.model.answered(ends, is_rest=True)
            await self.terminal.shows(IDLE)

    async def _is_attached(self) -> bool:
        return bool((await self.stage.status())["sessions"])

    async def _is_reading(self) -> bool:
        """Whether the host's call of `read_messages` waits for its result."""
        notes = self.home.read_notes()
        asked = {note["id"] for note in notes if note.get("tool") == "read_messages"}
        return bool(asked - {note["id"] for note in notes if note["what"] == "out"})

    def complain(self, error: Exception) -> None:
        """Say what went wrong, what the screen showed last, and the end of the host's log."""
        log = claude.read_log(self.home.folder).splitlines()
        asked = [f"{asked.cause} calls={asked.calls}" for asked in self.model.asked]
        lines = [
            f"hosts: {self.plan.waker.name}: {type(error).__name__} {error}",
            *self.terminal.screen.splitlines()[-_LOG_TAIL:],
            *log[-_LOG_TAIL:],
            *asked,
            *self.model.strange,
        ]
        sys.stderr.write("\n".join(lines) + "\n")


async def run(emulation: Sandbox, folder: Path, plan: Plan) -> dict[str, Any]:
    """Send the messages of *plan* to a fresh host in *folder*; gives what came of it."""
    before = set(descendants())
    async with _stage(emulation, folder) as stage:
        async with _opened(stage, folder, plan) as round_:
            try:
                await round_.begin()
                for number in range(plan.messages):
                    await round_.travel(number)
            except (Unanswered, Ended, TimeoutError) as error:
                round_.complain(error)
            if plan.waker.is_killed:
                round_.terminal.kill()
        said = [str(answer["text"]) for answer in await stage.answers()]
    started = [process for process in descendants() if process not in before]
    left = await count_left(started, _GONE_S)
    for process in descendants():
        if process not in before:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    return _outcome(round_, said, left)


def channel(folder: Path) -> dict[str, Any]:
    """Tell what the host's own log in *folder* says about its channel for pushed messages."""
    said = _NO_CHANNEL.search(claude.read_log(folder / "home"))
    why = said[1] if said else "the host says nothing of it"
    return {**_about("channel"), "available": False, "why": why}


def _about(waker: str) -> dict[str, Any]:
    return {"host": "claude-code", "version": claude.version(), "real": True, "waker": waker}


def _outcome(round_: Round, said: list[str], left: int) -> dict[str, Any]:
    plan, noted = round_.plan, Noted.read(round_.home.read_notes())
    once = [sum(f"heard {trip.word}." in text for text in said) == 1 for trip in round_.trips]
    return {
        **_about(plan.waker.name),
        "sent": plan.messages,
        "answered_once": sum(once),
        "answers": len(said),
        "rung_by": noted.rung_by,
        "left_running": left,
        "model_ms": round(plan.think_s * 1000),
        **summary(round_.trips, noted),
    }


@asynccontextmanager
async def _stage(emulation: Sandbox, folder: Path) -> AsyncGenerator[Stage]:
    folder.mkdir()
    async with staged(emulation, folder / "profiles") as stage, daemon(stage):
        yield stage


@asynccontextmanager
async def _opened(stage: Stage, folder: Path, plan: Plan) -> AsyncGenerator[Round]:
    """Start a model and a host."""
    async with AsyncExitStack() as stack:
        model, api = await stack.enter_async_context(Model.serving(plan.waker.manner, plan.think_s))
        (folder / "home").mkdir()
        ours = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home = claude.furnish(folder / "home", api, {"ENTRACLAW_HOME": str(stage.home), **ours})
        plan.waker.set_up(stage, home)
        terminal = await stack.enter_async_context(claude.running(home))
        yield Round(plan, stage, home, model, terminal)
