"""Entra and the Bot Framework's key service, as HTTP: metadata, keys, tokens.

Thin: the rules are in `grants`. Here requests become forms, grants become
signed tokens, and each token request leaves one line in a log that tests read.

Endpoints: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

import asyncio
import logging
import secrets
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from email.utils import formatdate

import orjson
from aiohttp import web

from entraclaw.sandbox.assertions import Authority
from entraclaw.sandbox.bot_keys import BotKeys
from entraclaw.sandbox.capabilities import Claims, long_lifetime, read_claims
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.directory import ANYBODYS, Tenant
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.entra_faults import EntraFault, EntraFaults, hop_of
from entraclaw.sandbox.grants import Form, Granted, World, decide
from entraclaw.sandbox.issued import Issued
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.person_grants import OF_PEOPLE
from entraclaw.sandbox.refusals import DOWN, RefusalError, Refused, explain
from entraclaw.sandbox.replicas import Replicas
from entraclaw.sandbox.resources import GRAPH
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.tokens import times

_log = logging.getLogger(__name__)

BOT_ISSUER = "https://api.botframework.com"

# Tenant names that stand for "whichever"; nobody signs in here with an account of their own.
_ANY_TENANT = ANYBODYS | {"consumers"}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One line of the request log; *code* is the AADSTS number or 0, *ms* our own time."""

    n: int
    hop: str
    client_id: str
    code: int
    ms: float
    at: int


class Entra:
    """The login host: every tenant's authority, and the Bot Framework's."""

    def __init__(
        self,
        *,
        login: str,
        world: World,
        keys: Keyring,
        bot_keys: BotKeys,
        settings: Settings,
        clock: Clock,
        faults: EntraFaults,
        tell: Callable[[TokenRequest], None],
    ) -> None:
        self._tell = tell
        self._login, self._world, self._settings = login, world, settings
        self._keyring, self._of_bots = keys, bot_keys
        self.clock, self._faults = clock, faults
        self._requests: list[TokenRequest] = []
        self._replicas = Replicas(settings)
        self.metadata_reads = 0
        self.issued = Issued()

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            web.get("/v1/.well-known/openidconfiguration", self._bot_metadata),
            web.get("/v1/.well-known/keys", self._bot_keys),
            web.get("/common/discovery/instance", self._instance),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._metadata),
            web.get("/{tenant}/discovery/v2.0/keys", self._keys),
            web.post("/{tenant}/oauth2/v2.0/token", self.issued.keeping(self._token)),
        ]

    def requests(self) -> list[Json]:
        """Every token request so far, oldest first."""
        return [asdict(request) for request in self._requests]

    async def _metadata(self, request: web.Request) -> web.Response:
        name = request.match_info["tenant"]
        self.metadata_reads += 1
        tenant = self._world.directory.tenant(name)
        if tenant is None and name not in _ANY_TENANT:
            return self._refuse(RefusalError(90002).refused, request)
        base = f"{self._login}/{tenant.id if tenant else name}"
        issuer = f"{self._login}/{tenant.id if tenant else '{tenantid}'}/v2.0"
        return self._dated(
            web.json_response(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                    "response_types_supported": ["code", "id_token", "code id_token"],
                    "subject_types_supported": ["pairwise"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                    "scopes_supported": ["openid", "profile", "email", "offline_access"],
                    "tenant_region_scope": "NA",
                    "cloud_instance_name": "localhost",
                }
            )
        )

    async def _keys(self, request: web.Request) -> web.Response:
        name = request.match_info["tenant"]
        if self._world.directory.tenant(name) is None and name not in _ANY_TENANT:
            return self._refuse(RefusalError(90002).refused, request)
        return web.json_response({"keys": self._keyring.jwks()})

    async def _instance(self, _request: web.Request) -> web.Response:
        host = self._login.removeprefix("https://")
        return web.json_response(
            {
                "tenant_discovery_endpoint": (
                    f"{self._login}/common/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
                ],
            }
        )

    async def _bot_metadata(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": BOT_ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self._login}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _bot_keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self._of_bots.jwks()})

    async def _token(self, request: web.Request) -> web.Response:
        begun = time.perf_counter()
        form = {name: str(value) for name, value in (await request.post()).items()}
        directory, name = self._world.directory, request.match_info["tenant"]
        is_a_persons = form.get("grant_type") in OF_PEOPLE
        tenant = directory.place(name) if is_a_persons else directory.tenant(name)
        fault = await self._met(form, tenant)
        if fault is not None and fault.html:
            hop, code, response = "page", 0, _page(fault)
        else:
            outcome = _refused(fault) if fault is not None else self._decide(form, tenant)
            hop, code, response = self._answer(form, outcome, request)
        if fault is not None and fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        self._note(hop, form.get("client_id", ""), code, begun)
        return self._dated(response)

    async def _met(self, form: Form, tenant: Tenant | None) -> EntraFault | None:
        directory, client = self._world.directory, form.get("client_id", "")
        home = tenant.id if tenant else ""
        hop = hop_of(
            form,
            is_blueprint=directory.shelves.blueprint(home, client) is not None,
            is_bot=directory.bot(home, client) is not None,
        )
        delay_s, fault = self._faults.meet(hop, directory.users_of(home, client))
        if delay_s:
            await asyncio.sleep(delay_s)
        return fault

    def _answer(
        self, form: Form, outcome: Granted | Refused, request: web.Request
    ) -> tuple[str, int, web.Response]:
        if isinstance(outcome, Granted):
            return outcome.hop.value, 0, self._grant(outcome, read_claims(form.get("claims", "")))
        return "refused", outcome.code, self._refuse(outcome, request)

    def _note(self, hop: str, client: str, code: int, begun: float) -> None:
        line = TokenRequest(
            n=len(self._requests) + 1,
            hop=hop,
            client_id=client,
            code=code,
            ms=round((time.perf_counter() - begun) * 1000, 3),
            at=time.monotonic_ns(),
        )
        self._requests.append(line)
        self._tell(line)
        _log.info("token request %d: %s, code %d", line.n, hop, code)

    def _decide(self, form: Form, tenant: Tenant | None) -> Granted | Refused:
        if tenant is None:
            return RefusalError(90002).refused
        now, ahead_s = self.clock.now(), self._replicas.ahead_s()
        authority = Authority(self._login, tenant.id, self._keyring, now, ahead_s)
        return decide(form, self._world, authority)

    def _grant(self, granted: Granted, claims: Claims) -> web.Response:
        lifetime, now = self._lifetime(granted, claims), self.clock.now()
        said = claims.stamps()
        stamps: Json = {**times(now, lifetime), **said, "uti": secrets.token_urlsafe(16)}
        body: Json = {
            "token_type": "Bearer",
            "scope": granted.scope,
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._keyring.sign({**granted.access, **stamps}),
        }
        if granted.identity is not None:
            body["id_token"] = self._keyring.sign({**granted.identity, **stamps})
        if granted.user is not None:
            account = orjson.dumps({"uid": granted.user.user, "utid": granted.user.tenant})
            body["client_info"] = urlsafe_b64encode(account).decode().rstrip("=")
        body |= granted.more
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    def _lifetime(self, granted: Granted, claims: Claims) -> int:
        # Graph looks at users' tokens again and again; who else does is not told.
        is_watched = granted.user is not None and granted.access["aud"] == GRAPH
        if claims.is_capable and is_watched and self._settings.token_lifetime_s is None:
            return long_lifetime()
        return self._settings.lifetime()

    def _refuse(self, refused: Refused, request: web.Request) -> web.Response:
        correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
        body = explain(
            refused,
            login=self._login,
            now=self.clock.now(),
            trace=str(uuid.uuid4()),
            correlation=correlation,
        )
        return web.json_response(
            body, status=refused.status, headers={"client-request-id": correlation}
        )

    def _dated(self, response: web.Response) -> web.Response:
        response.headers["Date"] = formatdate(self.clock.now(), usegmt=True)
        return response


def _refused(fault: EntraFault) -> Refused:
    refused = RefusalError(fault.code or DOWN).refused
    return refused if fault.status is None else replace(refused, status=fault.status)


def _page(fault: EntraFault) -> web.Response:
    page = "<!doctype html><title>Sign in</title><p>Sign in to use this network."
    return web.Response(text=page, content_type="text/html", status=fault.status or 200)
