"""The chat page: its three files, the state it draws, and what is typed into it.

Served to whoever `admission` lets in. The page is drawn once from `state` and
kept true by `events`; what a person sends goes the way of every message, and
its fate comes back as an event.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files

import orjson
from aiohttp import web

from entraclaw.sandbox.activities import Utterance
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.channel import Channel
from entraclaw.sandbox.documents import Json, load
from entraclaw.sandbox.events import Events
from entraclaw.sandbox.speech import Speech
from entraclaw.sandbox.views import Views

_FILES = {
    "/": ("page.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
}


class Page:
    """What the browser asks for once it is admitted."""

    def __init__(
        self, *, asks: Asks, speech: Speech, channel: Channel, views: Views, events: Events
    ) -> None:
        self._asks, self._speech, self._channel = asks, speech, channel
        self._views, self._events = views, events

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            *(web.get(path, _file(name, kind)) for path, (name, kind) in _FILES.items()),
            web.get("/page/state", self._state),
            web.get("/page/events", self._events.serve),
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
        conversation = self._speech.hear(ask.person, ask.agent, ask.kind)
        thread = self._speech.thread(conversation, ask.thread) if ask.thread else None
        said = Utterance(ask.person, ask.agent, conversation, ask.text, ask.mention, thread)
        activity = self._speech.write(said)
        self._speech.record(said, activity)
        await self._channel.deliver(ask.agent, activity, wait=False)
        return _json({"id": activity["id"], "conversation": conversation.id}, status=202)


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        body = files("entraclaw.sandbox").joinpath(name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return handler


def _json(document: Json, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")
