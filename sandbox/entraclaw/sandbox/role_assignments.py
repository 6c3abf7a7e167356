"""Graph's app role assignments: what an application may do as itself.

https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
"""

import datetime as dt
import uuid
from base64 import urlsafe_b64encode

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.consents import Assignment
from entraclaw.sandbox.documents import Json, load, text
from entraclaw.sandbox.granting import admit_role, bad
from entraclaw.sandbox.parties import Parties, Party
from entraclaw.sandbox.registrar import Registrar, missing

_PATH = "servicePrincipals/{client}/appRoleAssignments"
_FILTERABLE = frozenset({"resourceId", "appRoleId"})


class RoleAssignments:
    """The app role assignments of the Graph host."""

    def __init__(self, registrar: Registrar, parties: Parties) -> None:
        self._registrar, self._parties = registrar, parties
        self._consents = registrar.directory.consents

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve = self._registrar.routes
        return [
            *serve((_PATH,), web.get, self._list),
            *serve((_PATH,), web.post, self._create),
            *serve((f"{_PATH}/{{id}}",), web.get, self._read),
            *serve((f"{_PATH}/{{id}}",), web.delete, self._delete),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_ASSIGNMENTS)
        party = self._parties.principal(bearer.tid, request.match_info["client"])
        shown = (
            self._document(one, party, bearer.tid) for one in self._consents.assignments(party.id)
        )
        return self._registrar.page(request, self._context(party), shown, _FILTERABLE)

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.ASSIGN_ROLES)
        party = self._parties.agent(bearer.tid, request.match_info["client"])
        body = load(await request.read())
        if text(body, "principalId", "").lower() != party.id:
            raise bad("Property principalId must be the id of the service principal in the path.")
        api = self._parties.api(bearer.tid, text(body, "resourceId"))
        role = admit_role(api, text(body, "appRoleId"))
        held = self._consents.assignments(party.id)
        if any((one.resource, one.role) == (api.audience, role) for one in held):
            raise bad("Permission being assigned already exists on the object")
        new = Assignment(party.id, api.audience, role, self._registrar.now())
        self._consents.assign(new, self._known_from())
        shown = self._document(new, party, bearer.tid)
        return self._registrar.made(f"{self._context(party)}/$entity", shown)

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_ASSIGNMENTS)
        party, found = self._find(request, bearer)
        shown = self._document(found, party, bearer.tid)
        return self._registrar.entity(request, self._context(party), shown)

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.ASSIGN_ROLES)
        self._consents.unassign(self._find(request, bearer)[1], self._known_from())
        return web.Response(status=204)

    def _find(self, request: web.Request, bearer: Bearer) -> tuple[Party, Assignment]:
        party = self._parties.principal(bearer.tid, request.match_info["client"])
        name = request.match_info["id"]
        for one in self._consents.assignments(party.id):
            if _own_id(one) == name:
                return party, one
        raise missing(name)

    def _known_from(self) -> float:
        return self._registrar.now() + self._registrar.settings.propagation_s

    def _document(self, one: Assignment, party: Party, tenant: str) -> Json:
        api = self._parties.apis.by_audience(one.resource)
        if api is None:
            raise missing(one.resource)
        made = dt.datetime.fromtimestamp(one.made, dt.UTC)
        return {
            "id": _own_id(one),
            "deletedDateTime": None,
            "appRoleId": api.roles[one.role],
            "createdDateTime": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "principalDisplayName": party.name,
            "principalId": party.id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": api.name,
            "resourceId": api.id(tenant),
        }

    @staticmethod
    def _context(party: Party) -> str:
        return f"servicePrincipals('{party.id}')/appRoleAssignments"


def _own_id(one: Assignment) -> str:
    made = uuid.uuid5(uuid.UUID(one.client), f"{one.resource} {one.role}")
    return urlsafe_b64encode(uuid.UUID(one.client).bytes_le + made.bytes).decode().rstrip("=")
