"""Where an agent is told of messages, as beta Graph has it: read, and replaced as a whole.

The configuration is its blueprint's; an agent identity may have one of its own, where the
blueprint lets it. Here, where agents live on the same machine, the address may be http.

https://learn.microsoft.com/graph/api/agentidentityblueprint-update-communicationconfiguration
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.blueprints import CAST as BLUEPRINT
from entraclaw.sandbox.blueprints import Blueprints
from entraclaw.sandbox.documents import Json, flag, load, part, text
from entraclaw.sandbox.envelopes import GraphError, document
from entraclaw.sandbox.objects import Blueprint, Identity
from entraclaw.sandbox.registrar import Registrar
from entraclaw.sandbox.service_principals import IDENTITY, ServicePrincipals

_NAME = "communicationConfiguration"
_ENDPOINT, _TEAMWORK = "endpointConfiguration", "teamworkConfiguration"
_OVERRIDABLE = "isOverridableAtAgentIdLevel"
_PLACES = ("groupChat", "channel", "oneOnOneChat", "meetingChat")
_MODES = ("atMentionedMessagesOnly", "allMessages")
_BOUND: Mapping[str, str] = {"apiBased": "callbackUri", "botBased": "botId"}


class Communication:
    """The communication configurations of the Graph host."""

    def __init__(
        self, registrar: Registrar, blueprints: Blueprints, principals: ServicePrincipals
    ) -> None:
        self._registrar, self._directory = registrar, registrar.directory
        self._blueprints, self._principals = blueprints, principals

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        mine = [f"applications/{{id}}/{BLUEPRINT}/{_NAME}"]
        theirs = [
            f"servicePrincipals/{{id}}/{IDENTITY}/{_NAME}",
            f"servicePrincipals/{IDENTITY}/{{id}}/{_NAME}",
        ]
        reset = [f"{address}/reset" for address in theirs]
        serve = self._registrar.routes
        return [
            *serve(mine, web.get, self._read, "beta"),
            *serve(mine, web.put, self._replace, "beta"),
            *serve(theirs, web.get, self._read_own, "beta"),
            *serve(theirs, web.put, self._replace_own, "beta"),
            *serve(reset, web.post, self._reset, "beta"),
        ]

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        return self._told(request, self._blueprint(request, bearer).communication)

    async def _replace(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._blueprint(request, bearer)
        new = read_communication(load(await request.read()))
        self._directory.put(replace(found, communication=new))
        return self._told(request, new)

    async def _read_own(self, request: web.Request, bearer: Bearer) -> web.Response:
        own, parent = self._identity(request, bearer)
        return self._told(request, own.communication or parent.communication)

    async def _replace_own(self, request: web.Request, bearer: Bearer) -> web.Response:
        own, parent = self._identity(request, bearer)
        if not parent.communication.get(_OVERRIDABLE):
            message = "The blueprint does not allow its agent identities to override this."
            raise GraphError(400, "Request_BadRequest", message)
        new = read_communication(load(await request.read()))
        self._directory.put(replace(own, communication=new))
        return self._told(request, new)

    async def _reset(self, request: web.Request, bearer: Bearer) -> web.Response:
        own, parent = self._identity(request, bearer)
        self._directory.put(replace(own, communication=Json()))
        return self._told(request, parent.communication)

    def _blueprint(self, request: web.Request, bearer: Bearer) -> Blueprint:
        self._offer()
        found = self._blueprints.find(request, bearer).blueprint
        if found is None:
            raise _no_such_thing()
        is_owner = self._registrar.owns(bearer, found)
        permit_admin(bearer, Act.REGISTER_ENDPOINT, is_owner=is_owner)
        return found

    def _identity(self, request: web.Request, bearer: Bearer) -> tuple[Identity, Blueprint]:
        self._offer()
        found = self._principals.find(request, bearer)
        if not isinstance(found, Identity):
            raise _no_such_thing()
        permit_admin(bearer, Act.REGISTER_ENDPOINT, is_owner=self._registrar.owns(bearer, found))
        parent = self._registrar.shelves.blueprint(found.tenant, found.blueprint)
        if parent is None:
            raise _no_such_thing()
        return found, parent

    def _offer(self) -> None:
        if not self._registrar.settings.takes_endpoints:
            raise _no_such_thing()

    def _told(self, request: web.Request, communication: Json) -> web.Response:
        whole = {
            _OVERRIDABLE: False,
            _ENDPOINT: None,
            _TEAMWORK: None,
            **communication,
        }
        where = request.path.removeprefix("/beta/")
        context = f"{self._registrar.base}/beta/$metadata#{where}/$entity"
        return document({"@odata.context": context, **whole})


def read_communication(body: Json) -> Json:
    """Read a whole configuration; what it does not say is cleared.

    Raises:
        GraphError: It has a property or a value that there is not.
        DocumentError: A property is of another type.
    """
    _nothing_but(body, {_OVERRIDABLE, _ENDPOINT, _TEAMWORK})
    read: Json = {_OVERRIDABLE: flag(body, _OVERRIDABLE, default=False)}
    if body.get(_ENDPOINT) is not None:
        read[_ENDPOINT] = _endpoint(part(body, _ENDPOINT))
    if body.get(_TEAMWORK) is not None:
        read[_TEAMWORK] = _teamwork(part(body, _TEAMWORK))
    return read


def _endpoint(body: Json) -> Json:
    _nothing_but(body, {"configurationType", *_BOUND})
    kind = text(body, "configurationType")
    if kind not in _BOUND:
        raise _bad("Invalid value specified for property 'configurationType'.")
    name = _BOUND[kind]
    bound = part(body, kind)
    _nothing_but(bound, {name})
    value = text(bound, name)
    if kind == "apiBased":
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _bad("Invalid value specified for property 'callbackUri'.")
    return {"configurationType": kind, "apiBased": None, "botBased": None, kind: {name: value}}


def _teamwork(body: Json) -> Json:
    names = {f"{place}Configuration" for place in _PLACES}
    _nothing_but(body, names)
    read: Json = dict.fromkeys(sorted(names))
    for name in body:
        told = part(body, name)
        _nothing_but(told, {"messageNotificationMode"})
        mode = text(told, "messageNotificationMode")
        if mode not in _MODES:
            raise _bad("Invalid value specified for property 'messageNotificationMode'.")
        read[name] = {"messageNotificationMode": mode}
    return read


def _nothing_but(body: Json, names: set[str]) -> None:
    if unknown := sorted(name for name in body if name not in names and not name.startswith("@")):
        raise _bad(f"The property '{unknown[0]}' does not exist on this type.")


def _no_such_thing() -> GraphError:
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{_NAME}'.")


def _bad(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
