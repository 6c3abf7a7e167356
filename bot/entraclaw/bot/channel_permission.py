"""Relay the permission requests that a host sends over its channel, and the verdicts back.

Only where the profile's settings say so: a host that is offered this lets whoever answers
here decide in place of the person at its terminal, so every answering side must know whom
it speaks for. The host takes the first answer, and ignores an id it no longer asks about;
it does not say when a question was answered in its terminal.
https://code.claude.com/docs/en/channels-reference
"""

import asyncio
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from fastmcp import FastMCP

from entraclaw.bot import mcp_loop
from entraclaw.bot.approvals import Approvals, Way
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.mcp_loop import Notify
from entraclaw.bot.permission import Verdict
from entraclaw.bot.question import from_channel
from entraclaw.errors import ApprovalRefused

CAPABILITY = "claude/channel/permission"
_REQUEST = "notifications/claude/channel/permission_request"
_VERDICT = "notifications/claude/channel/permission"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Host:
    """One connection: whose it is, what it asks, and the verdicts on their way to it."""

    session: str
    pid: int
    asked: dict[str, str] = field(default_factory=dict[str, str])  # its ids, and ours
    telling: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


_host: ContextVar[_Host] = ContextVar("entraclaw_host")


class ChannelPermission:
    """The relay of one daemon."""

    def __init__(self, approvals: Approvals) -> None:
        """Ask *approvals*."""
        self._approvals = approvals

    def offer(self, server: FastMCP[Any]) -> None:
        """Hear what hosts ask of *server*; it must declare `CAPABILITY`."""
        mcp_loop.hear(server, _REQUEST, self._heard)

    @contextmanager
    def serving(self, guest: Guest) -> Generator[None]:
        """Take what is heard meanwhile as asked by *guest*; its end withdraws what is open."""
        host = _Host(guest.session, guest.pid)
        _host.set(host)
        try:
            yield
        finally:
            for name in [*host.asked.values()]:
                self._approvals.withdraw(name)
            for task in host.telling:
                task.cancel()

    async def _heard(self, params: Mapping[str, Any], notify: Notify) -> None:
        host = _host.get()
        question = from_channel(host.session, params)
        if question is None:
            _log.warning("a permission request could not be read session=%s", host.session)
            return
        host_id = question.host_id

        def tell(verdict: Verdict | None) -> None:
            host.asked.pop(host_id, None)
            if verdict is not None:
                answer = {"request_id": host_id, "behavior": verdict.behavior.value}
                task = asyncio.ensure_future(notify(_VERDICT, answer))
                host.telling.add(task)
                task.add_done_callback(host.telling.discard)

        try:
            request = await self._approvals.ask(question, Way(host.pid, tell))
        except ApprovalRefused:
            return  # it stands in the terminal
        host.asked[host_id] = request.id
