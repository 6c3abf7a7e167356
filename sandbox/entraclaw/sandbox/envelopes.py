"""How Graph answers: its headers, its envelope for every error, who is let in.

A reader gets the request and the bearer, and returns a response or raises
`GraphError`; everything that all calls have in common is here, and a log of who
called, which tests read.

Errors: https://learn.microsoft.com/graph/errors
"""

import datetime as dt
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

import orjson
from aiohttp import web

from entraclaw.sandbox.bearers import Bearer, BearerError, challenge, read_bearer
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import DocumentError, Json
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.resources import GRAPH

_log = logging.getLogger(__name__)

_TROUBLES = {
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}

_ID = web.RequestKey("request-id", str)

Reader: TypeAlias = Callable[[web.Request, Bearer], Awaitable[web.Response]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


class GraphError(Exception):
    """Graph's no, with its own code and sentence; *asks* is what a 401 asks for."""

    def __init__(self, status: int, code: str, message: str, *, asks: str = "") -> None:
        self.status, self.code, self.message, self.asks = status, code, message, asks
        super().__init__(code)


class Answering:
    """Makes readers into handlers that answer as Graph does: for whom, and by which clock."""

    def __init__(self, keys: Keyring, clock: Clock, directory: Directory) -> None:
        self._keys, self.clock, self.directory = keys, clock, directory
        self._calls: list[Json] = []

    def routes(self) -> list[web.RouteDef]:
        """The part of the control API that tells who called."""
        return [web.get("/control/calls", self._show)]

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response({"calls": self._calls})

    def __call__(self, read: Reader) -> Handler:
        """Wrap *read*."""

        async def handler(request: web.Request) -> web.Response:
            bearer: Bearer | None = None
            try:
                bearer = self._bearer(request)
                response = await read(request, bearer)
            except GraphError as no:
                response = refusal(request, no)
            except DocumentError as wrong:
                response = refusal(request, GraphError(400, "BadRequest", str(wrong)))
            self._note(request, bearer, response.status)
            response.headers.update(_headers(request))
            return response

        return handler

    def _note(self, request: web.Request, bearer: Bearer | None, status: int) -> None:
        who = bearer and {"oid": bearer.oid, "idtyp": bearer.idtyp, "azp": bearer.azp}
        call = {"n": len(self._calls) + 1, "method": request.method, "path": request.path}
        self._calls.append({**call, "status": status, "sender": who})

    def _bearer(self, request: web.Request) -> Bearer:
        header = request.headers.get("Authorization")
        try:
            bearer = read_bearer(header, keys=self._keys, audience=GRAPH, now=self.clock.now())
        except BearerError as wrong:
            raise GraphError(401, "InvalidAuthenticationToken", str(wrong)) from None
        agent = self.directory.agent(bearer.oid)
        asks = challenge(bearer, agent.tokens_from) if agent else None
        if asks:
            message = "Continuous access evaluation resulted in challenge."
            raise GraphError(401, "InvalidAuthenticationToken", message, asks=asks)
        return bearer


def document(body: Json, status: int = 200) -> web.Response:
    """Answer with a JSON document."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"OData-Version": "4.0"},
    )


def refusal(request: web.Request, no: GraphError) -> web.Response:
    """Answer with *no*, in Graph's envelope."""
    _log.info("graph: refused with %d %s", no.status, no.code)
    headers = _headers(request)
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    inner = {
        "date": at,
        "request-id": headers["request-id"],
        "client-request-id": headers["client-request-id"],
    }
    body = {"error": {"code": no.code, "message": no.message, "innerError": inner}}
    response = document(body, no.status)
    response.headers.update(headers)
    if no.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = no.asks or 'Bearer realm=""'
    return response


def failure(request: web.Request, status: int) -> web.Response:
    """Answer as when the service itself is in trouble."""
    code = _TROUBLES.get(status, "UnknownError")
    return refusal(request, GraphError(status, code, "Try again later."))


def _headers(request: web.Request) -> Mapping[str, str]:
    # One request has one id, however often it is asked for.
    own = request.setdefault(_ID, str(uuid.uuid4()))
    return {
        "request-id": own,
        "client-request-id": request.headers.get("client-request-id") or own,
    }
