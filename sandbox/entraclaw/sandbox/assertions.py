"""What a client may show to prove who it is: a signed statement, or a token of ours.

A blueprint, and a bot, signs a statement with the key of a registered certificate; an
agent identity has no key and shows the token its blueprint got for it. Both
checks are here, and raise the refusal that Entra would answer with.

Client assertions: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
(RFC 7523 section 3). Agent flows: https://learn.microsoft.com/entra/agent-id/
"""

import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from math import inf
from typing import Protocol

from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.documents import DocumentError, Json, number
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.refusals import RefusalError
from entraclaw.sandbox.resources import TOKEN_EXCHANGE
from entraclaw.sandbox.tokens import TokenError, read_header, read_signed

_CERTIFICATE_ALGORITHMS = ("RS256", "PS256")
_SKEW_S = 300
_LONGEST_S = 24 * 3600


class Client(Protocol):
    """An application that signs for itself."""

    @property
    def app(self) -> str:
        """Its application id."""
        ...

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """What it may sign with."""
        ...


@dataclass(frozen=True, slots=True)
class Authority:
    """Entra as the issuer of one tenant: its host, the tenant, its keys, and the time.

    *ahead_s* is how much sooner than the last replica the one that answers knew of a change.
    """

    login: str
    tenant: str
    keys: Keyring
    now: float
    ahead_s: float = 0.0

    @property
    def known(self) -> float:
        """The moment whose changes the last replica knows when this one does."""
        return self.now + self.ahead_s

    @property
    def token_endpoint(self) -> str:
        """Where tokens are asked for, and what a client assertion is addressed to."""
        return f"{self.login}/{self.tenant}/oauth2/v2.0/token"

    @property
    def issuer(self) -> str:
        """The `iss` of version 2 tokens."""
        return f"{self.login}/{self.tenant}/v2.0"


def prove_application(assertion: str, client: Client, authority: Authority) -> None:
    """Accept *assertion* as signed by *client*, a blueprint or a bot.

    One statement may be shown many times: msal keeps its own for minutes, and
    Entra does not remember `jti`.

    Raises:
        RefusalError: The key is not registered, or the statement is not for us or not for now.
    """
    certificate = _certificate(assertion, client)
    try:
        claims = read_signed(assertion, certificate.key, _CERTIFICATE_ALGORITHMS)
    except TokenError:
        raise RefusalError(700027, "Client assertion contains an invalid signature.") from None
    if authority.token_endpoint not in _audiences(claims):
        raise RefusalError(700023)
    if not claims.get("iss") == claims.get("sub") == client.app:
        raise RefusalError(50027, "Invalid JWT token. iss and sub must be the client_id.")
    _check_times(claims, authority.now, _LONGEST_S)
    _check_in_force(certificate, authority.now)


def prove_exchange(token: str, authority: Authority, *, subject: str) -> None:
    """Accept *token* as one we issued for the token exchange, in the name of *subject*.

    Raises:
        RefusalError: We did not sign it, or it is for another purpose, subject or time.
    """
    try:
        claims = authority.keys.read(token)
    except TokenError:
        raise RefusalError(50013) from None
    if claims.get("aud") != TOKEN_EXCHANGE or claims.get("iss") != authority.issuer:
        raise RefusalError(700211)
    if claims.get("sub") != subject:
        raise RefusalError(700211)
    _check_times(claims, authority.now)


def managed_subject(tenant: str, blueprint: str, path: str) -> str:
    """The subject of a token that the *blueprint* of a *tenant* gets for the path *path*.

    The two ids are the GUIDs' little-endian bytes, as Entra writes them.
    """
    return f"/eid1/c/pub/t/{_packed(tenant)}/a/{_packed(blueprint)}/{path}"


def _certificate(assertion: str, client: Client) -> Certificate:
    try:
        header = read_header(assertion)
    except TokenError:
        raise RefusalError(50027) from None
    if header.get("alg") not in _CERTIFICATE_ALGORITHMS:
        raise RefusalError(50027, "Invalid JWT token. The signature algorithm is not supported.")
    names = {name: _thumbprint(header, name) for name in ("x5t", "x5t#S256")}
    if not any(names.values()):
        raise RefusalError(50027, "Invalid JWT token. The header names no certificate.")
    for certificate in client.certificates:
        if all(certificate.goes_by(name, value) for name, value in names.items() if value):
            return certificate
    raise RefusalError(700027)


def _check_in_force(certificate: Certificate, now: float) -> None:
    if now < certificate.known_from:
        raise RefusalError(700027)
    if not certificate.is_valid(now):
        raise RefusalError(
            700027,
            "Client assertion failed signature validation. [Reason - The key used is expired.]",
        )


def _thumbprint(header: Json, name: str) -> str:
    value: object = header.get(name)
    # msal pads x5t#S256 although RFC 7515 says base64url without padding.
    return value.rstrip("=") if isinstance(value, str) else ""


def _audiences(claims: Json) -> list[object]:
    audience: object = claims.get("aud")
    return [*audience] if isinstance(audience, list) else [audience]


def _check_times(claims: Json, now: float, longest_s: float = inf) -> None:
    try:
        ends = number(claims, "exp")
        starts = number(claims, "nbf") if "nbf" in claims else now
    except DocumentError as wrong:
        raise RefusalError(50027, f"Invalid JWT token. {wrong}.") from None
    if not (starts - _SKEW_S <= now < ends <= now + longest_s):
        raise RefusalError(700024)


def _packed(guid: str) -> str:
    return urlsafe_b64encode(uuid.UUID(guid).bytes_le).decode().rstrip("=")
