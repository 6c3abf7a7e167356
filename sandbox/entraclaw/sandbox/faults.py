"""Faults on demand: a host that is slow, says no, or hangs up, before or after it did its work.

One fault per host, for a number of calls or until it is taken away. Answering
with an error before any effect, taking effect and hanging up, and taking
effect and answering with an error are three things a client cannot tell apart
from one another, which is what they are for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entraclaw.sandbox.documents import DocumentError, Json, flag, load, number, part, text

HOSTS: tuple[str, ...] = ("connector", "graph", "login")

_LEAST_ERROR, _WORST_ERROR = 400, 599

Refuse: TypeAlias = Callable[[web.Request, int], web.Response]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    *status* is answered in place of the real answer, with *retry_after* seconds
    if set. *after* lets the call take effect first. Without a status the
    connection is cut. *method* and *path* (a part of it) say which calls;
    *times* how many of them, None for all that come. *delay_ms* comes first.
    """

    status: int | None = None
    retry_after: float | None = None
    times: int | None = None
    before: bool = False
    after: bool = False
    delay_ms: float = 0.0
    method: str | None = None
    path: str | None = None

    def fits(self, request: web.Request) -> bool:
        """Whether *request* is one of those it is for."""
        is_path = self.path is None or self.path in request.path
        return is_path and self.method in {None, request.method}


class Faults:
    """The faults that are switched on, and how many calls each has met."""

    def __init__(self) -> None:
        self._on: dict[str, Fault] = {}
        self._met = dict.fromkeys(HOSTS, 0)

    def routes(self) -> list[web.RouteDef]:
        """The part of the control API that switches faults."""
        return [
            web.put("/control/faults", self._change),
            web.get("/control/faults", self._show),
        ]

    async def _change(self, request: web.Request) -> web.Response:
        self.switch(load(await request.read()))
        return web.json_response(self.document())

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response(self.document())

    def switch(self, body: Json) -> None:
        """Read `PUT /control/faults`: a fault per host, null for none.

        Raises:
            DocumentError: It names another host, or a fault does not fit.
        """
        if unknown := set(body) - set(HOSTS):
            raise DocumentError(f"there is no host called {min(unknown)}")
        read = {host: _fault(part(body, host)) if body[host] is not None else None for host in body}
        for host, fault in read.items():
            self._met[host] = 0
            self._on.pop(host, None)
            if fault:
                self._on[host] = fault

    def document(self) -> Json:
        """Each host's fault, and how many calls met it so far."""
        return {
            host: {**asdict(self._on[host]), "met": self._met[host]} if host in self._on else None
            for host in HOSTS
        }

    def middleware(self, host: str, refuse: Refuse) -> Middleware:
        """Make the middleware that lets calls to *host* meet its fault."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            fault = self._next(host, request)
            if fault is None:
                return await handler(request)
            if fault.delay_ms:
                await asyncio.sleep(fault.delay_ms / 1000)
            is_whole = fault.after or not (fault.status or fault.before)
            response = await handler(request) if is_whole else None
            if fault.status:
                return _refused(fault, refuse(request, fault.status))
            if fault.before or fault.after:
                return _cut(request)
            return response or _cut(request)

        return middleware

    def _next(self, host: str, request: web.Request) -> Fault | None:
        fault = self._on.get(host)
        if fault is None or not fault.fits(request):
            return None
        if fault.times is not None and self._met[host] >= fault.times:
            return None
        self._met[host] += 1
        return fault


def _refused(fault: Fault, response: web.Response) -> web.Response:
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def unavailable(_request: web.Request, status: int) -> web.Response:
    """Answer as a gateway before a service does, which speaks no JSON."""
    text = "<!doctype html><title>Service unavailable</title>"
    return web.Response(text=text, content_type="text/html", status=status)


def _fault(body: Json) -> Fault:
    known = set(Fault.__dataclass_fields__)
    if unknown := set(body) - known:
        raise DocumentError(f"there is no fault called {min(unknown)}")
    status = _whole(body, "status")
    if status is not None and not _LEAST_ERROR <= status <= _WORST_ERROR:
        raise DocumentError("status must be that of an error")
    fault = Fault(
        status=status,
        retry_after=number(body, "retry_after") if "retry_after" in body else None,
        times=_whole(body, "times"),
        before=flag(body, "before", default=False),
        after=flag(body, "after", default=False),
        delay_ms=number({"delay_ms": 0, **body}, "delay_ms"),
        method=text(body, "method", "").upper() or None,
        path=text(body, "path", "") or None,
    )
    if fault.before and fault.after:
        raise DocumentError("a call is cut before its effect or after it, not both")
    return fault


def _whole(body: Json, name: str) -> int | None:
    if body.get(name) is None:
        return None
    value = number(body, name)
    if value < 0 or value != int(value):
        raise DocumentError(f"{name} must be a whole number that is not negative")
    return int(value)
