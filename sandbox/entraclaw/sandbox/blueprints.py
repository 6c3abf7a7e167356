"""Applications at Graph: blueprints and what is in them, and the certificates of bots.

An application is addressed by its object's id, or by its own as
`applications(appId='…')`; a blueprint's calls may carry its type in the path. What a change
of certificates may be is decided in `credentials`, of the rest in `making`.

Blueprints: https://learn.microsoft.com/graph/api/resources/agentidentityblueprint
"""

import uuid
from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.credentials import added, permit, permit_roll, rewritten
from entraclaw.sandbox.directory import Application
from entraclaw.sandbox.documents import Json, load, part, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.making import changed_blueprint
from entraclaw.sandbox.object_documents import TYPES, application
from entraclaw.sandbox.objects import Blueprint, object_id
from entraclaw.sandbox.registrar import Registrar, check_version, missing
from entraclaw.sandbox.sponsors import owners_of_new, sponsors_of_new

CAST = "microsoft.graph.agentIdentityBlueprint"
ADDRESSES = (
    "applications/{id}",
    f"applications/{{id}}/{CAST}",
    f"applications/{CAST}/{{id}}",
    "applications(appId='{app}')",
    f"applications(appId='{{app}}')/{CAST}",
)
# What a change may have beside what is of the application itself: its keys, and its type.
_BESIDE = frozenset({"keyCredentials", "@odata.type"})
_ALL = (f"applications/{CAST}", "applications")
_FILTERS = frozenset({"id", "appId", "displayName", "tags", "identifierUris", "createdByAppId"})


class Blueprints:
    """The applications of the Graph host."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar, self._directory = registrar, registrar.directory

    def routes(self) -> list[web.RouteDef]:
        """What this host serves of applications."""
        add = [f"{address}/addKey" for address in ADDRESSES]
        remove = [f"{address}/removeKey" for address in ADDRESSES]
        serve = self._registrar.routes
        return [
            *serve(_ALL, web.post, self._create),
            *serve(_ALL, web.get, self._list),
            *serve(ADDRESSES, web.get, self._read),
            *serve(ADDRESSES, web.patch, self._update),
            *serve(ADDRESSES, web.delete, self._delete),
            *serve(add, web.post, self._add),
            *serve(remove, web.post, self._remove),
        ]

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        body = load(await request.read())
        check_version(request, body)
        if CAST not in request.path and not is_of(body, TYPES[Blueprint]):
            raise GraphError(400, "Request_BadRequest", f"Only {CAST} can be created here.")
        permit_admin(bearer, Act.CREATE_BLUEPRINT)
        app, registrar = str(uuid.uuid4()), self._registrar
        blank = Blueprint(id=object_id(app), app=app, tenant=bearer.tid, name="", maker=bearer.azp)
        read = changed_blueprint(blank, body, self._domain(bearer))
        keys = self._certificates(body, ()) if "keyCredentials" in body else ()
        made = replace(
            read,
            certificates=keys,
            sponsors=sponsors_of_new(body, bearer, self._directory),
            owners=owners_of_new(body, bearer),
            life=registrar.life(Blueprint),
        )
        registrar.admit_another(Blueprint, bearer.tid)
        self._directory.put(made)
        return registrar.made(f"applications/{CAST}/$entity", self._shown(_of(made)))

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_BLUEPRINT)
        found = self._registrar.shelves.blueprints.of(bearer.tid)
        shown = [self._shown(_of(one)) for one in found if self._registrar.sees(one)]
        return self._registrar.page(request, "applications", shown, _FILTERS)

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer)
        permit(bearer, found, writing=False)
        is_whole = "keyCredentials" in request.query.get("$select", "")
        return self._registrar.entity(
            request, "applications", self._shown(found, is_whole=is_whole)
        )

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer)
        body = load(await request.read())
        check_version(request, body)
        rest = {name: value for name, value in body.items() if name not in _BESIDE}
        is_owner = found.blueprint is not None and self._registrar.owns(bearer, found.blueprint)
        if not body:
            raise GraphError(400, "Request_BadRequest", "Empty Payload. JSON content expected.")
        if "keyCredentials" in body:
            permit(bearer, found, writing=True, is_owner=is_owner)
        if rest:
            permit_admin(bearer, Act.UPDATE_BLUEPRINT, is_owner=is_owner)
        self._write(found, body, rest)
        return web.Response(status=204)

    def _write(self, found: Application, body: Json, rest: Json) -> None:
        blueprint = found.blueprint
        if rest and blueprint is None:
            raise GraphError(400, "Request_BadRequest", "Only keyCredentials can be updated here.")
        keys = found.certificates
        if "keyCredentials" in body:
            keys = self._certificates(body, keys)
        if blueprint is None:
            self._directory.certify(found, keys)
            return
        domain = self._directory.domain(found.tenant)
        changed = changed_blueprint(blueprint, rest, domain) if rest else blueprint
        self._directory.put(replace(changed, certificates=keys))

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer).blueprint
        if found is None:
            raise GraphError(400, "Request_BadRequest", f"Only {CAST} can be deleted here.")
        is_owner = self._registrar.owns(bearer, found)
        permit_admin(bearer, Act.DELETE_BLUEPRINT, is_owner=is_owner)
        self._registrar.delete(found)
        return web.Response(status=204)

    async def _add(self, request: web.Request, bearer: Bearer) -> web.Response:
        found, now = self.find(request, bearer), self._registrar.now()
        body = load(await request.read())
        permit_roll(bearer, found, text(body, "proof"), now)
        new = added(part(body, "keyCredential"), now, self._known_from())
        self._directory.certify(found, (*found.certificates, new))
        shown = new.document(is_whole=False)
        return self._registrar.made("microsoft.graph.keyCredential", shown, status=200)

    async def _remove(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self.find(request, bearer)
        body = load(await request.read())
        permit_roll(bearer, found, text(body, "proof"), self._registrar.now())
        key_id = text(body, "keyId").lower()
        rest = tuple(one for one in found.certificates if one.key_id != key_id)
        if len(rest) == len(found.certificates):
            message = f"No key credential found with keyId '{key_id}'."
            raise GraphError(400, "Request_BadRequest", message)
        self._directory.certify(found, rest)
        return web.Response(status=204)

    def find(self, request: web.Request, bearer: Bearer) -> Application:
        """The application that the path names, if a call finds it by now.

        Raises:
            GraphError: There is none.
        """
        by_object, by_app = request.match_info.get("id"), request.match_info.get("app")
        name = by_object or by_app or ""
        found = self._directory.application(bearer.tid, name)
        # An application's own id is no address of its object, and the other way round.
        if found and (found.app == name.lower()) == bool(by_app) and self._is_there(found):
            return found
        raise missing(name)

    def _is_there(self, one: Application) -> bool:
        return one.blueprint is None or self._registrar.sees(one.blueprint)

    def _shown(self, one: Application, *, is_whole: bool = False) -> Json:
        return application(one, is_whole=is_whole, domain=self._directory.domain(one.tenant))

    def _domain(self, bearer: Bearer) -> str:
        return self._directory.domain(bearer.tid)

    def _certificates(
        self, body: Json, current: tuple[Certificate, ...]
    ) -> tuple[Certificate, ...]:
        return rewritten(body, current, self._registrar.now(), self._known_from())

    def _known_from(self) -> float:
        return self._registrar.now() + self._registrar.settings.credentials_s


def is_of(body: Json, kind: str) -> bool:
    """Whether *body* says that it is of the type *kind*, however it writes that."""
    return text(body, "@odata.type", "").lower().lstrip("#") == kind.lower().lstrip("#")


def _of(one: Blueprint) -> Application:
    return Application(one.id, one.app, one.tenant, one.name, one.certificates, one)
