"""What happens, as server-sent events that a browser can take up where it left off.

Events are numbered, and a browser that comes back says which one it saw last.
Every reader follows the same journal by number, so that none of them can fill
our memory; one that does not take what it is sent is dropped, and comes back.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from typing import NoReturn

import orjson
from aiohttp import web

from entraclaw.sandbox.admission import HEADERS
from entraclaw.sandbox.documents import DocumentError
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.views import Happening, Views

# Proxies and browsers take a silent connection for a dead one after half a minute or more.
_HEARTBEAT_S = 25.0

# How long a reader may leave what it was sent in the socket.
_STALL_S = 10.0


class Events:
    """The stream of everything that happens, to as many readers as come."""

    def __init__(
        self, views: Views, happenings: Journal[Happening], *, stall_s: float = _STALL_S
    ) -> None:
        self._views, self._happenings, self._stall_s = views, happenings, stall_s

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Write events to the reader behind *request* until it goes or falls behind."""
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

    async def _follow(self, stream: web.StreamResponse, seen: int) -> NoReturn:
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


def _seen(request: web.Request, last: int) -> int:
    # A browser names what it saw only when it comes back; the first time the page says it.
    shown = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
    if not (shown.isascii() and shown.isdigit() and len(shown) < len(str(2**63))):
        raise DocumentError("the last event must be a number")
    return min(int(shown), last)
