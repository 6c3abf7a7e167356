"""The chat page: its three files, the state it draws, the events that keep it true.

Events are numbered, and a browser that comes back says which one it saw last.
Every reader follows the same journal by number, so that none of them can fill
our memory; one that does not take what it is sent is dropped, and comes back.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files

import orjson
from aiohttp import web

from entraclaw.sandbox.activities import Utterance
from entraclaw.sandbox.admission import HEADERS
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.channel import Channel
from entraclaw.sandbox.documents import DocumentError, Json, load
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.views import Happening, Views

_FILES = {
    "/": ("page.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
}

# Proxies and browsers take a silent connection for a dead one after half a minute or more.
_HEARTBEAT_S = 25.0

# How long a reader may leave what it was sent in the socket.
_STALL_S = 10.0


class Page:
    """What the browser asks for once it is admitted."""

    def __init__(
        self,
        *,
        asks: Asks,
        channel: Channel,
        views: Views,
        happenings: Journal[Happening],
        stall_s: float = _STALL_S,
    ) -> None:
        self._asks, self._channel, self._views = asks, channel, views
        self._happenings, self._stall_s = happenings, stall_s

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            *(web.get(path, _file(name, kind)) for path, (name, kind) in _FILES.items()),
            web.get("/page/state", self._state),
            web.get("/page/events", self._events),
            web.get("/page/hops/{id}", self._hops),
            web.post("/page/messages", self._say),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        return _json(self._views.state())

    async def _hops(self, request: web.Request) -> web.Response:
        hops = self._views.hops(request.match_info["id"])
        if hops is None:
            raise web.HTTPNotFound
        return _json(hops)

    async def _say(self, request: web.Request) -> web.Response:
        ask = self._asks.spoken(load(await request.read()))
        conversation = self._channel.hear(ask.person, ask.agent, ask.kind)
        thread = self._channel.thread(conversation, ask.thread) if ask.thread else None
        said = Utterance(ask.person, ask.agent, conversation, ask.text, ask.mention, thread)
        activity = self._channel.write(said)
        self._channel.record(said, activity)
        await self._channel.deliver(ask.agent, activity, wait=False)
        return _json({"id": activity["id"], "conversation": conversation.id}, status=202)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        seen = _seen(request, len(self._happenings))
        stream = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await stream.prepare(request)
        try:
            await self._follow(stream, seen)
        except (TimeoutError, ConnectionError):
            # Nobody reads any more; an orderly goodbye would wait for them all the same.
            if request.transport:
                request.transport.abort()
        return stream

    async def _follow(self, stream: web.StreamResponse, seen: int) -> None:
        await self._write(stream, b"retry: 1000\n\n")
        while True:
            happened = await self._happenings.after(seen, _HEARTBEAT_S)
            news = [self._event(seen + i, one) for i, one in enumerate(happened, start=1)]
            await self._write(stream, b"".join(news) or b": still here\n\n")
            seen += len(news)

    def _event(self, number: int, happening: Happening) -> bytes:
        name, document = self._views.event(happening)
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), orjson.dumps(document))

    async def _write(self, stream: web.StreamResponse, block: bytes) -> None:
        async with asyncio.timeout(self._stall_s):
            await stream.write(block)


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        body = files("entraclaw.sandbox").joinpath(name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return handler


def _json(document: Json, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


def _seen(request: web.Request, last: int) -> int:
    # A browser names what it saw only when it comes back; the first time the page says it.
    shown = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
    if not (shown.isascii() and shown.isdigit() and len(shown) < len(str(2**63))):
        raise DocumentError("the last event must be a number")
    return min(int(shown), last)
