"""The rooms of Graph in which a tenant's directory is read and written, put together.

Those that know a path better come before those that would take it for an object's id.
"""

from collections.abc import Iterable

from aiohttp import web

from entraclaw.sandbox.administrators import Act
from entraclaw.sandbox.agent_users import AgentUsers
from entraclaw.sandbox.apis import Apis
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import Blueprints
from entraclaw.sandbox.communication import Communication
from entraclaw.sandbox.deleted_items import DeletedItems
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.graph import Graph
from entraclaw.sandbox.inheritance import Inheritances
from entraclaw.sandbox.licensing import Licensing
from entraclaw.sandbox.organization import Organization
from entraclaw.sandbox.parties import Parties
from entraclaw.sandbox.permission_grants import PermissionGrants
from entraclaw.sandbox.registrar import Registrar
from entraclaw.sandbox.role_assignments import RoleAssignments
from entraclaw.sandbox.service_principals import ServicePrincipals, may
from entraclaw.sandbox.sponsoring import Rooms, Sponsoring


def tenant_routes(registrar: Registrar, apis: Apis) -> list[web.RouteDef]:
    """What the Graph host serves of a tenant, and its answer to what it does not know."""

    def of_apis(bearer: Bearer) -> Iterable[Json]:
        is_let_in = may(bearer, Act.READ_RESOURCE)
        return [api.document(bearer.tid) for api in apis] if is_let_in else []

    blueprints, users = Blueprints(registrar), AgentUsers(registrar)
    principals = ServicePrincipals(registrar, of_apis)
    parties = Parties(registrar, apis)
    parts = (
        Sponsoring(registrar, Rooms(blueprints, principals, users)),
        Communication(registrar, blueprints, principals),
        PermissionGrants(registrar, parties),
        RoleAssignments(registrar, parties),
        Inheritances(registrar, parties),
        Licensing(registrar, users),
        blueprints,
        principals,
        users,
        DeletedItems(registrar),
        Organization(registrar),
        Graph(registrar, users),
    )
    return [route for part in parts for route in part.routes()]
