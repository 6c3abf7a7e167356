"""The sponsors of blueprints, agent identities and agent users at Graph: listed, added, removed.

Blueprints: https://learn.microsoft.com/graph/api/agentidentityblueprint-list-sponsors
Identities: https://learn.microsoft.com/graph/api/agentidentity-list-sponsors
Agent users: https://learn.microsoft.com/graph/api/agentuser-list-sponsors
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.agent_users import ADDRESSES as USERS
from entraclaw.sandbox.agent_users import AgentUsers
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import ADDRESSES as BLUEPRINTS
from entraclaw.sandbox.blueprints import CAST as BLUEPRINT
from entraclaw.sandbox.blueprints import Blueprints
from entraclaw.sandbox.directory import Person
from entraclaw.sandbox.documents import Json, load
from entraclaw.sandbox.envelopes import GraphError, Reader
from entraclaw.sandbox.object_documents import group, profile
from entraclaw.sandbox.objects import AgentUser, Blueprint, Identity
from entraclaw.sandbox.registrar import Registrar, missing
from entraclaw.sandbox.service_principals import ADDRESSES as PRINCIPALS
from entraclaw.sandbox.service_principals import IDENTITY, ServicePrincipals
from entraclaw.sandbox.sponsors import group_of, person_of, with_sponsor, without_sponsor

Sponsored: TypeAlias = Blueprint | Identity | AgentUser
# Of people only guests have sponsors, and there are none.
_Find: TypeAlias = Callable[[web.Request, Bearer], Sponsored | Person]


@dataclass(frozen=True, slots=True)
class Rooms:
    """Those who know what a path names."""

    blueprints: Blueprints
    principals: ServicePrincipals
    users: AgentUsers


class Sponsoring:
    """The sponsors of everything that has some."""

    def __init__(self, registrar: Registrar, rooms: Rooms) -> None:
        self._registrar, self._rooms = registrar, rooms
        self._directory = registrar.directory

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            # Other applications and principals have none: the address must say what it is of.
            *self._serve(_as(BLUEPRINT, BLUEPRINTS), self._blueprint),
            *self._serve(_as(IDENTITY, PRINCIPALS), self._identity),
            *self._serve(USERS, self._user),
        ]

    def _serve(self, addresses: Iterable[str], find: _Find) -> Iterator[web.RouteDef]:
        places = [f"{address}/sponsors" for address in addresses]
        references = [f"{place}/$ref" for place in places]
        one = [f"{place}/{{sponsor}}/$ref" for place in places]
        serve = self._registrar.routes
        yield from serve(places, web.get, self._list(find))
        yield from serve(references, web.post, self._add(find))
        yield from serve(one, web.delete, self._remove(find))

    def _list(self, find: _Find) -> Reader:
        async def read(request: web.Request, bearer: Bearer) -> web.Response:
            found = find(request, bearer)
            self._permit_reading(bearer, found)
            named = () if isinstance(found, Person) else found.sponsors
            shown = (self._shown(name, found.tenant) for name in named)
            value = [one for one in shown if one]
            return self._registrar.page(request, "directoryObjects", value, frozenset({"id"}))

        return read

    def _add(self, find: _Find) -> Reader:
        async def add(request: web.Request, bearer: Bearer) -> web.Response:
            found = _sponsored(find(request, bearer))
            self._permit_writing(bearer, found)
            body = load(await request.read())
            new = with_sponsor(found.sponsors, body, found.tenant, self._directory)
            self._directory.put(replace(found, sponsors=new))
            return web.Response(status=204)

        return add

    def _remove(self, find: _Find) -> Reader:
        async def remove(request: web.Request, bearer: Bearer) -> web.Response:
            found = _sponsored(find(request, bearer))
            self._permit_writing(bearer, found)
            # Of an agent user nobody has to be a sponsor, of the others somebody.
            least = 0 if isinstance(found, AgentUser) else 1
            rest = without_sponsor(found.sponsors, request.match_info["sponsor"], least=least)
            self._directory.put(replace(found, sponsors=rest))
            return web.Response(status=204)

        return remove

    def _permit_reading(self, bearer: Bearer, one: Sponsored | Person) -> None:
        match one:
            case Blueprint():
                if bearer.idtyp != "app" or bearer.azp != one.app:
                    permit_admin(bearer, Act.READ_BLUEPRINT)
            case Identity():
                if bearer.idtyp != "app" or bearer.azp not in {one.id, one.blueprint}:
                    permit_admin(bearer, Act.READ_IDENTITY)
            case _:
                # Of an agent user every member may know them, who may know of themselves.
                if not bearer.scopes & {"User.Read", "User.ReadWrite"}:
                    permit_admin(bearer, Act.READ_USER)

    def _permit_writing(self, bearer: Bearer, one: Sponsored) -> None:
        match one:
            case Blueprint():
                act = Act.UPDATE_BLUEPRINT
            case Identity():
                act = Act.UPDATE_IDENTITY
            case AgentUser():
                act = Act.UPDATE_USER
        permit_admin(bearer, act, is_owner=self._registrar.owns(bearer, one))

    def _blueprint(self, request: web.Request, bearer: Bearer) -> Sponsored:
        found = self._rooms.blueprints.find(request, bearer)
        if found.blueprint is None:
            raise GraphError(400, "BadRequest", "Resource not found for the segment 'sponsors'.")
        return found.blueprint

    def _identity(self, request: web.Request, bearer: Bearer) -> Sponsored:
        found = self._rooms.principals.find(request, bearer)
        if not isinstance(found, Identity):
            raise GraphError(400, "BadRequest", "Resource not found for the segment 'sponsors'.")
        return found

    def _user(self, request: web.Request, bearer: Bearer) -> Sponsored | Person:
        name = request.match_info["id"]
        if found := self._rooms.users.find(name, bearer.tid):
            return found
        for somebody in self._directory.people(bearer.tid):
            if name.lower() in {somebody.oid, somebody.upn}:
                return somebody
        raise missing(name)

    def _shown(self, name: str, tenant: str) -> Json | None:
        if somebody := person_of(name, tenant, self._directory):
            shown = profile(somebody.oid, somebody.name, somebody.upn)
            return {"@odata.type": "#microsoft.graph.user", **shown}
        if some := group_of(name, tenant):
            return {"@odata.type": "#microsoft.graph.group", **group(some)}
        return None


def _as(cast: str, addresses: Iterable[str]) -> list[str]:
    return [one for one in addresses if cast in one.split("/")]


def _sponsored(found: Sponsored | Person) -> Sponsored:
    if isinstance(found, Person):
        message = "Sponsors can be set for guests and agent users only."
        raise GraphError(400, "Request_BadRequest", message)
    return found
