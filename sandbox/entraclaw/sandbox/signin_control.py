"""The part of the control API that registers public clients and stands in for a person.

Tests approve a device code or revoke a sign-in here, where no browser is at hand.
"""

from dataclasses import replace

from aiohttp import web

from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.directory_roles import Appointments, DirectoryRole
from entraclaw.sandbox.documents import DocumentError, Json, flag, load, number, text, texts
from entraclaw.sandbox.public_clients import PublicClient, PublicClients
from entraclaw.sandbox.refusals import is_known
from entraclaw.sandbox.signin_host import SigninHost
from entraclaw.sandbox.signins import Signins

_CHANGES = frozenset({"is_public", "may_consent", "device_blocked", "blocked", "device_interval_s"})


class SigninControl:
    """The knobs of signing in."""

    def __init__(
        self,
        *,
        asks: Asks,
        clients: PublicClients,
        signins: Signins,
        host: SigninHost,
        appointments: Appointments,
        clock: Clock,
    ) -> None:
        self._asks, self._clients, self._signins = asks, clients, signins
        self._host, self._appointments, self._clock = host, appointments, clock

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.post("/control/clients", self._register),
            web.put("/control/clients/{id}", self._change),
            web.post("/control/devicecodes", self._answer),
            web.post("/control/signins/revocations", self._revoke),
            web.put("/control/people/{key}/roles", self._appoint),
        ]

    async def _register(self, request: web.Request) -> web.Response:
        name = text(load(await request.read()), "name").strip()
        if not name:
            raise DocumentError("name must not be empty")
        return web.json_response(_card(self._clients.register(name)), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        body, wanted = load(await request.read()), request.match_info["id"].lower()
        client = next((one for one in self._clients if one.id == wanted), None)
        if client is None:
            raise DocumentError("there is no client with this id")
        if unknown := set(body) - _CHANGES:
            raise DocumentError(f"there is nothing called {min(unknown)} to change")
        changed = replace(
            client,
            is_public=flag(body, "is_public", default=client.is_public),
            may_consent=flag(body, "may_consent", default=client.may_consent),
            device_blocked=_code(body, "device_blocked", client.device_blocked),
            blocked=_code(body, "blocked", client.blocked),
            device_interval_s=number(
                {"device_interval_s": client.device_interval_s, **body}, "device_interval_s"
            ),
        )
        if not changed.may_consent:
            self._signins.withdraw(changed.id)
        self._clients.keep(changed)
        return web.json_response(_card(changed))

    async def _answer(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        device = self._signins.typed(text(body, "user_code"), self._clock.now())
        if device is None:
            raise DocumentError("nobody waits with this code")
        person = self._asks.person(text(body, "person")) if body.get("person") else None
        self._host.settle(device, person)
        return web.json_response({"fate": device.fate.value})

    async def _revoke(self, request: web.Request) -> web.Response:
        person = self._asks.person(text(load(await request.read()), "person"))
        return web.json_response({"revoked": self._signins.revoke(person.oid)}, status=201)

    async def _appoint(self, request: web.Request) -> web.Response:
        person = self._asks.person(request.match_info["key"])
        names = texts(load(await request.read()), "roles")
        if unknown := set(names) - {role.value for role in DirectoryRole}:
            raise DocumentError(f"there is no directory role called {min(unknown)}")
        self._appointments.appoint(person, map(DirectoryRole, names))
        held = self._appointments.held(person, person.tenant)
        return web.json_response({"roles": sorted(role.value for role in held)})


def _code(body: Json, name: str, before: int | None) -> int | None:
    if name not in body:
        return before
    if body[name] is None:
        return None
    code = int(number(body, name))
    if not is_known(code):
        raise DocumentError(f"{name} must be an AADSTS number that the sandbox knows")
    return code


def _card(client: PublicClient) -> Json:
    return {
        "id": client.id,
        "tenant": client.tenant,
        "name": client.name,
        "is_public": client.is_public,
        "may_consent": client.may_consent,
        "device_blocked": client.device_blocked,
        "blocked": client.blocked,
        "device_interval_s": client.device_interval_s,
    }
