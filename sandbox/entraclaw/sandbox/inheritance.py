"""What agents inherit of their blueprint: Graph's inheritablePermissions, one for an API.

It lets pass what the blueprint's principal was granted, and grants nothing itself.

https://learn.microsoft.com/graph/api/agentidentityblueprint-post-inheritablepermissions
"""

import uuid
from dataclasses import replace
from typing import cast

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.consents import Inheritance
from entraclaw.sandbox.documents import DocumentError, Json, load, part, text, texts
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.granting import bad
from entraclaw.sandbox.objects import Blueprint
from entraclaw.sandbox.parties import Parties
from entraclaw.sandbox.registrar import Registrar, missing

_CAST = "microsoft.graph.agentIdentityBlueprint"
_PLACES = tuple(
    f"{place}/inheritablePermissions"
    for place in (f"applications/{_CAST}/{{id}}", f"applications/{{id}}/{_CAST}")
)
_ONES = tuple(f"{place}/{{app}}" for place in _PLACES)
_MOST = 10

_ALL, _SOME, _NONE = "allAllowed", "enumerated", "none"
_TYPES = {_ALL: "allAllowed", _SOME: "enumerated", _NONE: "no"}


class Inheritances:
    """The inheritable permissions of the Graph host."""

    def __init__(self, registrar: Registrar, parties: Parties) -> None:
        self._registrar, self._parties = registrar, parties
        self._consents = registrar.directory.consents

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve = self._registrar.routes
        return [
            *serve(_PLACES, web.get, self._list),
            *serve(_PLACES, web.post, self._create),
            *serve(_ONES, web.get, self._read),
            *serve(_ONES, web.patch, self._update),
            *serve(_ONES, web.delete, self._delete),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_BLUEPRINT)
        blueprint = self._blueprint(request, bearer)
        shown = [
            _document(self._app(audience), one)
            for audience, one in self._consents.inherited(blueprint.app).items()
        ]
        return self._registrar.page(request, _context(blueprint), shown, frozenset())

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        blueprint = self._writable(request, bearer)
        body = load(await request.read())
        app = text(body, "resourceAppId", "")
        audience = self._audience(app)
        held = self._consents.inherited(blueprint.app)
        if audience in held:
            raise GraphError(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                "A conflicting object with one or more of the specified property values is "
                "present in the directory.",
            )
        if len(held) >= _MOST:
            raise bad(f"At most {_MOST} resources can have inheritable permissions.")
        nothing = Inheritance(frozenset(), frozenset())
        new = _changed(nothing, body)
        self._consents.inherit(blueprint.app, audience, new)
        return self._registrar.made(f"{_context(blueprint)}/$entity", _document(app, new))

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_BLUEPRINT)
        blueprint = self._blueprint(request, bearer)
        audience, found = self._find(blueprint, request)
        shown = _document(self._app(audience), found)
        return self._registrar.entity(request, _context(blueprint), shown)

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        blueprint = self._writable(request, bearer)
        audience, found = self._find(blueprint, request)
        changed = _changed(found, load(await request.read()))
        self._consents.inherit(blueprint.app, audience, changed)
        return self._registrar.made(
            f"{_context(blueprint)}/$entity", _document(self._app(audience), changed), status=200
        )

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        blueprint = self._writable(request, bearer)
        audience, _ = self._find(blueprint, request)
        self._consents.inherit(blueprint.app, audience, None)
        return web.Response(status=204)

    def _writable(self, request: web.Request, bearer: Bearer) -> Blueprint:
        blueprint = self._blueprint(request, bearer)
        is_owner = self._registrar.owns(bearer, blueprint)
        permit_admin(bearer, Act.INHERIT_PERMISSIONS, is_owner=is_owner)
        return blueprint

    def _blueprint(self, request: web.Request, bearer: Bearer) -> Blueprint:
        name = request.match_info["id"]
        found = self._registrar.shelves.blueprints.find(bearer.tid, name)
        if found is None or not self._registrar.sees(found):
            raise missing(name)
        return found

    def _find(self, blueprint: Blueprint, request: web.Request) -> tuple[str, Inheritance]:
        name = request.match_info["app"]
        audience = self._audience(name)
        found = self._consents.inherited(blueprint.app).get(audience)
        if found is None:
            raise missing(name)
        return audience, found

    def _audience(self, app: str) -> str:
        try:
            uuid.UUID(app)
        except ValueError:
            raise bad(f"Invalid value specified for property 'resourceAppId': '{app}'.") from None
        api = self._parties.apis.by_app(app)
        if api is None:
            raise missing(app)
        return api.audience

    def _app(self, audience: str) -> str:
        api = self._parties.apis.by_audience(audience)
        return api.app if api else audience


def _changed(before: Inheritance, body: Json) -> Inheritance:
    changed = before
    if "inheritableScopes" in body:
        changed = replace(changed, scopes=_names(part(body, "inheritableScopes"), "scopes"))
    if "inheritableRoles" in body:
        changed = replace(changed, roles=_names(part(body, "inheritableRoles"), "roles"))
    return changed


def _names(rule: Json, kind: str) -> frozenset[str] | None:
    """Read which are inherited; its type says so, and may be all that does."""
    word = kind.capitalize()
    named = text(rule, "@odata.type", "").rpartition(".")[2]
    by_type = {f"{prefix}{word}": own for own, prefix in _TYPES.items()}
    own = text(rule, "kind", by_type.get(named, ""))
    if own not in _TYPES or (named and by_type.get(named) != own):
        raise bad(f"Invalid value specified for property 'inheritable{word}'.")
    if own == _ALL:
        return None
    try:
        return frozenset(texts(rule, kind)) if own == _SOME else frozenset()
    except DocumentError as wrong:
        raise bad(str(wrong)) from None


def _document(app: str, one: Inheritance) -> Json:
    shown: Json = {"resourceAppId": app, "inheritableScopes": _rule(one.scopes, "scopes")}
    # Roles v1.0 takes, but does not declare: they are shown only where there are some.
    return (
        shown
        if one.roles == frozenset()
        else {**shown, "inheritableRoles": _rule(one.roles, "roles")}
    )


def _rule(names: frozenset[str] | None, kind: str) -> Json:
    own = _ALL if names is None else _SOME if names else _NONE
    shown: Json = {"@odata.type": f"#microsoft.graph.{_TYPES[own]}{kind.capitalize()}", "kind": own}
    return {**shown, kind: sorted(cast("frozenset[str]", names))} if own == _SOME else shown


def _context(blueprint: Blueprint) -> str:
    return f"applications('{blueprint.id}')/{_CAST}/inheritablePermissions"
