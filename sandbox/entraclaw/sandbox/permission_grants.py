"""Graph's delegated permission grants: what an application may do as whom.

A grant's id is made of the ids in it. Entra's login servers count a change some time later.

https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
"""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.apis import Api
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.consents import Grant
from entraclaw.sandbox.documents import Json, load
from entraclaw.sandbox.granting import Consent, admit_scopes, bad, scopes_of, wanted
from entraclaw.sandbox.parties import Parties
from entraclaw.sandbox.registrar import Registrar, missing

_FILTERABLE = frozenset({"clientId", "consentType", "principalId", "resourceId", "scope"})
_CONTEXT = "oauth2PermissionGrants"


class PermissionGrants:
    """The grants of the Graph host."""

    def __init__(self, registrar: Registrar, parties: Parties) -> None:
        self._registrar, self._parties = registrar, parties
        self._consents = registrar.directory.consents

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        everything, one = ("oauth2PermissionGrants",), ("oauth2PermissionGrants/{id}",)
        own = ("servicePrincipals/{client}/oauth2PermissionGrants",)
        serve = self._registrar.routes
        return [
            *serve(everything, web.get, self._list),
            *serve(everything, web.post, self._create),
            *serve(one, web.get, self._read),
            *serve(one, web.patch, self._update),
            *serve(one, web.delete, self._delete),
            *serve(own, web.get, self._list),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_GRANTS)
        client = request.match_info.get("client")
        party = self._parties.principal(bearer.tid, client) if client else None
        shown = (
            self._document(grant, bearer.tid)
            for grant in self._all(bearer.tid)
            if party is None or grant.client == party.id
        )
        return self._registrar.page(request, _CONTEXT, shown, _FILTERABLE)

    async def _create(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.GRANT_SCOPES)
        asked, tenant = wanted(load(await request.read())), bearer.tid
        client, api = self._parties.agent(tenant, asked.client), self._api(asked.resource, tenant)
        if asked.user is not None:
            self._parties.check_user(tenant, asked.user)
        admit_scopes(api, asked.scopes)
        if self._consents.find(client.id, api.audience, asked.user):
            raise bad("Permission entry already exists.")
        grant = Grant(client.id, api.audience, asked.user, asked.scopes)
        self._keep(grant)
        return self._registrar.made(f"{_CONTEXT}/$entity", self._document(grant, tenant))

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_GRANTS)
        grant = self._find(request, bearer)
        return self._registrar.entity(request, _CONTEXT, self._document(grant, bearer.tid))

    async def _update(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.GRANT_SCOPES)
        grant, body = self._find(request, bearer), load(await request.read())
        if fixed := sorted(set(body) - {"scope"}):
            raise bad(f"Property '{fixed[0]}' of a permission grant cannot be changed.")
        scopes = scopes_of(body)
        admit_scopes(self._of(grant), scopes)
        self._keep(replace(grant, scopes=scopes))
        return web.Response(status=204)

    async def _delete(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.GRANT_SCOPES)
        self._keep(replace(self._find(request, bearer), scopes=()))
        return web.Response(status=204)

    def _keep(self, grant: Grant) -> None:
        registrar = self._registrar
        self._consents.grant(grant, registrar.now() + registrar.settings.propagation_s)

    def _api(self, name: str, tenant: str) -> Api:
        return self._parties.api(tenant, name)

    def _of(self, grant: Grant) -> Api:
        api = self._parties.apis.by_audience(grant.resource)
        if api is None:
            raise missing(grant.resource)
        return api

    def _all(self, tenant: str) -> Iterator[Grant]:
        clients = self._parties.agents(tenant)
        for grant in self._consents.grants():
            if grant.client in clients and self._parties.apis.by_audience(grant.resource):
                yield grant

    def _find(self, request: web.Request, bearer: Bearer) -> Grant:
        name = request.match_info["id"]
        for grant in self._all(bearer.tid):
            if self._document(grant, bearer.tid)["id"] == name:
                return grant
        raise missing(name)

    def _document(self, grant: Grant, tenant: str) -> Json:
        resource = self._of(grant).id(tenant)
        parts = [grant.client, resource, *([grant.user] if grant.user else [])]
        own = b"".join(uuid.UUID(one).bytes_le for one in parts)
        return {
            "id": urlsafe_b64encode(own).decode().rstrip("="),
            "clientId": grant.client,
            "consentType": Consent.ONE if grant.user else Consent.EVERYBODY,
            "principalId": grant.user,
            "resourceId": resource,
            "scope": " ".join(grant.scopes),
        }
