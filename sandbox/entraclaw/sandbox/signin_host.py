"""Where people sign in: the authorize page, device codes, and the page to type one.

Thin: a request becomes an `Asked`, an answer becomes an entry in the ledger. What
must not be answered with a redirect (an unknown application, a foreign address)
is told on the page itself.

Endpoints: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

import re
import uuid
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import urlencode

from aiohttp import web

from entraclaw.sandbox import signin_page as page
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.directory import PEOPLE, Directory, Person
from entraclaw.sandbox.directory_roles import MAY_CONSENT, Appointments, needs_administrator
from entraclaw.sandbox.public_clients import PublicClient, PublicClients, is_loopback
from entraclaw.sandbox.refusals import RefusalError, explain
from entraclaw.sandbox.resources import Catalogue, ScopeError
from entraclaw.sandbox.signins import DEVICE_S, Asked, Device, Fate, Signins

_MODES = frozenset({"query", "form_post"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 section 4.2, of S256
_GO_BACK = "Go back to the application and start again."
_ASK_ADMINISTRATOR = 90094
_ASK = (
    "What the application asks for is not yours to allow. Nobody was signed in; an administrator "
    "of your organization can consent to it for everybody."
)
_PHISHED = (
    "Somebody may have sent you this code. Only go on if you started this sign-in yourself, "
    "at a terminal of yours."
)


class SigninHost:
    """The part of the login host that a browser sees, and where device codes are asked for."""

    def __init__(
        self,
        *,
        login: str,
        directory: Directory,
        clients: PublicClients,
        signins: Signins,
        resources: Catalogue,
        appointments: Appointments,
        clock: Clock,
    ) -> None:
        self._login, self._directory, self._clients = login, directory, clients
        self._signins, self._resources = signins, resources
        self._appointments, self._clock = appointments, clock

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.get("/{tenant}/oauth2/v2.0/authorize", self._authorize),
            web.post("/{tenant}/oauth2/v2.0/authorize", self._chosen),
            web.post("/{tenant}/oauth2/v2.0/devicecode", self._device),
            web.get("/devicelogin", self._ask_code),
            web.post("/devicelogin", self._typed),
            web.get("/signin.css", _stylesheet),
        ]

    async def _authorize(self, request: web.Request) -> web.Response:
        tenant = self._directory.place(request.match_info["tenant"])
        client = (
            self._clients.find(tenant.id, request.query.get("client_id", "")) if tenant else None
        )
        if tenant is None or client is None:
            return _stop(RefusalError(700016 if tenant else 90002))
        asked = _read(request.query, client)
        if not is_loopback(asked.redirect):
            return _stop(RefusalError(50011))
        refusal = self._wrong(request.query, asked, client)
        if refusal is not None:
            return _back(asked, _error(refusal))
        choice = page.Choice(
            application=client.name,
            tenant=tenant,
            scope=asked.scope,
            action=f"/{tenant.id}/oauth2/v2.0/authorize",
            ticket=self._signins.begin(asked),
        )
        return page.choose(choice, _offered(asked), asked.redirect)

    def _wrong(
        self, query: Mapping[str, str], asked: Asked, client: PublicClient
    ) -> RefusalError | None:
        if query.get("prompt") == "none":
            return RefusalError(50058)
        is_code = query.get("response_type") == "code" and asked.mode in _MODES
        is_proof = query.get("code_challenge_method") == "S256"
        if not (is_code and is_proof and _CHALLENGE.fullmatch(asked.challenge)):
            return RefusalError(900144, "response_type code and an S256 code_challenge are needed.")
        return self._unwanted(asked, client)

    def _unwanted(self, asked: Asked, client: PublicClient) -> RefusalError | None:
        try:
            self._resources.read(asked.scope)
        except ScopeError as no:
            return RefusalError(no.code, no.detail)
        return None if client.may_consent else RefusalError(_ASK_ADMINISTRATOR)

    async def _chosen(self, request: web.Request) -> web.Response:
        form = await _form(request)
        asked = self._signins.take(form.get("ticket", ""))
        if asked is None:
            return page.told("This page was used", _GO_BACK, is_well=False, status=400)
        person = self._directory.person(form.get("person", ""))
        if person is None:
            return _back(asked, _error(RefusalError(65004)))
        if not self._agree(asked, person):
            return _back(asked, _error(RefusalError(_ASK_ADMINISTRATOR)))
        return _back(asked, {"code": self._signins.code(asked, person, self._clock.now())})

    def _agree(self, asked: Asked, person: Person) -> bool:
        """Note what *person* lets the application do; False if that is not theirs to allow."""
        wanted = self._resources.read(asked.scope).scopes
        new = wanted - self._signins.consented(asked.client, person.oid)
        may = self._appointments.held(person, asked.tenant) & MAY_CONSENT
        if not may and any(needs_administrator(scope) for scope in new):
            return False
        self._signins.consent(asked.client, person.oid, wanted)
        return True

    async def _device(self, request: web.Request) -> web.Response:
        form = await _form(request)
        tenant = self._directory.place(request.match_info["tenant"])
        client = self._clients.find(tenant.id, form.get("client_id", "")) if tenant else None
        if tenant is None or client is None:
            return self._no(RefusalError(700016 if tenant else 90002))
        if not client.is_public:
            return self._no(RefusalError(7000218))
        asked = Asked(client.id, tenant.id, form.get("scope", ""))
        refusal = self._unwanted(asked, client)
        if refusal is not None:
            return self._no(refusal)
        interval_s = client.device_interval_s
        code, device = self._signins.device(asked, self._clock.now(), interval_s)
        return web.json_response(
            {
                "user_code": device.user_code,
                "device_code": code,
                "verification_uri": f"{self._login}/devicelogin",
                "expires_in": int(DEVICE_S),
                "interval": int(interval_s),
                "message": f"To sign in, use a web browser to open the page "
                f"{self._login}/devicelogin and enter the code {device.user_code} "
                "to authenticate.",
            }
        )

    async def _ask_code(self, _request: web.Request) -> web.Response:
        return page.ask_code()

    async def _typed(self, request: web.Request) -> web.Response:
        form = await _form(request)
        typed = form.get("user_code") or form.get("ticket", "")
        device = self._signins.typed(typed, self._clock.now())
        if device is None:
            return page.ask_code(wrong="That code is not known, or it has expired. Type it again.")
        if "person" not in form:
            return self._who(device)
        person = self._directory.person(form["person"])
        self.settle(device, person)
        if person is None:
            return page.told("You said no", "Nobody was signed in.", is_well=False)
        if device.fate is Fate.DECLINED:
            return page.told("An administrator must agree", _ASK, is_well=False)
        sentence = f"You are signed in as {person.name}. You can close this page."
        return page.told("That is all", sentence, is_well=True)

    def _who(self, device: Device) -> web.Response:
        asked = device.asked
        client, tenant = self._clients.find(asked.tenant, asked.client), asked.tenant
        home = self._directory.tenant(tenant)
        if client is None or home is None:
            return page.ask_code(wrong="The application is gone.")
        choice = page.Choice(
            client.name, home, asked.scope, "/devicelogin", device.user_code, _PHISHED
        )
        return page.choose(choice, _offered(asked))

    def settle(self, device: Device, person: Person | None) -> None:
        """Note what a person says to a device code; None declines."""
        device.fate = Fate.APPROVED if person else Fate.DECLINED
        device.person = person
        if person is not None and not self._agree(device.asked, person):
            device.fate, device.refused = Fate.DECLINED, _ASK_ADMINISTRATOR

    def _no(self, refusal: RefusalError) -> web.Response:
        body = explain(
            refusal.refused,
            login=self._login,
            now=self._clock.now(),
            trace=str(uuid.uuid4()),
            correlation=str(uuid.uuid4()),
        )
        return web.json_response(body, status=refusal.refused.status)


async def _form(request: web.Request) -> Mapping[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


async def _stylesheet(_request: web.Request) -> web.Response:
    body = files("entraclaw.sandbox").joinpath("signin.css").read_bytes()
    return web.Response(body=body, content_type="text/css", charset="utf-8")


def _read(query: Mapping[str, str], client: PublicClient) -> Asked:
    return Asked(
        client=client.id,
        tenant=client.tenant,
        scope=query.get("scope", ""),
        nonce=query.get("nonce", ""),
        state=query.get("state", ""),
        redirect=query.get("redirect_uri", ""),
        mode=query.get("response_mode", "query"),
        challenge=query.get("code_challenge", ""),
        hint=query.get("login_hint", "").lower(),
    )


def _offered(asked: Asked) -> list[Person]:
    """Everybody, whoever was hinted at first, strangers last."""
    return sorted(PEOPLE, key=lambda one: (one.upn != asked.hint, one.tenant != asked.tenant))


def _error(refusal: RefusalError) -> dict[str, str]:
    refused = refusal.refused
    return {"error": refused.error, "error_description": f"AADSTS{refused.code}: {refused.message}"}


def _stop(refusal: RefusalError) -> web.Response:
    # Whoever asked may be anybody: nothing is sent to the address it named.
    refused = refusal.refused
    sentence = f"{refused.message} (AADSTS{refused.code}) {_GO_BACK}"
    return page.told("This cannot go on", sentence, is_well=False, status=400)


def _back(asked: Asked, fields: dict[str, str]) -> web.Response:
    answer = {**fields, **({"state": asked.state} if asked.state else {})}
    if asked.mode == "form_post":
        return page.send_on(asked.redirect, answer)
    return web.Response(
        status=302, headers={"Location": f"{asked.redirect.rstrip('/')}/?{urlencode(answer)}"}
    )
