"""Microsoft Graph, the little of it an agent needs to know its people.

`/me`, one user, one user's sponsors. Who may read what follows the delegated
scopes of the bearer.

Users: https://learn.microsoft.com/graph/api/user-get
"""

from aiohttp import web

from entraclaw.sandbox.accounts import Accounts
from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory import PEOPLE, Directory, Person
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.envelopes import Answering, GraphError, document

_READ_SELF = frozenset({"User.Read", "User.ReadWrite"})
_READ_OTHERS = frozenset({"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"})


class Graph:
    """The people of the Graph host, and its answer to what it does not know."""

    def __init__(self, *, base: str, directory: Directory, answer: Answering) -> None:
        self._base, self._directory, self._answer = base, directory, answer

    def routes(self) -> list[web.RouteDef]:
        """What this host serves, after everything that is more exact."""
        accounts = Accounts(base=self._base, directory=self._directory, answer=self._answer)
        return [
            *accounts.routes(),
            web.get("/v1.0/me", self._answer(self._me)),
            web.get("/v1.0/users/{id}", self._answer(self._user)),
            web.get("/v1.0/users/{id}/sponsors", self._answer(self._sponsors)),
            web.route("*", "/{path:.*}", self._answer(_nothing)),
        ]

    async def _me(self, request: web.Request, bearer: Bearer) -> web.Response:
        if bearer.idtyp != "user":
            raise GraphError(
                400,
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            )
        user = self._find(bearer.oid, bearer)
        agent = self._directory.agent(bearer.oid)
        if agent is not None and "identityParentId" in request.query.get("$select", ""):
            user["identityParentId"] = agent.identity  # given only when asked for, too
        return self._context("users/$entity", user)

    async def _user(self, request: web.Request, bearer: Bearer) -> web.Response:
        user = self._find(request.match_info["id"], bearer)
        if "userType" in request.query.get("$select", ""):  # Graph gives it only when asked
            user["userType"] = "Member"
        return self._context("users/$entity", user)

    async def _sponsors(self, request: web.Request, bearer: Bearer) -> web.Response:
        # Reading an agent user's sponsors needs no more than User.Read.
        _permit(bearer, _READ_SELF | _READ_OTHERS)
        name = request.match_info["id"]
        agent = self._directory.agent_user(bearer.tid, name)
        if agent is None:
            self._find(name, bearer)
            return self._context("directoryObjects", {"value": []})
        people = [person for person in PEOPLE if person.oid in agent.sponsors]
        value = [{"@odata.type": "#microsoft.graph.user", **_person(p)} for p in people]
        return self._context("directoryObjects", {"value": value})

    def _find(self, name: str, bearer: Bearer) -> Json:
        agent = self._directory.agent_user(bearer.tid, name)
        oneself = bearer.oid in {agent.user if agent else "", name.lower()}
        _permit(bearer, _READ_SELF | _READ_OTHERS if oneself else _READ_OTHERS)
        if agent is not None and not agent.account.is_deleted:
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

    def _context(self, name: str, body: Json) -> web.Response:
        return document({"@odata.context": f"{self._base}/v1.0/$metadata#{name}", **body})


async def _nothing(_request: web.Request, _bearer: Bearer) -> web.Response:
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
