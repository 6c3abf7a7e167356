"""The whole exchange on one machine: tenant, agent, daemon, host, a message, its answer.

Every part is the real one in a process of its own; only Microsoft is emulated. Steps are
told as they happen, so that a person can watch; the figures come at the end.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from entraclaw.bot.children import Child, child, descendants
from entraclaw.bot.local_client import ask
from entraclaw.bot.sandbox_profile import PROFILE, environment, own_folder, provision
from entraclaw.bot.tenant import Delivery, Hired, Post, Tenant
from entraclaw.errors import EntraclawError, NotRunning

SHIM = (sys.executable, "-m", "entraclaw", "--profile", PROFILE, "mcp")
MESSAGES = 20
_PATIENCE_S = 30.0
_PAUSE_S = 0.02
_LOOK_S = 0.5
_FOOTER = "(the sandbox's built-in host; connect yours and it answers instead)"
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: its name, what came of it, how long it took in ms."""

    name: str
    detail: str
    ms: float


@dataclass(frozen=True, slots=True)
class Trip:
    """One message there and back; times are monotonic nanoseconds."""

    delivery: Delivery
    received_at: int
    replying_at: int
    answer: Post

    @property
    def to_host_ms(self) -> float:
        """From the channel's first byte to the host having the text."""
        return (self.received_at - self.delivery.posted_at) / _NS_PER_MS

    @property
    def to_answer_ms(self) -> float:
        """From the channel's first byte to the answer in Teams."""
        return (self.answer.at - self.delivery.posted_at) / _NS_PER_MS


@dataclass(slots=True)
class Stage:
    """The parts once they all run.

    Attributes:
        folder: Of the sandbox's profile.
        tenant: The emulated Microsoft.
        agent: The agent provisioned in it.
        page: Address of the sandbox's chat page, its key included.
        host: The MCP host process.
        seen: Number of the last transcript entry that was looked at.
    """

    folder: Path
    tenant: Tenant
    agent: Hired
    page: str
    host: Child
    seen: int = 0
    trips: list[Trip] = field(default_factory=list[Trip])


@asynccontextmanager
async def staged(port: int, tell: Callable[[Step], None]) -> AsyncGenerator[Stage]:
    """Start everything, telling each step; end everything when the body does.

    Raises:
        EntraclawError: A part did not start.
    """
    folder = own_folder()
    environ = environment(folder)
    async with AsyncExitStack() as stack:
        started = time.perf_counter()
        words = ["entraclaw.sandbox", "--home", str(folder / "tenant"), "--port", str(port)]
        emulation = await stack.enter_async_context(
            child("the sandbox", words, environ, speaks=True)
        )
        ready = await emulation.line(_PATIENCE_S)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tenant = Tenant(session, ready["control"], ready["secret"])
        started = _told(tell, "tenant", "Entra, Graph and Teams on this machine, over TLS", started)

        agent = await provision(tenant, folder)
        started = _told(tell, "agent", f"{agent.upn}, sponsored by Ada", started)

        words = ["entraclaw", "--profile", PROFILE, "serve", "--until-eof"]
        daemon = await stack.enter_async_context(child("the daemon", words, environ, speaks=False))
        webhook = await _webhook(folder, daemon)
        await tenant.set_endpoint(agent.ids.user, webhook)
        started = _told(tell, "daemon", f"listens at {webhook}", started)

        words = ["entraclaw.sandbox.host", "--", *SHIM]
        host = await stack.enter_async_context(child("the host", words, environ, speaks=True))
        about = await host.line(_PATIENCE_S)
        _told(
            tell,
            "host",
            f"an MCP client, pid {about['pid']}, sees {len(about['tools'])} tools",
            started,
        )
        yield Stage(folder, tenant, agent, ready["page"], host)


async def travel(stage: Stage, text: str) -> Trip:
    """Let Ada write *text*, and follow it to the host and back into Teams.

    Raises:
        EntraclawError: It did not arrive, was not answered, or got another answer.
    """
    delivery = await stage.tenant.say(stage.agent.ids.user, text)
    if delivery.status != 202:  # noqa: PLR2004 - HTTP: the daemon has it on disk
        raise EntraclawError(f"the webhook answered {delivery.status}")
    received = await _event(stage.host, "received")
    replying = await _event(stage.host, "replying")
    answer = await stage.tenant.next_answer(stage.seen, _PATIENCE_S)
    replied = await _event(stage.host, "replied")
    if answer is None or replied["error"]:
        raise EntraclawError(f"no answer came back ({replied['error'] or 'Teams has none'})")
    stage.seen = answer.n
    trip = Trip(delivery, received["at"], replying["at"], answer)
    stage.trips.append(trip)
    return trip


async def stand_in(stage: Stage, tell: Callable[[Step], None]) -> None:
    """Answer with the built-in host while no other is attached; step aside for any other.

    Runs until it is cancelled.
    """
    await stage.host.end()
    environ = environment(stage.folder)
    words = ["entraclaw.sandbox.host", "--footer", _FOOTER, "--", *SHIM]
    while True:
        async with child("the host", words, environ, speaks=False) as host:
            tell(Step("host", "the built-in one answers, and says so", 0.0))
            # Another process's sessions: there is no event to wait for.
            while not (host.has_ended or await _others(stage)):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
        tell(Step("host", "yours is attached; the built-in one has stepped aside", 0.0))
        while await _others(stage):  # noqa: ASYNC110 - as above
            await asyncio.sleep(_LOOK_S)


async def _others(stage: Stage) -> bool:
    """Tell whether a host is attached that we did not start."""
    status = await asyncio.to_thread(ask, str(stage.folder))
    ours = {process.pid for process in descendants()}
    return any(session["pid"] not in ours for session in status["sessions"])


def summary(stage: Stage, first: Trip, sent: str) -> dict[str, object]:
    """Write down the exchange: `first` in full, the later trips as percentiles."""
    rest = stage.trips[1:]
    return {
        "ok": first.answer.sender_oid == stage.agent.ids.user,
        "sent": sent,
        "answer": first.answer.text,
        "sender_oid": first.answer.sender_oid,
        "agent_user_oid": stage.agent.ids.user,
        "inbound_to_host_ms": _spread([trip.to_host_ms for trip in rest]),
        "answer_ms": _spread([trip.to_answer_ms for trip in rest]),
        "hops": [{"name": hop.name, "ms": round(hop.ms, 2)} for hop in hops(stage, first)],
    }


def hops(stage: Stage, trip: Trip) -> list[Step]:
    """Tell what one message went through, the agent's own token hops included."""
    delivery = trip.delivery
    tokens = ask(str(stage.folder))["hops"][:3]
    return [
        _hop(
            "channel to webhook",
            "signed by Teams, checked, on disk, 202",
            delivery.posted_at,
            delivery.accepted_at,
        ),
        _hop(
            "webhook to host",
            "gate, turn, doorbell, read_messages",
            delivery.accepted_at,
            trip.received_at,
        ),
        _hop("host decides", "a small deterministic one", trip.received_at, trip.replying_at),
        _hop(
            "reply to Teams",
            "as the agent user, through the connector",
            trip.replying_at,
            trip.answer.at,
        ),
        *(
            Step(f"{hop['name']} token", "fetched ahead, kept until it runs out", hop["ms"])
            for hop in tokens
        ),
    ]


def _hop(name: str, detail: str, start_ns: int, end_ns: int) -> Step:
    return Step(name, detail, (end_ns - start_ns) / _NS_PER_MS)


def _spread(values: list[float]) -> dict[str, float | int]:
    ranked = sorted(values)
    last = ranked[min(len(ranked) - 1, round(0.99 * len(ranked)))] if ranked else 0.0
    middle = median(ranked) if ranked else 0.0
    return {"p50": round(middle, 2), "p99": round(last, 2), "n": len(ranked)}


def _told(tell: Callable[[Step], None], name: str, detail: str, started: float) -> float:
    now = time.perf_counter()
    tell(Step(name, detail, (now - started) * 1000))
    return now


async def _webhook(folder: Path, daemon: Child) -> str:
    """Wait until the daemon listens, and tell where."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and not daemon.has_ended:
        try:
            status = await asyncio.to_thread(ask, str(folder))
        except NotRunning:
            await asyncio.sleep(_PAUSE_S)
        else:
            return str(status["webhook"])
    raise EntraclawError("the daemon did not start", hint=f"{folder / 'logs' / 'daemon.log'}")


async def _event(host: Child, name: str) -> dict[str, Any]:
    """Wait for the next event *name* of the host."""
    while (event := await host.line(_PATIENCE_S))["event"] != name:
        pass
    return event
