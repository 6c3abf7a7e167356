"""Where administrators consent for everybody: a link, a page, and the way back.

Thin: what is asked is read in `consent_requests`. What an agent may do goes into Graph's
grants and assignments; what a public client may do, into the ledger of sign-ins.

https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from entraclaw.sandbox import consent_page
from entraclaw.sandbox import signin_page as page
from entraclaw.sandbox.apis import Apis
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.consent_requests import Client, ConsentRequest, may_allow, read
from entraclaw.sandbox.consents import Assignment, Grant
from entraclaw.sandbox.directory import Directory, Person, Tenant
from entraclaw.sandbox.directory_roles import Appointments
from entraclaw.sandbox.public_clients import PublicClients
from entraclaw.sandbox.refusals import RefusalError, Refused
from entraclaw.sandbox.resources import ScopeError
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.signins import EVERYBODY, Signins

_GO_BACK = "Go back to where the link came from, and ask again."
_PATH = "/{tenant}/v2.0/adminconsent"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Who there is, who is what, and where it is written what was allowed."""

    directory: Directory
    clients: PublicClients
    signins: Signins
    appointments: Appointments
    apis: Apis


class ConsentHost:
    """The part of the login host that administrators see."""

    def __init__(self, ledgers: Ledgers, clock: Clock, settings: Settings) -> None:
        self._ledgers, self._clock, self._settings = ledgers, clock, settings
        self._pending: dict[str, ConsentRequest] = {}

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [web.get(_PATH, self._ask), web.post(_PATH, self._answered)]

    async def _ask(self, request: web.Request) -> web.Response:
        tenant = self._ledgers.directory.place(request.match_info["tenant"])
        if tenant is None:
            return _stop(RefusalError(90002).refused)
        client = self._client(tenant, request.query.get("client_id", "").lower())
        if client is None:
            return _stop(RefusalError(700016).refused)
        try:
            asked = read(request.query, client, tenant.id, self._ledgers.apis.resources)
            self._check_roles(asked)
        except ScopeError as no:
            return _stop(RefusalError(no.code, no.detail).refused)
        except RefusalError as no:
            return _stop(no.refused)
        return self._page(asked, tenant)

    def _page(self, asked: ConsentRequest, tenant: Tenant, wrong: str = "") -> web.Response:
        ticket = secrets.token_urlsafe(32)
        self._pending[ticket] = asked
        question = consent_page.Question(
            application=asked.client.name,
            tenant=tenant,
            scopes=self._named(asked.scopes),
            roles=self._named(asked.roles),
            action=f"/{tenant.id}/v2.0/adminconsent",
            ticket=ticket,
            is_agent=asked.client.principal is not None,
            redirect=asked.redirect,
            wrong=wrong,
        )
        return consent_page.ask(question, self._people(tenant))

    async def _answered(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = self._pending.pop(form.get("ticket", ""), None)
        tenant = self._ledgers.directory.tenant(request.match_info["tenant"])
        if asked is None or tenant is None or tenant.id != asked.tenant:
            return page.told("This page was used", _GO_BACK, is_well=False, status=400)
        person = self._ledgers.directory.person(form.get("person", ""))
        if person is None:
            no = RefusalError(65004).refused
            words = {"error": no.error, "error_description": f"AADSTS{no.code}: {no.message}"}
            return _end(asked, words, "You said no", "Nothing was allowed.", is_well=False)
        if not may_allow(asked, self._ledgers.appointments.held(person, tenant.id)):
            wrong = f"{person.name} has no role that may allow this. Nothing was allowed."
            return self._page(asked, tenant, wrong)
        self._allow(asked)
        sentence = f"{asked.client.name} may do what was asked, for everybody in {tenant.name}."
        return _end(asked, {"scope": asked.scope}, "Allowed", sentence, is_well=True)

    def _allow(self, asked: ConsentRequest) -> None:
        client, consents = asked.client, self._ledgers.directory.consents
        known_from = self._clock.now() + self._settings.propagation_s
        if client.principal is None:
            for scopes in asked.scopes.values():
                self._ledgers.signins.consent(client.id, EVERYBODY, scopes)
            return
        for resource, scopes in asked.scopes.items():
            held = consents.find(client.principal, resource, None)
            # What was allowed before stays so.
            merged = dict.fromkeys((*(held.scopes if held else ()), *scopes))
            consents.grant(Grant(client.principal, resource, None, tuple(merged)), known_from)
        for resource, roles in asked.roles.items():
            for role in roles:
                new = Assignment(client.principal, resource, role, self._clock.now())
                consents.assign(new, known_from)

    def _client(self, tenant: Tenant, name: str) -> Client | None:
        shelves, now = self._ledgers.directory.shelves, self._clock.now()
        identity = shelves.identities.find(tenant.id, name)
        if identity and identity.life.may_sign_in(now):
            return Client(identity.id, identity.name, identity.id)
        principal = shelves.principal(tenant.id, name)
        blueprint = shelves.blueprint(tenant.id, name)
        if principal and blueprint and principal.life.may_sign_in(now):
            return Client(blueprint.app, blueprint.name, principal.id)
        public = self._ledgers.clients.find(tenant.id, name)
        return Client(public.id, public.name) if public else None

    def _check_roles(self, asked: ConsentRequest) -> None:
        for resource, roles in asked.roles.items():
            api = self._ledgers.apis.by_audience(resource)
            if unknown := [role for role in roles if api is None or role not in api.roles]:
                raise RefusalError(70011, f"There is no role {unknown[0]} of {resource}.")

    def _named(self, permissions: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        apis = self._ledgers.apis
        known = {resource: apis.by_audience(resource) for resource in permissions}
        return {
            api.name if api else resource: permissions[resource] for resource, api in known.items()
        }

    def _people(self, tenant: Tenant) -> Iterator[tuple[Person, tuple[str, ...]]]:
        for person in self._ledgers.directory.people(tenant.id):
            held = self._ledgers.appointments.held(person, tenant.id)
            yield person, tuple(sorted(role.value for role in held))


def _end(
    asked: ConsentRequest, fields: Mapping[str, str], title: str, sentence: str, *, is_well: bool
) -> web.Response:
    if not asked.redirect:
        return page.told(title, f"{sentence} You can close this page.", is_well=is_well)
    answer = {"admin_consent": "True", "tenant": asked.tenant, **fields}
    if asked.state:
        answer["state"] = asked.state
    return web.Response(status=302, headers={"Location": f"{asked.redirect}?{urlencode(answer)}"})


def _stop(refused: Refused) -> web.Response:
    # Whoever asked may be anybody: nothing is sent to the address it named.
    sentence = f"{refused.message} (AADSTS{refused.code}) {_GO_BACK}"
    return page.told("This cannot be allowed", sentence, is_well=False, status=400)
