"""The public door: ``POST /api/messages``, ``GET /api/health``, nothing else.

Asks `admission` and `bearer` in their order, and answers 202 once the activity is on
disk (an invoke: 200 with its answer). It decides nothing itself and tells a caller
nothing about why it was refused.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from entraclaw.bot.admission import BODY_LIMIT, Caller, Door, Refused, check_body, check_head
from entraclaw.bot.bearer import Rules, read_header, verify
from entraclaw.bot.callers import Callers
from entraclaw.bot.inbox import Arrival, Inbox, Receipt
from entraclaw.bot.openid import SigningKeys
from entraclaw.bot.quiet import Quiet
from entraclaw.errors import InboxUnwritable, Unreachable

_log = logging.getLogger(__name__)
_READ = 65_536


@dataclass(frozen=True, slots=True)
class Webhook:
    """Everything the door needs.

    Attributes:
        door: Whose messages, and where answers may go.
        rules: Which tokens.
        keys: Where their signing keys are.
        inbox: Where activities are kept.
        arrived: Told of each new entry, after its 202 is certain.
        invoked: Answers an invoke, whose body is the answer to its request.
        now: Seconds since the epoch.
        callers: Whose tokens were verified lately.
        quiet: Told while somebody is at the door.
    """

    door: Door
    rules: Rules
    keys: SigningKeys
    inbox: Inbox
    arrived: Callable[[int, Arrival], None]
    invoked: Callable[[Receipt, Arrival], Awaitable[bytes]]
    now: Callable[[], float]
    callers: Callers = field(default_factory=Callers)
    quiet: Quiet = field(default_factory=Quiet)

    def application(self) -> web.Application:
        """Make the aiohttp application: two routes, all else 404 (405 on ours)."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/api/messages", self._messages)
        app.router.add_get("/api/health", _health)
        return app

    async def _messages(self, request: web.Request) -> web.Response:
        self.quiet.enter()
        try:
            return await self._take(request)
        finally:
            self.quiet.leave()

    async def _take(self, request: web.Request) -> web.Response:
        outcome = await self._admit(request)
        if isinstance(outcome, Refused):
            _log.info("refused status=%d reason=%s", outcome.status, outcome.reason)
            return _refuse(outcome)
        try:
            receipt = await self.inbox.append(outcome)
        except InboxUnwritable:
            _log.exception("not kept")
            return _refuse(Refused(503, "inbox"))
        if outcome.kind == "invoke":
            return await self._answer(receipt, outcome)
        # Behind the answer: the lane and the log are not what the channel waits for.
        asyncio.get_running_loop().call_soon(self._pass_on, receipt, outcome)
        return web.Response(status=202)

    def _pass_on(self, receipt: Receipt, arrival: Arrival) -> None:
        if receipt.is_new:
            self.arrived(receipt.seq, arrival)
        _log.info("kept seq=%d kind=%s new=%s", receipt.seq, arrival.kind, receipt.is_new)

    async def _answer(self, receipt: Receipt, arrival: Arrival) -> web.Response:
        """Answer an invoke in its request: Teams waits for nothing else."""
        body = await self.invoked(receipt, arrival)
        _log.info("invoked seq=%d new=%s", receipt.seq, receipt.is_new)
        return web.Response(status=200, body=body, content_type="application/json")

    async def _admit(self, request: web.Request) -> Arrival | Refused:
        refused = check_head(request.method, request.headers)
        if refused is not None:
            return refused
        caller = await self._identify(request.headers.get("Authorization", ""))
        if isinstance(caller, Refused):
            return caller
        body = await _read(request)
        return check_body(body, caller, self.door, self.now())

    async def _identify(self, authorization: str) -> Caller | Refused:
        known = self.callers.find(authorization, self.now())
        if known is not None:
            return known
        header = read_header(authorization)
        if isinstance(header, Refused):
            return header
        token, kid = header
        try:
            key = await self.keys.find(kid)
        except Unreachable:
            return Refused(503, "keys")
        if key is None:
            return Refused(401, "token")
        caller = verify(token, key, self.rules)
        if isinstance(caller, Caller):
            self.callers.keep(authorization, caller)
        return caller


async def _read(request: web.Request) -> bytes:
    """Read the body, at most one piece more than the limit: `check_body` refuses the rest."""
    body = bytearray()
    async for piece in request.content.iter_chunked(_READ):
        body += piece
        if len(body) > BODY_LIMIT:
            break
    return bytes(body)


def _refuse(refused: Refused) -> web.Response:
    headers = (
        {"Retry-After": "5"} if refused.status == web.HTTPServiceUnavailable.status_code else {}
    )
    if refused.status == web.HTTPMethodNotAllowed.status_code:
        headers["Allow"] = "POST"
    return web.Response(status=refused.status, headers=headers)


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
