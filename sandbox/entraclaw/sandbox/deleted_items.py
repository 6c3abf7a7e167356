"""The bin of the directory at Graph: what is in it, taken out again, deleted for good.

A blueprint's principal cannot be deleted for good: it stays until its thirty days are over.
What was taken out brings nothing else back: each object is restored by itself.

https://learn.microsoft.com/graph/api/resources/directory
"""

from collections.abc import Iterator
from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory import HOME, Application
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.object_documents import agent_user, application, identity, principal
from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    DirectoryObject,
    Identity,
    Principal,
)
from entraclaw.sandbox.registrar import Registrar, missing

_BIN = "directory/deletedItems"
_NAMESPACES = ("microsoft.graph.", "graph.")  # the second is the alias of the first
_KINDS: dict[str, tuple[type[DirectoryObject], ...]] = {
    "application": (Blueprint,),
    "agentidentityblueprint": (Blueprint,),
    "serviceprincipal": (Principal, Identity),
    "agentidentityblueprintprincipal": (Principal,),
    "agentidentity": (Identity,),
    "user": (AgentUser,),
    "agentuser": (AgentUser,),
}
_DELETING = {
    Blueprint: Act.DELETE_BLUEPRINT,
    Principal: Act.DELETE_PRINCIPAL,
    Identity: Act.DELETE_IDENTITY,
    AgentUser: Act.DELETE_USER,
}
_READING = {
    Blueprint: Act.READ_BLUEPRINT,
    Principal: Act.READ_PRINCIPAL,
    Identity: Act.READ_IDENTITY,
    AgentUser: Act.READ_USER,
}
_FILTERS = frozenset({"id", "appId", "displayName", "tags", "userPrincipalName"})


class DeletedItems:
    """The bin of the Graph host."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar, self._directory = registrar, registrar.directory

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve, one = self._registrar.routes, f"{_BIN}/{{name}}"
        return [
            *serve([one], web.get, self._read),
            *serve([f"{one}/restore", f"{one}/microsoft.graph.restore"], web.post, self._restore),
            *serve([one], web.delete, self._delete),
        ]

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        name = request.match_info["name"]
        if name.lower().startswith(_NAMESPACES):
            return self._list(request, bearer)
        found = self._find(name, bearer)
        permit_admin(bearer, _READING[type(found)])
        return self._registrar.entity(request, "directoryObjects", self._shown(found))

    def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        kinds = _KINDS.get(request.match_info["name"].lower().rpartition(".")[2], ())
        if not kinds:
            raise GraphError(400, "Request_BadRequest", "Resource type is not supported here.")
        for kind in kinds:
            permit_admin(bearer, _READING[kind])
        shown = [self._shown(one) for one in self._all(bearer.tid) if isinstance(one, kinds)]
        return self._registrar.page(request, "directoryObjects", shown, _FILTERS)

    async def _restore(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request.match_info["name"], bearer)
        is_owner = self._registrar.owns(bearer, found)
        permit_admin(bearer, _DELETING[type(found)], is_owner=is_owner)
        self._check_free(found)
        restored = replace(found, life=replace(found.life, deleted=None))
        self._directory.put(restored)
        return self._registrar.made("directoryObjects/$entity", self._shown(restored), status=200)

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request.match_info["name"], bearer)
        is_owner = self._registrar.owns(bearer, found)
        permit_admin(bearer, _DELETING[type(found)], is_owner=is_owner)
        if isinstance(found, Principal):
            # That it is refused is documented, in which words is not.
            message = "Agent identity blueprint principals cannot be permanently deleted."
            raise GraphError(400, "Request_BadRequest", message)
        self._registrar.shelves.drop(found)
        return web.Response(status=204)

    def _find(self, name: str, bearer: Bearer) -> DirectoryObject:
        found = next((one for one in self._all(bearer.tid) if one.id == name.lower()), None)
        if found is None:
            raise missing(name)
        return found

    def _all(self, tenant: str) -> Iterator[DirectoryObject]:
        return self._registrar.shelves.deleted(tenant)

    def _check_free(self, one: DirectoryObject) -> None:
        """Let *one* come back, unless somebody has its place."""
        shelves = self._registrar.shelves
        match one:
            case Principal():
                others = [p for p in shelves.principals.of(one.tenant) if p.app == one.app]
                is_taken = any(other.life.deleted is None for other in others)
            case AgentUser():
                users = [u for u in shelves.users.of(one.tenant) if u.life.deleted is None]
                is_taken = any(
                    u.identity == one.identity or u.upn.lower() == one.upn.lower() for u in users
                )
            case _:
                is_taken = False
        if is_taken:
            raise GraphError(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                "The object cannot be restored because another one has the same key value.",
            )

    def _shown(self, one: DirectoryObject) -> Json:
        tenant, shelves = self._directory.tenant(one.tenant) or HOME, self._registrar.shelves
        match one:
            case Blueprint():
                kept = Application(one.id, one.app, one.tenant, one.name, one.certificates, one)
                return application(kept, is_whole=False, domain=tenant.domain)
            case Principal():
                return principal(one, shelves.blueprint(one.tenant, one.app), tenant)
            case Identity():
                return identity(one, shelves.blueprint(one.tenant, one.blueprint))
            case AgentUser():
                return agent_user(one)
