"""Applications at Graph: a blueprint and its certificates, a classic bot and its own.

An application is addressed by its object's id, or by its own as
`applications(appId='…')`; a blueprint's calls may carry its type in the path. What a change
may be is decided in `credentials`.

Blueprints: https://learn.microsoft.com/graph/api/resources/agentidentityblueprint
"""

from aiohttp import web

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.credentials import added, permit, permit_roll, rewritten
from entraclaw.sandbox.directory import Application
from entraclaw.sandbox.documents import Json, load, part, text
from entraclaw.sandbox.envelopes import Answering, GraphError, document
from entraclaw.sandbox.settings import Settings

_CAST = "/microsoft.graph.agentIdentityBlueprint"
_ADDRESSES = ("/v1.0/applications/{id}", "/v1.0/applications(appId='{app}')")


class Blueprints:
    """The applications of the Graph host."""

    def __init__(self, *, base: str, answer: Answering, settings: Settings) -> None:
        self._base, self._answer, self._settings = base, answer, settings
        self._directory, self._clock = answer.directory, answer.clock

    def routes(self) -> list[web.RouteDef]:
        """What this host serves of applications."""
        places = [f"{address}{kind}" for address in _ADDRESSES for kind in ("", _CAST)]
        return [
            route
            for place in places
            for route in (
                web.get(place, self._answer(self._read)),
                web.patch(place, self._answer(self._update)),
                web.post(f"{place}/addKey", self._answer(self._add)),
                web.post(f"{place}/removeKey", self._answer(self._remove)),
            )
        ]

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        permit(bearer, found, writing=False)
        chosen = [name for name in request.query.get("$select", "").split(",") if name]
        shown = _application(found, is_whole="keyCredentials" in chosen)
        if unknown := set(chosen) - set(shown):
            message = f"Could not find a property named '{min(unknown)}' on type "
            raise GraphError(400, "BadRequest", f"{message}'microsoft.graph.application'.")
        picked = {name: shown[name] for name in chosen} if chosen else shown
        return self._context("applications/$entity", picked)

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        permit(bearer, found, writing=True)
        body = load(await request.read())
        now = self._clock.now()
        self._directory.certify(found, rewritten(body, found.certificates, now, self._known_from()))
        return web.Response(status=204)

    async def _add(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        body = load(await request.read())
        permit_roll(bearer, found, text(body, "proof"), self._clock.now())
        new = added(part(body, "keyCredential"), self._clock.now(), self._known_from())
        self._directory.certify(found, (*found.certificates, new))
        return self._context("microsoft.graph.keyCredential", new.document(is_whole=False))

    async def _remove(self, request: web.Request, bearer: Bearer) -> web.Response:
        found = self._find(request, bearer)
        body = load(await request.read())
        permit_roll(bearer, found, text(body, "proof"), self._clock.now())
        key_id = text(body, "keyId").lower()
        rest = tuple(one for one in found.certificates if one.key_id != key_id)
        if len(rest) == len(found.certificates):
            message = f"No key credential found with keyId '{key_id}'."
            raise GraphError(400, "Request_BadRequest", message)
        self._directory.certify(found, rest)
        return web.Response(status=204)

    def _find(self, request: web.Request, bearer: Bearer) -> Application:
        by_object, by_app = request.match_info.get("id"), request.match_info.get("app")
        name = by_object or by_app or ""
        found = self._directory.application(bearer.tid, name)
        # An application's own id is no address of its object, and the other way round.
        if found is not None and (found.app == name.lower()) == bool(by_app):
            return found
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{name}' does not exist or one of its queried reference-property "
            "objects are not present.",
        )

    def _known_from(self) -> float:
        return self._clock.now() + self._settings.credentials_s

    def _context(self, name: str, body: Json) -> web.Response:
        return document({"@odata.context": f"{self._base}/v1.0/$metadata#{name}", **body})


def _application(one: Application, *, is_whole: bool) -> Json:
    own = {
        "id": one.id,
        "appId": one.app,
        "displayName": one.name,
        "identifierUris": [f"api://{one.app}"],
        "signInAudience": "AzureADMyOrg",
        "keyCredentials": [key.document(is_whole=is_whole) for key in one.certificates],
        "passwordCredentials": [],
        "requiredResourceAccess": [],
        "tags": [],
    }
    kind = "#microsoft.graph.agentIdentityBlueprint"
    return {"@odata.type": kind, **own} if one.blueprint else own
