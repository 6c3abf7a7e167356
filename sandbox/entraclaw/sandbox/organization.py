"""The tenant at Graph, and what of it somebody holds: its domains, groups, the bearer's own roles.

Organization: https://learn.microsoft.com/graph/api/organization-list
Groups: https://learn.microsoft.com/graph/api/group-get
Roles: https://learn.microsoft.com/graph/api/user-list-memberof
"""

import uuid

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory import HOME, Tenant
from entraclaw.sandbox.directory_roles import DirectoryRole
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.object_documents import group
from entraclaw.sandbox.registrar import Registrar, missing
from entraclaw.sandbox.sponsors import group_of

_SELF = frozenset({"User.Read", "User.ReadWrite", "User.Read.All", "Directory.Read.All"})
# Without one of these a role is shown as one, and no more of it.
_ROLES = frozenset({"RoleManagement.Read.Directory", "Directory.Read.All"})
_LIST = ("me/memberOf", "me/transitiveMemberOf")
_CAST = "microsoft.graph.directoryRole"
_ALIAS = "graph.directoryRole"  # which is how Microsoft's own clients write it


class Organization:
    """The tenant itself, at the Graph host."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve = self._registrar.routes
        casts = [f"{place}/{cast}" for place in _LIST for cast in (_CAST, _ALIAS)]
        return [
            *serve(["organization"], web.get, self._list),
            *serve(["organization/{id}"], web.get, self._read),
            *serve([*_LIST, *casts], web.get, self._roles),
            *serve(["groups/{id}"], web.get, self._group),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_ORGANIZATION)
        return self._registrar.page(request, "organization", [self._own(bearer)], frozenset())

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_ORGANIZATION)
        own, name = self._own(bearer), request.match_info["id"]
        if own["id"] != name.lower():
            message = f"Resource '{name}' does not exist."
            raise GraphError(404, "Request_ResourceNotFound", message)
        return self._registrar.entity(request, "organization", own)

    async def _group(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_GROUP)
        found = group_of(request.match_info["id"].lower(), bearer.tid)
        if found is None:
            raise missing(request.match_info["id"])
        return self._registrar.entity(request, "groups", group(found))

    async def _roles(self, request: web.Request, bearer: Bearer) -> web.Response:
        if bearer.idtyp != "user":
            message = "/me request is only valid with delegated authentication flow."
            raise GraphError(400, "BadRequest", message)
        if not bearer.scopes & _SELF:
            message = "Insufficient privileges to complete the operation."
            raise GraphError(403, "Authorization_RequestDenied", message)
        held = [role for role in DirectoryRole if role.template in bearer.wids]
        is_known = bool(bearer.scopes & _ROLES)
        shown = [_role(role, bearer.tid, is_known=is_known) for role in held]
        return self._registrar.page(request, "directoryObjects", shown, frozenset({"id"}))

    def _own(self, bearer: Bearer) -> Json:
        return _tenant(self._registrar.directory.tenant(bearer.tid) or HOME)


def _tenant(tenant: Tenant) -> Json:
    domain: Json = {
        "capabilities": "Email, OfficeCommunicationsOnline",
        "isDefault": True,
        "isInitial": True,
        "name": tenant.domain,
        "type": "Managed",
    }
    return {
        "id": tenant.id,
        "deletedDateTime": None,
        "countryLetterCode": "US",
        "displayName": tenant.name,
        "tenantType": "AAD",
        "verifiedDomains": [domain],
    }


def _role(role: DirectoryRole, tenant: str, *, is_known: bool) -> Json:
    # Of a template there is one role in each tenant.
    own = str(uuid.uuid5(uuid.UUID(tenant), role.template))
    return {
        "@odata.type": f"#{_CAST}",
        "id": own,
        "deletedDateTime": None,
        "description": None,
        "displayName": role.value if is_known else None,
        "roleTemplateId": role.template if is_known else None,
    }
