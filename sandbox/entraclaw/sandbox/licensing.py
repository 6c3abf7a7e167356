"""Licences at Graph: what the tenant has, what somebody has of it, and who gets what.

A mailbox comes some time after the licence that brings it.

Pools: https://learn.microsoft.com/graph/api/subscribedsku-list
Assigning: https://learn.microsoft.com/graph/api/user-assignlicense
Details: https://learn.microsoft.com/graph/api/user-list-licensedetails
"""

from collections.abc import Iterator
from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.administrators import Act, permit_admin
from entraclaw.sandbox.agent_users import AgentUsers
from entraclaw.sandbox.assigning import changed, read_change
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.documents import Json, load
from entraclaw.sandbox.licences import LICENCES, USUAL, has_mailbox
from entraclaw.sandbox.object_documents import PROFILE, agent_user
from entraclaw.sandbox.objects import AgentUser
from entraclaw.sandbox.registrar import Registrar, missing
from entraclaw.sandbox.settings import Late

_FILTERABLE = frozenset({"skuId", "skuPartNumber"})


class Licensing:
    """The licences of the Graph host."""

    def __init__(self, registrar: Registrar, users: AgentUsers) -> None:
        self._registrar, self._users = registrar, users
        self._pools = registrar.directory.pools

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        serve = self._registrar.routes
        return [
            *serve(("subscribedSkus",), web.get, self._list),
            *serve(("subscribedSkus/{sku}",), web.get, self._read),
            *serve(("users/{id}/licenseDetails",), web.get, self._details),
            *serve(("users/{id}/assignLicense",), web.post, self._assign),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_LICENCES)
        return self._registrar.page(request, "subscribedSkus", self._all(bearer), _FILTERABLE)

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.READ_LICENCES)
        wanted = request.match_info["sku"].lower()
        for one in self._all(bearer):
            if one["id"] == wanted:
                return self._registrar.entity(request, "subscribedSkus", one)
        raise missing(wanted)

    async def _details(self, request: web.Request, bearer: Bearer) -> web.Response:
        name, tenant = request.match_info["id"].lower(), bearer.tid
        user = self._users.find(name, tenant)
        if user is None or bearer.oid != user.id:
            permit_admin(bearer, Act.READ_LICENCES)
        own = user.id if user else self._person(name, tenant)
        names = user.licences if user else (USUAL,)
        shown = [LICENCES[one].document(tenant) for one in names]
        context = f"users('{own}')/licenseDetails"
        return self._registrar.page(request, context, shown, _FILTERABLE)

    async def _assign(self, request: web.Request, bearer: Bearer) -> web.Response:
        permit_admin(bearer, Act.ASSIGN_LICENCE)
        user = self._users.find(request.match_info["id"], bearer.tid)
        if user is None:
            raise missing(request.match_info["id"])
        directory = self._registrar.directory
        change = read_change(load(await request.read()))
        free = {
            name: self._pools.bought(name) - directory.used(bearer.tid, name) for name in LICENCES
        }
        licences = changed(user.licences, change, country=user.country, free=free)
        new = self._with(user, licences)
        directory.put(new)
        known = PROFILE | {"assignedLicenses", "usageLocation", "@odata.type"}
        shown = {name: value for name, value in agent_user(new).items() if name in known}
        return self._registrar.made("users/$entity", shown, status=200)

    def _with(self, user: AgentUser, licences: tuple[str, ...]) -> AgentUser:
        new = replace(user, licences=licences)
        if has_mailbox(user.licences) or not has_mailbox(licences):
            return new
        late_s = self._registrar.settings.known_after_s.get(Late.MAILBOX, 0)
        return replace(new, mailbox_from=self._registrar.now() + late_s)

    def _all(self, bearer: Bearer) -> Iterator[Json]:
        tenant = self._registrar.directory.tenant(bearer.tid)
        account = tenant.name.lower() if tenant else ""
        for name, one in LICENCES.items():
            if bought := self._pools.bought(name):
                used = self._registrar.directory.used(bearer.tid, name)
                yield one.pool(bearer.tid, account, bought=bought, used=used)

    def _person(self, name: str, tenant: str) -> str:
        for person in self._registrar.directory.people(tenant):
            if name in {person.oid, person.upn}:
                return person.oid
        raise missing(name)
