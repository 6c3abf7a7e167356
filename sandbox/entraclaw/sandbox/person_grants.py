"""Decide a token request in a person's name: a code, a device code, a refresh token.

A refresh token is followed by another with every use. The one before stays
good, as Entra's does, so that an answer that was lost costs nothing.

Grants: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

import orjson

from entraclaw.sandbox.assertions import Authority
from entraclaw.sandbox.directory import Person
from entraclaw.sandbox.directory_roles import Appointments
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.grants import DEVICE_CODE, Form, Granted, Hop
from entraclaw.sandbox.public_clients import PublicClient, PublicClients
from entraclaw.sandbox.refusals import RefusalError, Refused, slow_down
from entraclaw.sandbox.resources import OPENID_WORDS, Catalogue, ScopeError, consented
from entraclaw.sandbox.signins import (
    REFRESH_S,
    SLOWER_S,
    Asked,
    Device,
    Fate,
    Lasting,
    Signins,
    again,
)

OF_PEOPLE = frozenset({"authorization_code", DEVICE_CODE, "refresh_token"})
_MEMBER, _GUEST = "1", "5"


class PersonGrants:
    """The grants that only a person can give; other forms are none of its business."""

    def __init__(
        self,
        clients: PublicClients,
        signins: Signins,
        resources: Catalogue,
        appointments: Appointments,
    ) -> None:
        self._clients, self._signins, self._resources = clients, signins, resources
        self._appointments = appointments

    def decide(self, form: Form, authority: Authority) -> Granted | Refused | None:
        """Answer one POST to the token endpoint; None if it asks for something else."""
        rule = self._rules().get(form.get("grant_type", ""))
        if rule is None:
            return None
        try:
            return rule(form, self._client(form, authority), authority)
        except RefusalError as no:
            return no.refused
        except ScopeError as no:
            return RefusalError(no.code, no.detail).refused

    def _rules(self) -> Mapping[str, Callable[[Form, PublicClient, Authority], Granted | Refused]]:
        return {
            "authorization_code": self._by_code,
            DEVICE_CODE: self._by_device,
            "refresh_token": self._by_refresh,
        }

    def _client(self, form: Form, authority: Authority) -> PublicClient:
        name = form.get("client_id", "")
        client = self._clients.find(authority.tenant, name)
        if client is None:
            raise RefusalError(
                700016, f"Application with identifier '{name}' was not found in the directory."
            )
        if not client.is_public:
            raise RefusalError(7000218)
        return client

    def _by_code(self, form: Form, client: PublicClient, authority: Authority) -> Granted:
        code = self._signins.find_code(form.get("code", ""))
        if code is None or code.asked.client != client.id:
            raise RefusalError(70000)
        if code.is_used:
            raise RefusalError(54005)
        if authority.now >= code.ends:
            raise RefusalError(70008)
        if form.get("redirect_uri") != code.asked.redirect:
            raise RefusalError(500112)
        if not _fits(form.get("code_verifier", ""), code.asked.challenge):
            raise RefusalError(501481)
        code.is_used = True
        return self._granted(client, code.asked, code.person, authority)

    def _by_device(
        self, form: Form, client: PublicClient, authority: Authority
    ) -> Granted | Refused:
        device = self._signins.find_device(form.get("device_code", ""))
        if device is None or device.asked.client != client.id or device.fate is Fate.USED:
            raise RefusalError(70018)
        if authority.now >= device.ends:
            raise RefusalError(70020)
        if device.fate is Fate.DECLINED:
            raise RefusalError(device.refused)
        if device.person is None:
            return _not_yet(device, authority.now)
        if client.device_blocked is not None:
            # The policy is looked at when the token would be issued, after the person agreed.
            raise RefusalError(client.device_blocked)
        device.fate = Fate.USED
        return self._granted(client, device.asked, device.person, authority)

    def _by_refresh(self, form: Form, client: PublicClient, authority: Authority) -> Granted:
        held = self._signins.find_refresh(form.get("refresh_token", ""))
        if held is None or held.client != client.id or held.tenant != authority.tenant:
            raise RefusalError(70000)
        if held.is_revoked:
            raise RefusalError(50173)
        if authority.now >= held.since + REFRESH_S:
            raise RefusalError(700082)
        asked = Asked(client.id, authority.tenant, form.get("scope", ""))
        return self._granted(client, asked, held.person, authority, held)

    def _granted(
        self,
        client: PublicClient,
        asked: Asked,
        person: Person,
        authority: Authority,
        before: Lasting | None = None,
    ) -> Granted:
        wanted = self._resources.read(asked.scope)
        scopes = consented(wanted, self._signins.consented(client.id, person.oid))
        if scopes is None:
            raise RefusalError(65001)
        if client.blocked is not None:
            raise RefusalError(client.blocked)
        new = Lasting(client.id, authority.tenant, person, authority.now)
        refresh = self._signins.refresh(again(before, authority.now) if before else new)
        account = orjson.dumps({"uid": person.oid, "utid": person.tenant})
        wids = self._appointments.claimed(person, authority.tenant)
        access = _access(authority, client, person, wanted.resource, scopes)
        return Granted(
            hop=Hop.PERSON,
            scope=_echoed(asked.scope, scopes),
            access={**access, "wids": list(wids)} if wids else access,
            identity=_identity(authority, client, person, asked.nonce),
            more={"refresh_token": refresh, "client_info": _base64url(account)},
        )


def _not_yet(device: Device, now: float) -> Refused:
    asked_at, device.asked_at = device.asked_at, now
    if asked_at is not None and now - asked_at < device.interval_s - 1:
        device.interval_s += SLOWER_S
        return slow_down()
    return RefusalError(70016).refused


def _fits(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(_base64url(digest), challenge)


def _echoed(scope: str, scopes: frozenset[str]) -> str:
    """What Entra says was granted: the permissions as they were asked for, OpenID's aside."""
    asked = [word for word in scope.split() if word.lower() not in OPENID_WORDS]
    return " ".join(asked) or " ".join(sorted(scopes))


def _access(
    authority: Authority,
    client: PublicClient,
    person: Person,
    resource: str,
    scopes: frozenset[str],
) -> Json:
    return {
        "aud": resource,
        "iss": f"https://sts.windows.net/{authority.tenant}/",
        "appid": client.id,
        "appidacr": "0",  # a public client shows nothing
        "app_displayname": client.name,
        "idtyp": "user",
        "oid": person.oid,
        "sub": person.oid,
        "scp": " ".join(sorted(scopes)),
        "tid": authority.tenant,
        "name": person.name,
        "upn": person.upn,
        "unique_name": person.upn,
        "ver": "1.0",
        "xms_idrel": _MEMBER if person.tenant == authority.tenant else _GUEST,
    }


def _identity(authority: Authority, client: PublicClient, person: Person, nonce: str) -> Json:
    claims = {
        "aud": client.id,
        "iss": authority.issuer,
        "oid": person.oid,
        "sub": person.oid,
        "tid": authority.tenant,
        "name": person.name,
        "preferred_username": person.upn,
        "ver": "2.0",
    }
    return {**claims, "nonce": nonce} if nonce else claims


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
