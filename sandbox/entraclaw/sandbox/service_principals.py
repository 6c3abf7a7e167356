"""Service principals at Graph: of blueprints, agent identities, and of the tenant's APIs.

A blueprint's principal is made by an administrator, who alone can: nothing makes it by
itself. An agent identity may be made by its blueprint, too. What each may be is decided in
`making`.

Principals: https://learn.microsoft.com/graph/api/resources/agentidentityblueprintprincipal
Identities: https://learn.microsoft.com/graph/api/resources/agentidentity
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import is_of
from entraclaw.sandbox.directory import HOME
from entraclaw.sandbox.documents import Json, load, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.making import changed_identity, changed_principal
from entraclaw.sandbox.object_documents import TYPES, identity, principal
from entraclaw.sandbox.objects import Identity, Principal
from entraclaw.sandbox.registrar import Registrar, check_version, missing
from entraclaw.sandbox.sponsors import owners_of_new, sponsors_of_new

PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
IDENTITY = "microsoft.graph.agentIdentity"
ADDRESSES = (
    "servicePrincipals/{id}",
    "servicePrincipals(appId='{app}')",
    *(f"servicePrincipals/{{id}}/{cast}" for cast in (PRINCIPAL, IDENTITY)),
    *(f"servicePrincipals/{cast}/{{id}}" for cast in (PRINCIPAL, IDENTITY)),
)
_FILTERS = frozenset(
    {"id", "appId", "displayName", "tags", "agentIdentityBlueprintId", "servicePrincipalType"}
    | {"accountEnabled", "createdByAppId", "servicePrincipalNames"}
)

# The principals of somebody else, as documents, for who may read them: the tenant's APIs.
Others: TypeAlias = Callable[[Bearer], Iterable[Json]]


class ServicePrincipals:
    """The service principals of the Graph host."""

    def __init__(self, registrar: Registrar, others: Others) -> None:
        self._registrar, self._others = registrar, others
        self._directory, self._shelves = registrar.directory, registrar.shelves

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve, every = self._registrar.routes, "servicePrincipals"
        return [
            *serve([f"{every}/{PRINCIPAL}"], web.post, self._create_principal),
            *serve([f"{every}/{IDENTITY}"], web.post, self._create_identity),
            *serve([every], web.post, self._create),
            *serve([f"{every}/{PRINCIPAL}"], web.get, self._list_principals),
            *serve([f"{every}/{IDENTITY}"], web.get, self._list_identities),
            *serve([every], web.get, self._list),
            *serve(ADDRESSES, web.get, self._read),
            *serve(ADDRESSES, web.patch, self._update),
            *serve(ADDRESSES, web.delete, self._delete),
        ]

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        body = load(await request.read())
        if is_of(body, TYPES[Principal]):
            return await self._create_principal(request, bearer)
        if is_of(body, TYPES[Identity]):
            return await self._create_identity(request, bearer)
        raise GraphError(
            400, "Request_BadRequest", f"Only {PRINCIPAL} and {IDENTITY} can be created here."
        )

    async def _create_principal(self, request: web.Request, bearer: Bearer) -> web.Response:
        body = load(await request.read())
        check_version(request, body)
        app, registrar = text(body, "appId").lower(), self._registrar
        blueprint = self._shelves.blueprint(bearer.tid, app)
        is_owner = blueprint is not None and registrar.owns(bearer, blueprint)
        permit_admin(bearer, Act.CREATE_PRINCIPAL, is_owner=is_owner)
        if blueprint is None or not registrar.sees(blueprint):
            raise self._no_blueprint(bearer, app)
        blank = Principal(str(uuid.uuid4()), app, bearer.tid, maker=bearer.azp)
        read = changed_principal(blank, body)
        current = self._shelves.principal(bearer.tid, app)
        if current and current.life.deleted is None:
            raise GraphError(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                "The service principal cannot be created, updated, or restored because the "
                f"service principal name {app} is already in use.",
            )
        made = replace(
            read,
            owners=owners_of_new(body, bearer),
            life=registrar.life(Principal),
        )
        registrar.admit_another(Principal, bearer.tid)
        self._directory.put(made)
        return registrar.made(f"servicePrincipals/{PRINCIPAL}/$entity", self._shown(made))

    async def _create_identity(self, request: web.Request, bearer: Bearer) -> web.Response:
        body = load(await request.read())
        check_version(request, body)
        parent, registrar = text(body, "agentIdentityBlueprintId").lower(), self._registrar
        self._permit_child(bearer, parent)
        if self._directory.bot(bearer.tid, parent):
            raise GraphError(
                400,
                "AgentIdentity_IncompatibleParentType",
                "The specified Application (AppId) isn't an Agent Blueprint.",
            )
        current = self._shelves.principal(bearer.tid, parent)
        if current is None or not registrar.sees(current):
            raise GraphError(
                400,
                "AgentIdentity_AgentBlueprintPrincipalDoesNotExist",
                "The required Agent Blueprint Principal doesn't exist for the specified Agent "
                "Identity Blueprint ID.",
            )
        blank = Identity(str(uuid.uuid4()), parent, bearer.tid, "", maker=bearer.azp)
        made = replace(
            changed_identity(blank, body),
            sponsors=sponsors_of_new(body, bearer, self._directory),
            owners=owners_of_new(body, bearer),
            life=registrar.life(Identity),
        )
        registrar.admit_another(Identity, bearer.tid)
        self._directory.put(made)
        return registrar.made("servicePrincipals/$entity", self._shown(made))

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        shown = [*self._others(bearer)]
        is_let_in = bool(shown)
        for act, found in (
            (Act.READ_PRINCIPAL, self._shelves.principals.of(bearer.tid)),
            (Act.READ_IDENTITY, self._shelves.identities.of(bearer.tid)),
        ):
            if may(bearer, act):
                shown += self._all(found)
                is_let_in = True
        if not is_let_in:
            permit_admin(bearer, Act.READ_PRINCIPAL)
        return self._registrar.page(request, "servicePrincipals", shown, _FILTERS)

    async def _list_principals(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_PRINCIPAL)
        shown = self._all(self._shelves.principals.of(bearer.tid))
        return self._registrar.page(request, f"servicePrincipals/{PRINCIPAL}", shown, _FILTERS)

    async def _list_identities(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = [*self._shelves.identities.of(bearer.tid)]
        if self._shelves.blueprint(bearer.tid, bearer.azp) and bearer.idtyp == "app":
            found = [one for one in found if one.blueprint == bearer.azp]
        else:
            permit_admin(bearer, Act.READ_IDENTITY)
        shown = self._all(found)
        return self._registrar.page(request, f"servicePrincipals/{IDENTITY}", shown, _FILTERS)

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        name = request.match_info.get("id") or request.match_info.get("app") or ""
        found = self._look_up(request, bearer)
        if found is None:
            key = "id" if "id" in request.match_info else "appId"
            others = (one for one in self._others(bearer) if one.get(key) == name.lower())
            if (other := next(others, None)) is None:
                raise missing(name)
            return self._registrar.entity(request, "servicePrincipals", other)
        act = Act.READ_PRINCIPAL if isinstance(found, Principal) else Act.READ_IDENTITY
        if bearer.azp not in {found.id, _parent(found)} or bearer.idtyp != "app":
            permit_admin(bearer, act)
        return self._registrar.entity(request, "servicePrincipals", self._shown(found))

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer)
        body = load(await request.read())
        check_version(request, body)
        for act in _acts(found, body):
            permit_admin(bearer, act, is_owner=self._registrar.owns(bearer, found))
        if isinstance(found, Principal):
            self._directory.put(changed_principal(found, body))
        else:
            self._directory.put(changed_identity(found, body))
        return web.Response(status=204)

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer)
        act = Act.DELETE_PRINCIPAL if isinstance(found, Principal) else Act.DELETE_IDENTITY
        permit_admin(bearer, act, is_owner=self._registrar.owns(bearer, found))
        self._registrar.delete(found)
        return web.Response(status=204)

    def find(self, request: web.Request, bearer: Bearer) -> Principal | Identity:
        """The principal or agent identity that the path names, if a call finds it by now.

        Raises:
            GraphError: There is none.
        """
        found = self._look_up(request, bearer)
        if found is None:
            raise missing(request.match_info.get("id") or request.match_info.get("app") or "")
        return found

    def _look_up(self, request: web.Request, bearer: Bearer) -> Principal | Identity | None:
        name, tenant = request.match_info.get("id"), bearer.tid
        principals, identities = self._shelves.principals, self._shelves.identities
        if name:
            found = principals.find(tenant, name) or identities.find(tenant, name)
        else:
            app = request.match_info["app"]
            found = self._shelves.principal(tenant, app) or identities.find(tenant, app)
        if found is None or not self._registrar.sees(found):
            return None
        wanted = PRINCIPAL if isinstance(found, Principal) else IDENTITY
        casts = {PRINCIPAL, IDENTITY} & set(request.path.split("/"))
        return found if casts <= {wanted} else None

    def _permit_child(self, bearer: Bearer, parent: str) -> None:
        """Let *bearer* make an agent identity of the blueprint *parent*."""
        if bearer.idtyp == "app":
            if self._shelves.identities.find(bearer.tid, bearer.azp):
                raise GraphError(
                    403,
                    "Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed",
                    "Agent Identities can't create other Agent Identities.",
                )
            if self._shelves.blueprint(bearer.tid, bearer.azp):
                if bearer.azp != parent:
                    raise GraphError(
                        403,
                        "Error_AgentBlueprintCannotCreateAssociatedIdentity",
                        "Agent Blueprints can't create Agent Identities that are associated "
                        "with another Agent Blueprint.",
                    )
                # AgentIdentity.CreateAsManager, which every blueprint has without being given it.
                return
        blueprint = self._shelves.blueprint(bearer.tid, parent)
        is_owner = blueprint is not None and self._registrar.owns(bearer, blueprint)
        permit_admin(bearer, Act.CREATE_IDENTITY, is_owner=is_owner)

    def _no_blueprint(self, bearer: Bearer, app: str) -> GraphError:
        if self._directory.bot(bearer.tid, app):
            return GraphError(
                400,
                "AgentBlueprintPrincipal_RequireAgentBlueprint",
                "Agent Blueprint Principals can only be created for Agent Blueprints.",
            )
        return GraphError(
            400,
            "Request_BadRequest",
            f"The appId '{app}' of the service principal does not reference a valid "
            "application object.",
        )

    def _all(self, found: Iterable[Principal | Identity]) -> Iterator[Json]:
        return (self._shown(one) for one in found if self._registrar.sees(one))

    def _shown(self, one: Principal | Identity) -> Json:
        blueprint = self._shelves.blueprint(one.tenant, _parent(one))
        if isinstance(one, Principal):
            return principal(one, blueprint, self._directory.tenant(one.tenant) or HOME)
        return identity(one, blueprint)


def may(bearer: Bearer, act: Act) -> bool:
    """Tell whether *bearer* may do *act*."""
    try:
        permit_admin(bearer, act)
    except GraphError:
        return False
    return True


def _parent(one: Principal | Identity) -> str:
    return one.app if isinstance(one, Principal) else one.blueprint


def _acts(one: Principal | Identity, body: Json) -> set[Act]:
    """What changing *one* as *body* says needs; to switch it on and off has a right of its own."""
    is_principal = isinstance(one, Principal)
    enable = Act.ENABLE_PRINCIPAL if is_principal else Act.ENABLE_IDENTITY
    update = Act.UPDATE_PRINCIPAL if is_principal else Act.UPDATE_IDENTITY
    return {enable if name == "accountEnabled" else update for name in body} or {update}
