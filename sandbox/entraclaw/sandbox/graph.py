"""Microsoft Graph, the little of it an agent needs to know its people.

`/me`, one user, one user's sponsors; with Graph's headers and its envelope for
every error. Who may read what follows the delegated scopes of the bearer.

Errors: https://learn.microsoft.com/graph/errors
Users: https://learn.microsoft.com/graph/api/user-get
"""

import datetime as dt
import time
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from entraclaw.sandbox.bearers import Bearer, BearerError, read_bearer
from entraclaw.sandbox.directory import Agent, Directory, Person
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.resources import GRAPH
from entraclaw.sandbox.tokens import SigningKey

_READ_SELF = frozenset({"User.Read", "User.ReadWrite"})
_READ_OTHERS = frozenset({"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"})

_Reader = Callable[[web.Request, Bearer], Awaitable[Json]]


class GraphError(Exception):
    """Graph's no, with its own code and sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


class Graph:
    """The Graph host."""

    def __init__(self, *, base: str, directory: Directory, key: SigningKey) -> None:
        self._base, self._directory, self._key = base, directory, key

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            web.get("/v1.0/me", self._answer(self._me)),
            web.get("/v1.0/users/{id}", self._answer(self._user)),
            web.get("/v1.0/users/{id}/sponsors", self._answer(self._sponsors)),
            web.get("/{path:.*}", self._answer(_nothing)),
        ]

    def _answer(self, read: _Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            headers = {
                "request-id": str(uuid.uuid4()),
                "client-request-id": request.headers.get("client-request-id") or str(uuid.uuid4()),
                "OData-Version": "4.0",
            }
            try:
                body, status = await read(request, self._bearer(request)), 200
            except GraphError as no:
                body, status = _envelope(no, headers), no.status
                if status == HTTPStatus.UNAUTHORIZED:
                    headers["WWW-Authenticate"] = 'Bearer realm=""'
            return web.json_response(body, status=status, headers=headers)

        return handler

    def _bearer(self, request: web.Request) -> Bearer:
        header = request.headers.get("Authorization")
        try:
            return read_bearer(header, key=self._key, audience=GRAPH, now=time.time())
        except BearerError as wrong:
            raise GraphError(401, "InvalidAuthenticationToken", str(wrong)) from None

    async def _me(self, _request: web.Request, bearer: Bearer) -> Json:
        if bearer.idtyp != "user":
            raise GraphError(
                400,
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            )
        return self._context("users/$entity", self._find(bearer.oid, bearer))

    async def _user(self, request: web.Request, bearer: Bearer) -> Json:
        return self._context("users/$entity", self._find(request.match_info["id"], bearer))

    async def _sponsors(self, request: web.Request, bearer: Bearer) -> Json:
        # Reading an agent user's sponsors needs no more than User.Read.
        _permit(bearer, _READ_SELF | _READ_OTHERS)
        name = request.match_info["id"]
        agent = self._directory.agent_user(bearer.tid, name)
        if agent is None:
            self._find(name, bearer)
            return self._context("directoryObjects", {"value": []})
        people = [self._directory.person(key) for key in agent.sponsors]
        value = [{"@odata.type": "#microsoft.graph.user", **_person(p)} for p in people if p]
        return self._context("directoryObjects", {"value": value})

    def _find(self, name: str, bearer: Bearer) -> Json:
        agent = self._directory.agent_user(bearer.tid, name)
        oneself = agent is not None and agent.user == bearer.oid
        _permit(bearer, _READ_SELF | _READ_OTHERS if oneself else _READ_OTHERS)
        if agent is not None:
            return _agent(agent)
        wanted = name.lower()
        for person in self._directory.people(bearer.tid):
            if wanted in {person.oid, person.upn}:
                return _person(person)
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{name}' does not exist or one of its queried reference-property "
            "objects are not present.",
        )

    def _context(self, name: str, body: Json) -> Json:
        return {"@odata.context": f"{self._base}/v1.0/$metadata#{name}", **body}


async def _nothing(_request: web.Request, _bearer: Bearer) -> Json:
    raise GraphError(400, "BadRequest", "Resource not found for the segment.")


def _permit(bearer: Bearer, scopes: frozenset[str]) -> None:
    if not bearer.scopes & scopes:
        raise GraphError(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )


def _person(person: Person) -> Json:
    return _profile(person.oid, person.name, person.upn)


def _agent(agent: Agent) -> Json:
    return _profile(agent.user, agent.name, agent.upn)


def _profile(oid: str, name: str, upn: str) -> Json:
    given, _, surname = name.partition(" ")
    return {
        "id": oid,
        "displayName": name,
        "givenName": given,
        "surname": surname or None,
        "userPrincipalName": upn,
        "mail": upn,
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "en-US",
        "businessPhones": [],
    }


def _envelope(no: GraphError, headers: dict[str, str]) -> Json:
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    inner = {
        "date": at,
        "request-id": headers["request-id"],
        "client-request-id": headers["client-request-id"],
    }
    return {"error": {"code": no.code, "message": no.message, "innerError": inner}}
