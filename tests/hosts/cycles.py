"""Hosts that come and go, and mostly badly: `python -m hosts.cycles`, CYCLES=1000 SEED=.

One daemon and one sandbox, all processes of their own. In every cycle people write, a host
session comes up over a real shim, reads and answers what waits, and is ended at a random
moment: its shim or the host itself by SIGKILL, its shim by SIGTERM, or by the end of its
standard input. At the end nothing may be left, and every message be answered exactly once.

Memory is the daemon's RSS after each cycle: the median over the second tenth of the cycles,
when every path has been walked, is held against the median over the last tenth.

The last line of output is JSON. Exit 1 when a promise was broken.
"""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import psutil

from bot.stage import Sandbox, Stage, sandbox, staged
from faults.ledger import Ledger, Message, answer_text
from faults.rows import Rows
from faults.teams import ACCEPTED, Place, Teams
from hosts.environ import environment
from hosts.pipe import Document, Gone
from hosts.standin import Refusal, StandIn
from scenarios.processes import SHIM, daemon

FLAT = 0.05
_PLACES, _PLACE_LASTS = 8, 60  # conversations at a time; messages, of the 120 an hour allows
_PATIENT_FROM = 3  # handed over so often, a message is answered in peace
_RETURNS = 0.2  # sessions that come again under the id of the last
_SETTLED_S = 60.0
_LOOK_S = 0.5
_GONE_S = 10.0
_WRAPPED = (sys.executable, "-S", str(Path(__file__).with_name("wrapped.py")), *SHIM)


class Moment(Enum):
    """When a host ends."""

    STARTING = auto()
    CONNECTED = auto()
    READING = auto()  # it has asked and not heard
    HAS_READ = auto()
    REPLYING = auto()  # the answer is on its way
    REPLIED = auto()


class End(Enum):
    """How a host ends."""

    KILL_SHIM = auto()
    KILL_HOST = auto()
    TERMINATE_SHIM = auto()
    EOF = auto()


class Doomed(Exception):
    """The moment has come."""


@dataclass(slots=True)
class Cycles:
    """A run under way."""

    stage: Stage
    teams: Teams
    ledger: Ledger
    chance: Random
    pid: int
    places: list[Place] = field(default_factory=list[Place])
    rss: list[int] = field(default_factory=list[int])
    ends: dict[str, int] = field(default_factory=dict[str, int])
    stuck: int = 0  # shims that had to be killed
    _number: int = 0
    _session: str = ""

    async def cycle(self) -> None:
        """Let people write, and one host come and go."""
        self._number += 1
        if self._number % _PLACE_LASTS == 1:
            self.places = [self.teams.fresh_place() for _ in range(_PLACES)]
        for place in self.chance.sample(self.places, self.chance.choice((0, 1, 1, 2))):
            await self.teams.say(place)
        await self.visit(self.chance.choice(list(Moment)), self.chance.choice(list(End)))
        self.rss.append(psutil.Process(self.pid).memory_info().rss)

    async def visit(self, moment: Moment | None, end: End) -> None:
        """Run one host session until *moment*, or until nothing waits."""
        self.ends[end.name] = self.ends.get(end.name, 0) + 1
        if not self._session or self.chance.random() > _RETURNS:
            self._session = f"s{self._number}-{self.chance.getrandbits(32):x}"
        environ = environment(self.stage.environ, self._session)
        command = _WRAPPED if end is End.KILL_HOST else SHIM
        host = await StandIn.spawn(command, environ)
        with suppress(Doomed, Gone):
            await self._work(host, moment)
        shims = _children(host.pipe.process.pid)
        match end:
            case End.KILL_SHIM | End.KILL_HOST:
                host.pipe.kill()
            case End.TERMINATE_SHIM:
                host.pipe.kill(signal.SIGTERM)
            case End.EOF:
                pass
        try:
            await host.close()
        except TimeoutError:
            self.stuck += 1
        _, alive = await asyncio.to_thread(psutil.wait_procs, shims, _GONE_S)
        self.stuck += len(alive)

    async def settle(self) -> None:
        """Answer, in peace, all that is still open; what got no 202 is sent again, as Teams does.

        Raises:
            RuntimeError: Something stays open.
        """
        try:
            async with asyncio.timeout(_SETTLED_S):
                while still := self._open():
                    for one in still:
                        if not one.is_kept:
                            one.is_kept = await self.teams.again(one) == ACCEPTED
                    await self.visit(None, End.EOF)
                    await self.teams.listen()
                    await asyncio.sleep(_LOOK_S)  # leases of the dead are running out
        except TimeoutError:
            rows = Rows(self.stage.folder / "inbox.db").states()
            told = [f"{one}: {rows.get((one.conversation, one.activity))}" for one in self._open()]
            raise RuntimeError(f"still open: {told}; status {await self.stage.status()}") from None

    def _open(self) -> list[Message]:
        return [one for one in self.ledger.messages.values() if not one.answers]

    async def _work(self, host: StandIn, moment: Moment | None) -> None:
        if moment is Moment.STARTING:
            asking = asyncio.create_task(host.connect())
            await asyncio.sleep(self.chance.random() * 0.1)  # into its start
            asking.cancel()
            raise Doomed
        await host.connect()
        self._pass(moment, Moment.CONNECTED)
        if moment is Moment.READING:
            await self._say(host, "read_messages", {})
        while messages := (await host.tool("read_messages", wait_s=0))["messages"]:
            if any(message["attempt"] >= _PATIENT_FROM for message in messages):
                moment = None
            turns: dict[str, list[str]] = {}
            for message in messages:
                words = [word for word in message["text"].split() if word[:1] == "m"]
                turns.setdefault(message["turn"], []).extend(words)
            self._pass(moment, Moment.HAS_READ)
            for turn, words in turns.items():
                await self._answer(host, turn, words, moment)

    async def _answer(
        self, host: StandIn, turn: str, words: list[str], moment: Moment | None
    ) -> None:
        text = answer_text(words, turn, "final", self._session)
        if moment is Moment.REPLYING:
            await self._say(host, "reply", {"turn": turn, "text": text})
        with suppress(Refusal):  # taken from us: whoever has it answers
            await host.tool("reply", turn=turn, text=text)
        self._pass(moment, Moment.REPLIED)

    async def _say(self, host: StandIn, tool: str, arguments: Document) -> None:
        """Call a tool and end before it answers, or as it does."""
        await host.pipe.say("tools/call", host.calling(tool, arguments), id="last")
        await asyncio.sleep(self.chance.random() * 0.02)  # into its work
        raise Doomed

    @staticmethod
    def _pass(moment: Moment | None, now: Moment) -> None:
        if moment is now:
            raise Doomed


async def run(emulation: Sandbox, home: Path, cycles: int, seed: int) -> dict[str, Any]:
    """Run; gives the figures."""
    began = time.monotonic()
    async with staged(emulation, home) as stage, daemon(stage):
        status = await stage.status()
        ledger = Ledger()
        teams = Teams(stage, ledger, status["webhook"])
        await teams.open()
        chance = Random(seed)  # noqa: S311 - not a secret
        running = Cycles(stage, teams, ledger, chance, status["pid"])
        await running.settle()
        sys.stderr.write(f"hosts: {cycles} cycles, seed {seed}\n")
        for number in range(cycles):
            await running.cycle()
            if number % 50 == 49:
                sys.stderr.write(f"hosts: {number + 1} of {cycles}\n")
        await running.settle()
        left = _left(stage.environ, status["pid"])
        answered = [len(one.answers) for one in ledger.messages.values()]
    start, last = _memory(running.rss)
    return {
        "cycles": cycles,
        "seed": seed,
        "ends": dict(sorted(running.ends.items())),
        "messages": len(answered),
        "answered_once": answered.count(1),
        "offences": [str(one) for one in ledger.offences],
        "stuck": running.stuck,
        "left": left + _left(stage.environ, 0),
        "daemon_rss_mb": [round(start / 1e6, 1), round(last / 1e6, 1)],
        "daemon_rss_growth": round(last / start - 1, 4),
        "seconds": round(time.monotonic() - began),
    }


def is_kept(figures: Mapping[str, Any], flat: float = FLAT) -> bool:
    """Whether every promise was kept."""
    return (
        figures["answered_once"] == figures["messages"]
        and not figures["offences"]
        and figures["left"] == figures["stuck"] == 0
        and abs(figures["daemon_rss_growth"]) <= flat
    )


def _memory(rss: list[int]) -> tuple[float, float]:
    tenth = max(1, len(rss) // 10)
    return median(rss[tenth : 2 * tenth] or rss), median(rss[-tenth:])


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _left(environ: Mapping[str, str], but: int) -> int:
    """Count the processes of this profile's home, without *but*."""
    home = environ["ENTRACLAW_HOME"]
    mine = {os.getpid(), but}
    return sum(_home(one) == home for one in psutil.process_iter() if one.pid not in mine)


def _home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("ENTRACLAW_HOME")
    except psutil.Error:
        return None


def main() -> int:
    """Run as the environment says; 0 when every promise was kept."""
    cycles = int(os.environ.get("CYCLES", "1000"))
    seed = int(os.environ.get("SEED") or random.randrange(1 << 30))  # noqa: S311 - not a secret
    with tempfile.TemporaryDirectory(prefix="cycles-") as name:
        home = Path(name)
        with sandbox(home / "tenant") as emulation:
            figures = asyncio.run(run(emulation, home / "home", cycles, seed))
    sys.stdout.write(f"{json.dumps(figures)}\n")
    return 0 if is_kept(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
