"""Microsoft Graph, the little of it an agent needs to know its people.

`/me` and one user. Who may read what follows the permissions of the bearer.

Users: https://learn.microsoft.com/graph/api/user-get
"""

from aiohttp import web

from entraclaw.sandbox.accounts import Accounts
from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.agent_users import ADDRESSES, CAST, AgentUsers
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.object_documents import PROFILE, agent_user, person
from entraclaw.sandbox.registrar import Registrar, missing

_READ_SELF = frozenset({"User.Read", "User.ReadWrite"})


class Graph:
    """The people of the Graph host, and its answer to what it does not know."""

    def __init__(self, registrar: Registrar, users: AgentUsers) -> None:
        self._registrar, self._users = registrar, users

    def routes(self) -> list[web.RouteDef]:
        """What this host serves, after everything that is more exact."""
        registrar = self._registrar
        accounts = Accounts(
            base=registrar.base, directory=registrar.directory, answer=registrar.answer
        )
        return [
            *accounts.routes(),
            *registrar.routes(["me"], web.get, self._me),
            *registrar.routes(ADDRESSES, web.get, self._user),
            web.route("*", "/{path:.*}", registrar.answer(_nothing)),
        ]

    async def _me(self, request: web.Request, bearer: Bearer) -> web.Response:
        if bearer.idtyp != "user":
            raise GraphError(
                400,
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            )
        return self._shown(request, self._find(bearer.oid, bearer))

    async def _user(self, request: web.Request, bearer: Bearer) -> web.Response:
        name = request.match_info["id"]
        whole = self._find(name, bearer)
        # A cast to agentUser finds agent users alone.
        if CAST in request.path and "@odata.type" not in whole:
            raise missing(name)
        return self._shown(request, whole)

    def _shown(self, request: web.Request, whole: Json) -> web.Response:
        # Some of a user Graph shows only to who asks for it by name.
        return self._registrar.entity(request, "users", whole, frozenset(whole) - PROFILE)

    def _find(self, name: str, bearer: Bearer) -> Json:
        wanted = name.lower()
        user = self._users.find(name, bearer.tid)
        is_oneself = bearer.oid in {user.id if user else "", wanted}
        if not (is_oneself and bearer.scopes & _READ_SELF):
            permit_admin(bearer, Act.READ_USER)
        if user is not None:
            return agent_user(user)
        for somebody in self._registrar.directory.people(bearer.tid):
            if wanted in {somebody.oid, somebody.upn}:
                return person(somebody)
        raise missing(name)


async def _nothing(_request: web.Request, _bearer: Bearer) -> web.Response:
    raise GraphError(400, "BadRequest", "Resource not found for the segment.")
