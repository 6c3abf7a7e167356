"""The daemon: every room put together, in one place, and taken apart again in order.

Nothing else builds these objects. What listens comes last at the start and first at the
end, so that nothing arrives at a half-made daemon.
"""

import asyncio
import json
import logging
import os
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import aiohttp
from aiohttp import web
from fastmcp import FastMCP

from entraclaw.bot import bridge, local_socket, lock, mcp_loop
from entraclaw.bot.admission import Door
from entraclaw.bot.bearer import AgenticRules
from entraclaw.bot.connector import Line
from entraclaw.bot.desk import Desk
from entraclaw.bot.inbox import Arrival, Entry, State
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.keystores import find_key
from entraclaw.bot.lanes import Lanes
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.openid import SigningKeys
from entraclaw.bot.pipeline import Pipeline
from entraclaw.bot.sessions import Attachment, Sessions
from entraclaw.bot.settings import Settings
from entraclaw.bot.sponsors import Sponsors
from entraclaw.bot.webhook import Webhook
from entraclaw.bot.whoami import WhoAmI
from entraclaw.errors import BadSettings, EntraclawError, Problem
from entraclaw.identity import AgentIds, Chain, HopTiming, Minter
from entraclaw.tools import Graph, me, sponsors

LOOPBACK = "127.0.0.1"
_HOPS_KEPT = 12
_log = logging.getLogger(__name__)


class Daemon:
    """One profile's daemon, alive inside `running`."""

    def __init__(self, settings: Settings, inbox: SqliteInbox) -> None:
        """Make what every profile has, configured or not."""
        self._settings, self._inbox = settings, inbox
        self._sessions = Sessions()
        self._who = WhoAmI(settings)
        self._hops: deque[HopTiming] = deque(maxlen=_HOPS_KEPT)
        self._pipeline: Pipeline | None = None
        self.desk: Desk | None = None  # None while the profile has no agent
        self._webhook = ""
        self._server: FastMCP[Any] | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings) -> AsyncGenerator["Daemon"]:
        """Start the daemon of *settings* and stop it when the body ends.

        Raises:
            AlreadyRunning: Another daemon serves this profile.
            InboxUnreadable: Its inbox cannot be opened.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(lock.hold(settings.folder))
            inbox = SqliteInbox.open(settings.folder / "inbox.db")
            stack.push_async_callback(inbox.aclose)
            daemon = cls(settings, inbox)
            if settings.agent is not None:
                await daemon._start_agent(stack, settings.agent)
            daemon._server = bridge.build(daemon.desk, daemon._who, version("entraclaw"))
            await stack.enter_async_context(mcp_loop.running(daemon._server))
            listening = local_socket.listening(settings.folder, daemon._welcome)
            await stack.enter_async_context(listening)
            _log.info("serving profile=%s webhook=%s", settings.profile, daemon._webhook or "none")
            yield daemon

    @property
    def webhook(self) -> str:
        """Where the webhook listens, ``http://127.0.0.1:PORT``; empty when it does not."""
        return self._webhook

    async def status(self) -> dict[str, object]:
        """Describe this daemon; ids and counts only."""
        counts = self._pipeline.counts if self._pipeline else None
        inbox = await self._inbox.count()
        return {
            "daemon": "running",
            "pid": os.getpid(),
            "version": version("entraclaw"),
            "profile": self._settings.profile,
            "webhook": self._webhook or None,
            "identity": self._who.document(),
            "key_store": self._settings.key_store,
            "inbox": {state.value: inbox[state] for state in State},
            "sessions": [
                {"session": guest.session, "pid": guest.pid} for guest in self._sessions.all()
            ],
            "hops": [{"name": hop.hop, "ms": round(hop.ms, 2)} for hop in self._hops],
            "pipeline": {
                "turns": dict(counts.turns) if counts else {},
                "sends": counts.sends if counts else 0,
            },
        }

    async def _start_agent(self, stack: AsyncExitStack, agent: AgentIds) -> None:
        """Make what needs an agent: tokens, Graph, the gate, the SDK, the webhook."""
        cloud = self._settings.cloud
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=_trust(cloud.tls_ca)))
        stack.push_async_callback(session.close)
        chain = Chain(agent, cloud, partial(find_key, self._settings), time, self._hops.append)
        minter = Minter(chain, time.time)
        stack.push_async_callback(minter.close)
        graph = Graph(session, cloud.graph, partial(minter.token, cloud.graph_scope))
        line = Line(session, partial(minter.token, cloud.answer_scope), cloud.service_hosts)
        known = Sponsors(partial(_sponsors_of, graph, agent.user), time.monotonic)

        pipeline = self._pipeline = Pipeline(line)
        desk = self.desk = Desk(self._inbox, self._sessions, pipeline.answer, time.time)
        stack.callback(desk.close)
        dispatch = partial(pipeline.dispatch, desk.open)
        lanes = Lanes(self._inbox, known, agent.tenant, dispatch)
        stack.push_async_callback(lanes.close)
        await desk.resume()
        await lanes.resume()

        keys_url = f"{cloud.login}/{agent.tenant}/discovery/v2.0/keys"
        keys = SigningKeys(session, keys_url, time.monotonic, is_metadata=False)
        webhook = self._door(agent, keys, lanes)
        self._webhook = await _listen(stack, webhook.application(), self._settings.port)
        ahead = (
            partial(keys.find, ""), known.current, line.token, partial(self._learn_name, graph)
        )  # fmt: skip
        warm = asyncio.create_task(_fetch_ahead(ahead), name="fetch ahead")
        stack.callback(warm.cancel)

    def _door(self, agent: AgentIds, keys: SigningKeys, lanes: Lanes) -> Webhook:
        cloud = self._settings.cloud
        return Webhook(
            door=Door(agent, cloud.service_hosts),
            rules=AgenticRules(cloud.login, agent.tenant, agent.blueprint, cloud.agent_channel),
            keys=keys,
            inbox=self._inbox,
            arrived=lambda seq, arrival: lanes.put(_fresh(seq, arrival)),
            now=time.time,
        )

    async def _learn_name(self, graph: Graph) -> None:
        self._who.learn(await me(graph))

    async def _welcome(self, guest: Guest) -> None:
        if guest.wants == "status":
            guest.writer.write(json.dumps(await self.status()).encode() + b"\n")
            await guest.writer.drain()
        elif self._server is not None:
            await self._serve_host(guest, self._server)

    async def _serve_host(self, guest: Guest, server: FastMCP[Any]) -> None:
        bridge.current_session.set(guest.session)
        attachment: Attachment | None = None

        async def attached(notify: mcp_loop.Notify) -> None:
            nonlocal attachment
            attachment = Attachment(guest.session, guest.pid, partial(bridge.ring, notify))
            _log.info("attached session=%s pid=%d", guest.session, guest.pid)
            if self.desk is not None:
                await self.desk.attach(attachment)

        try:
            await mcp_loop.serve(server, guest.reader, guest.writer, attached)
        finally:
            if attachment is not None and self.desk is not None:
                _log.info("detached session=%s", guest.session)
                await self.desk.detach(attachment)


async def _sponsors_of(graph: Graph, user: str) -> frozenset[str]:
    return frozenset(person.oid for person in await sponsors(graph, user))


async def _fetch_ahead(steps: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Fetch what the first message will need; a failure here is only logged."""
    for step in steps:
        try:
            await step()
        except EntraclawError as error:
            _log.warning("not ready: %s", error)


async def _listen(stack: AsyncExitStack, application: web.Application, port: int) -> str:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, LOOPBACK, port)
    try:
        await site.start()
    except OSError as error:
        raise EntraclawError(
            f"port {port} on {LOOPBACK} cannot be used ({error.strerror})",
            hint="set another port in config.toml, or 0 to take any",
        ) from error
    bound = runner.addresses[0][1]
    return f"http://{LOOPBACK}:{bound}"


def _trust(tls_ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if tls_ca:
            context.load_verify_locations(tls_ca)
    except OSError as error:  # SSLError is one
        problem = Problem("cloud.tls_ca", f"{tls_ca} holds no certificates", "correct the path")
        raise BadSettings([problem]) from error
    return context


def _fresh(seq: int, arrival: Arrival) -> Entry:
    return Entry(seq, arrival, State.ADMITTED, "", b"", "", 0.0, 0, "")
