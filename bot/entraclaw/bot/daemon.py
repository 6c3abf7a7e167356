"""The daemon: every room put together, in one place, and taken apart again in order.

Nothing else builds these objects. What listens comes last at the start and first at the
end, so that nothing arrives at a half-made daemon.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from entraclaw.bot import (
    approval_desk,
    bridge,
    health,
    kin,
    local_socket,
    lock,
    mcp_loop,
    persona,
    proving,
    sessions_status,
    tokens,
)
from entraclaw.bot.agency import Agency
from entraclaw.bot.approval_desk import ApprovalDesk
from entraclaw.bot.approvals import Approvals, turns_of
from entraclaw.bot.channel_permission import ChannelPermission
from entraclaw.bot.clock import Steady
from entraclaw.bot.desk import Desk
from entraclaw.bot.handed import waiting_lanes
from entraclaw.bot.happenings import Watcher
from entraclaw.bot.hooking import Hooking
from entraclaw.bot.host_programs import HostPrograms
from entraclaw.bot.hosts import Hosts
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.pace import Pace
from entraclaw.bot.principal import Owner
from entraclaw.bot.sessions import Connection, Sessions
from entraclaw.bot.settings import Settings
from entraclaw.bot.store import Store
from entraclaw.bot.whoami import WhoAmI
from entraclaw.errors import EntraclawError

if TYPE_CHECKING:
    from fastmcp import FastMCP

    from entraclaw.bot.owner_sqlite import Owned

LOOPBACK = "127.0.0.1"
_LANES_SHOWN = 5
_NO_AGENT = {"error": "this profile has no agent yet", "hint": "docs/settings.md names its ids"}
_log = logging.getLogger(__name__)


class Daemon:
    """One profile's daemon, alive inside `running`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Make what every profile has, configured or not."""
        self._settings, self._store = settings, store
        self._sessions = Sessions()
        self._hosts = Hosts()
        self._who = WhoAmI(settings)
        self.agency: Agency | None = None  # None while the profile has no agent
        self._owned: Owned | None = None
        self._webhook = ""
        told = (
            health.warning(settings.folder, sys.platform, os.environ),
            persona.warning(settings.folder),
        )
        self._warnings = [said for said in told if said]
        self._server: FastMCP[Any] | None = None
        self.approvals = Approvals(
            partial(turns_of, store.inbox), self._happened, Steady(time.time, time.monotonic)
        )
        hooking = Hooking(settings, store.inbox, self._due, self.approvals.rest, time.monotonic)
        self._programs = HostPrograms(self._sessions, self.approvals, hooking)
        self._relay = ChannelPermission(self.approvals)
        self._approval_desk = ApprovalDesk(
            self.approvals, lambda: [guest.pid for guest in self._sessions.all()]
        )

    @classmethod
    @asynccontextmanager
    async def running(
        cls, settings: Settings, pace: Pace | None = None
    ) -> AsyncGenerator["Daemon"]:
        """Start the daemon of *settings* and stop it when the body ends.

        *pace* is how long what goes out is waited for; None takes what suits Teams.

        Raises:
            AlreadyRunning: Another daemon serves this profile.
            InboxUnreadable: Its inbox cannot be opened.
            PrincipalRefused: Messages wait in it that came to another principal.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(lock.hold(settings.folder))
            store = await stack.enter_async_context(
                Store.open(settings.folder / "inbox.db", time.time)
            )
            daemon = cls(settings, store)
            for said in daemon._warnings:
                _log.warning("%s", said)
            if settings.agent is not None:
                daemon._owned = await store.owner.take(
                    Owner(settings.inbound, settings.acts_as, settings.agent)
                )
                daemon.agency = await Agency.opened(
                    stack, settings, settings.agent, store, daemon._sessions, pace=pace or Pace()
                )
            whole = partial(persona.whole_prompt, settings.folder)
            relay = daemon._relay if settings.channel_permissions else None
            daemon._server = bridge.build(
                daemon.agency, daemon._who, version("entraclaw"), whole, relay
            )
            await stack.enter_async_context(mcp_loop.running(daemon._server))
            if daemon.agency is not None:
                application = daemon.agency.webhook.application()
                daemon._webhook = await _listen(stack, application, settings.port)
            listening = local_socket.listening(settings.folder, daemon._welcome)
            await stack.enter_async_context(listening)
            if daemon.agency is not None:
                daemon.agency.begin(stack, daemon._who)
            if daemon._owned is not None and daemon._owned.is_new:
                _log.info("principal %s", daemon._owned.came_by)
            _log.info("serving profile=%s webhook=%s", settings.profile, daemon._webhook or "none")
            yield daemon

    @property
    def desk(self) -> Desk | None:
        """Where turns are leased; None while the profile has no agent."""
        return self.agency.desk if self.agency else None

    @property
    def webhook(self) -> str:
        """Where the webhook listens, ``http://127.0.0.1:PORT``; empty when it does not."""
        return self._webhook

    async def status(self) -> dict[str, object]:
        """Describe this daemon; ids and counts only."""
        agency = self.agency
        counts = agency.pipeline.counts if agency else None
        inbox = await self._store.inbox.count()
        await self._who.look()
        return {
            "daemon": "running",
            "pid": os.getpid(),
            "version": version("entraclaw"),
            "profile": self._settings.profile,
            "webhook": self._webhook or None,
            "identity": self._who.document(),
            "principal": self._owned.document() if self._owned else None,
            "key": agency.key.document() if agency else None,
            "locked": (agency.lock.reason if agency else "") or None,
            "seal": agency.access.document() if agency else None,
            "trouble": agency.trouble() if agency else None,
            "tokens": [tokens.describe(*one) for one in await agency.troubles()] if agency else [],
            "warnings": self._warnings,
            "offers": agency.lifecycle.offers if agency else [],
            "inbox": {state.value: number for state, number in inbox.items()},
            "queues": waiting_lanes(await self._store.inbox.queues(_LANES_SHOWN)),
            "sessions": sessions_status.describe(self._sessions, agency),
            "approvals": len(self.approvals.open()),
            "hops": [
                {"name": hop.hop, "ms": round(hop.ms, 2)} for hop in (agency.hops if agency else ())
            ],
            "pipeline": {
                "turns": dict(counts.turns) if counts else {},
                "sends": counts.sends if counts else 0,
                "sends_as": self._who.document()["answers_as"],
            },
        }

    async def _welcome(self, guest: Guest) -> None:
        match guest.wants:
            case "mcp":
                with self._hosts.noting(guest), self._relay.serving(guest):
                    await self._serve_host(guest)
            case "status":
                await guest.say(await self.status())
            case "do":
                await self._do(guest)
            case "tail":
                await self._tail(guest)
            case _:
                await self._programs.serve(self._hosts.known(guest), self.desk)

    async def _do(self, guest: Guest) -> None:
        try:
            request: object = json.loads(await guest.reader.readline())
        except ValueError:
            request = None
        if not isinstance(request, dict):
            await guest.say({"error": "the request is no JSON object"})
            return
        asked = cast("dict[str, object]", request)
        if asked.get("verb") in approval_desk.VERBS:
            await guest.say(self._approval_desk.do(asked, guest.pid))
        elif self.agency is None:
            await guest.say(_NO_AGENT)
        elif asked.get("verb") == proving.VERB:
            await self.agency.proving.serve(guest, asked, self._approval_desk.is_of_a_host)
        else:
            await guest.say(await self.agency.controls.do(asked))

    async def _tail(self, guest: Guest) -> None:
        if self.agency is None:
            await guest.say(_NO_AGENT)
            return
        # It says nothing more; the end of what it says is its end.
        leaving = asyncio.ensure_future(guest.reader.read(1))
        try:
            with self.agency.happenings.watching() as watcher:
                await _relay(guest, watcher, leaving)
        finally:
            leaving.cancel()

    def _tell(self, what: str, guest: Guest) -> None:
        self._happened(what, {"session": guest.session, "pid": guest.pid})

    def _happened(self, what: str, facts: dict[str, object]) -> None:
        if self.agency is not None:
            self.agency.happenings.tell(what, **facts)

    async def _due(self, session: str) -> int:
        return await self.desk.due(session) if self.desk is not None else 0

    async def _serve_host(self, guest: Guest) -> None:
        if self._server is None:
            return
        bridge.current_session.set(guest.session)
        if self.desk is not None:
            await self.desk.expect(guest.session)
        others = [one.pid for one in self._sessions.all() if one.session != guest.session]
        is_child = await asyncio.to_thread(kin.is_child, guest.pid, others)
        connection: Connection | None = None

        async def attached(notify: mcp_loop.Notify, host: str) -> None:
            nonlocal connection
            connection = Connection(guest.session, guest.pid, notify, guest.facts, host)
            _log.info("attached session=%s pid=%d", guest.session, guest.pid)
            self._tell("attached", guest)
            if self.desk is not None:
                await self.desk.arrive(connection, is_child=is_child)

        try:
            await mcp_loop.serve(self._server, guest.reader, guest.writer, attached)
        finally:
            if connection is not None and self.desk is not None:
                _log.info("detached session=%s", guest.session)
                self._tell("detached", guest)
                await self.desk.depart(connection)


async def _relay(guest: Guest, watcher: Watcher, leaving: "asyncio.Future[bytes]") -> None:
    """Say to *guest* what *watcher* hears until *leaving* is done."""
    while True:
        hearing = asyncio.ensure_future(watcher.next())
        awaited: set[asyncio.Future[Any]] = {hearing, leaving}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hearing.cancel()
        if leaving.done():
            return
        for happening in hearing.result():
            await guest.say(happening)


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
