"""The rooms of Graph in which a tenant's directory is read and written, put together.

Those that know a path better come before those that would take it for an object's id.
"""

from collections.abc import Iterable

from aiohttp import web

from entraclaw.sandbox.agent_users import AgentUsers
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import Blueprints
from entraclaw.sandbox.communication import Communication
from entraclaw.sandbox.deleted_items import DeletedItems
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.graph import Graph
from entraclaw.sandbox.organization import Organization
from entraclaw.sandbox.registrar import Registrar
from entraclaw.sandbox.service_principals import ServicePrincipals
from entraclaw.sandbox.sponsoring import Rooms, Sponsoring


def tenant_routes(registrar: Registrar) -> list[web.RouteDef]:
    """What the Graph host serves of a tenant, and its answer to what it does not know."""
    blueprints, users = Blueprints(registrar), AgentUsers(registrar)
    principals = ServicePrincipals(registrar, _nobody)
    parts = (
        Sponsoring(registrar, Rooms(blueprints, principals, users)),
        Communication(registrar, blueprints, principals),
        blueprints,
        principals,
        users,
        DeletedItems(registrar),
        Organization(registrar),
        Graph(registrar, users),
    )
    return [route for part in parts for route in part.routes()]


def _nobody(_bearer: Bearer) -> Iterable[Json]:
    return ()
