"""Users at Graph, as administrators see them: agent users made, changed, deleted; everybody listed.

People are only read. What an agent user may be is decided in `making`.

Agent users: https://learn.microsoft.com/graph/api/resources/agentuser
"""

import uuid
from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import is_of
from entraclaw.sandbox.directory import HOME, Tenant
from entraclaw.sandbox.documents import load
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.making import changed_user, new_user, parent_of
from entraclaw.sandbox.object_documents import PROFILE, TYPES, agent_user, person
from entraclaw.sandbox.objects import AgentUser
from entraclaw.sandbox.registrar import Registrar, check_version, missing

CAST = "microsoft.graph.agentUser"
ADDRESSES = ("users/{id}", f"users/{{id}}/{CAST}", f"users/{CAST}/{{id}}")
_FILTERS = frozenset(
    {"id", "userPrincipalName", "mail", "mailNickname", "displayName", "accountEnabled"}
    | {"usageLocation", "userType"}
)
_PARENT = frozenset({"identityParentId"})
# A permission over the agent users of its own agent identities, for a blueprint to have.
_OWN = "AgentIdUser.ReadWrite.IdentityParentedBy"


class AgentUsers:
    """The agent users of the Graph host."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self._directory, self._shelves = registrar.directory, registrar.shelves

    def routes(self) -> list[web.RouteDef]:
        """What this part serves; one user is read in `graph`, for whoever may."""
        serve = self._registrar.routes
        return [
            *serve([f"users/{CAST}", "users"], web.post, self._create),
            *serve([f"users/{CAST}", "users"], web.get, self._list),
            *serve(ADDRESSES, web.patch, self._update),
            *serve(ADDRESSES, web.delete, self._delete),
        ]

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        body = load(await request.read())
        check_version(request, body)
        if CAST not in request.path and not is_of(body, TYPES[AgentUser]):
            raise GraphError(400, "Request_BadRequest", f"Only {CAST} can be created here.")
        parent, registrar = parent_of(body), self._registrar
        self._permit(bearer, Act.CREATE_USER, parent)
        blank = AgentUser(str(uuid.uuid4()), parent, bearer.tid, "", "", "")
        made = new_user(blank, body, self._tenant(bearer))
        self._check_parent(bearer, parent)
        self._check_free(made)
        registrar.admit_another(AgentUser, bearer.tid)
        made = replace(made, life=registrar.life(AgentUser))
        self._directory.put(made)
        given = PROFILE | {"mailNickname", "identityParentId", "accountEnabled", "@odata.type"}
        shown = {name: value for name, value in agent_user(made).items() if name in given}
        return registrar.made("users/$entity", shown)

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_USER)
        found = [one for one in self._shelves.users.of(bearer.tid) if self._registrar.sees(one)]
        shown = [agent_user(one) for one in found]
        is_cast = CAST in request.path
        if not is_cast:
            shown += [person(one) for one in self._directory.people(bearer.tid)]
        # The parent is a property of agent users alone, and so filters only a list of them.
        filters = _FILTERS | _PARENT if is_cast else _FILTERS
        if "$select" not in request.query:
            known = PROFILE | filters | {"@odata.type"}
            shown = [{n: v for n, v in one.items() if n in known} for one in shown]
        return self._registrar.page(request, "users", shown, filters)

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        body = load(await request.read())
        check_version(request, body)
        self._permit(bearer, Act.UPDATE_USER, found.identity)
        changed = changed_user(found, body, self._tenant(bearer))
        if changed.upn != found.upn:
            self._check_free(changed)
        self._directory.put(changed)
        return web.Response(status=204)

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        self._permit(bearer, Act.DELETE_USER, found.identity)
        self._registrar.delete(found)
        return web.Response(status=204)

    def _find(self, request: web.Request, bearer: Bearer) -> AgentUser:
        found = self.find(request.match_info["id"], bearer.tid)
        if found is None:
            raise missing(request.match_info["id"])
        return found

    def find(self, name: str, tenant: str) -> AgentUser | None:
        """Find an agent user by object id or UPN, if a call finds it by now."""
        wanted = name.lower()
        named = (u for u in self._shelves.users.of(tenant) if wanted in {u.id, u.upn.lower()})
        return next((one for one in named if self._registrar.sees(one)), None)

    def _permit(self, bearer: Bearer, act: Act, parent: str) -> None:
        """Let *bearer* do *act* to the agent user of the agent identity *parent*."""
        permit_admin(bearer, act)
        held = bearer.roles if bearer.idtyp == "app" else bearer.scopes
        if not held <= {_OWN} or bearer.idtyp != "app":
            return
        identity = self._shelves.identities.find(bearer.tid, parent)
        if identity and bearer.azp not in {identity.id, identity.blueprint}:
            raise GraphError(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            )

    def _check_parent(self, bearer: Bearer, parent: str) -> None:
        identity = self._shelves.identities.find(bearer.tid, parent)
        if identity is None or not self._registrar.sees(identity):
            raise _bad(missing(parent).message)
        users = (u for u in self._shelves.users.of(bearer.tid) if u.identity == parent)
        if any(one.life.deleted is None for one in users):
            raise _bad("The specified identityParentId is already linked to another agent user.")

    def _check_free(self, one: AgentUser) -> None:
        """Let *one* have its address, which nobody else may have, known to others or not."""
        upn = one.upn.lower()
        agents = (u for u in self._shelves.users.of(one.tenant) if u.life.deleted is None)
        taken = {user.upn.lower() for user in agents if user.id != one.id}
        if upn in taken | {somebody.upn for somebody in self._directory.people(one.tenant)}:
            raise _bad(
                "Another object with the same value for property userPrincipalName already exists."
            )

    def _tenant(self, bearer: Bearer) -> Tenant:
        return self._directory.tenant(bearer.tid) or HOME


def _bad(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
