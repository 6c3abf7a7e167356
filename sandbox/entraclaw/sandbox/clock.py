"""The time of the emulated tenant, which the control API may move: days pass in seconds.

Tokens, their checks and consent go by it. What people say is dated by this
machine's clock, and how long an answer takes and the order of things are too.
"""

import time

from aiohttp import web

from entraclaw.sandbox.documents import DocumentError, Json, load, number

_FARTHEST_S = 10 * 365 * 24 * 3600


class Clock:
    """This machine's clock, and how far it is set ahead of that."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead_s

    def routes(self) -> list[web.RouteDef]:
        """The part of the control API that moves it."""
        return [web.put("/control/clock", self._set), web.get("/control/clock", self._show)]

    async def _set(self, request: web.Request) -> web.Response:
        self.set(load(await request.read()))
        return await self._show(request)

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response({"now": self.now(), "ahead_s": self._ahead_s})

    def set(self, body: Json) -> None:
        """Read `PUT /control/clock`: *ahead_s* of this machine's clock, negative for behind.

        Raises:
            DocumentError: It says something else, or is years away.
        """
        if set(body) != {"ahead_s"}:
            raise DocumentError("the clock is set by ahead_s, and nothing else")
        ahead_s = number(body, "ahead_s")
        if abs(ahead_s) > _FARTHEST_S:
            raise DocumentError("the clock is set ten years ahead or behind at most")
        self._ahead_s = ahead_s
