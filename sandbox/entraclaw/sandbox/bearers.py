"""The bearer token of a request: ours, for this resource, alive, and whose.

Graph and the connector both read it here. What the holder may then do is the
listener's own rule.

Claims: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from base64 import b64encode
from dataclasses import dataclass

import orjson

from entraclaw.sandbox.documents import DocumentError, Json, number, text
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.tokens import TokenError


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a request comes from, exactly as its token says; *idtyp* is `user` or `app`."""

    oid: str
    idtyp: str
    azp: str
    tid: str
    scopes: frozenset[str]
    nbf: float = 0.0
    aud: str = ""


class BearerError(Exception):
    """The request carries no token that is good here; `str()` says why."""


def read_bearer(header: str | None, *, keys: Keyring, audience: str, now: float) -> Bearer:
    """Read the `Authorization` header of a request to the resource *audience*.

    Raises:
        BearerError: It is absent, not ours, for something else, or not valid now.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BearerError("Access token is empty.")
    try:
        claims = keys.read(token)
        return _holder(claims, audience=audience, now=now)
    except TokenError:
        raise BearerError("Access token validation failure. Invalid signature.") from None
    except DocumentError as wrong:
        raise BearerError(f"Access token validation failure. {wrong}") from None


def challenge(bearer: Bearer, tokens_from: float) -> str | None:
    """The `WWW-Authenticate` that says a token is too old to be taken; None if it is not.

    https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    if bearer.nbf >= int(tokens_from):
        return None
    wanted = {"access_token": {"nbf": {"essential": True, "value": str(int(tokens_from))}}}
    claims = b64encode(orjson.dumps(wanted)).decode()
    return f'Bearer realm="", error="insufficient_claims", claims="{claims}"'


def _holder(claims: Json, *, audience: str, now: float) -> Bearer:
    tid = text(claims, "tid")
    if claims.get("aud") != audience:
        raise BearerError("Access token validation failure. Invalid audience.")
    if claims.get("iss") != f"https://sts.windows.net/{tid}/":
        raise BearerError("Access token validation failure. Invalid issuer.")
    if not number(claims, "nbf") <= now < number(claims, "exp"):
        raise BearerError("Lifetime validation failed, the token is expired.")
    return Bearer(
        oid=text(claims, "oid"),
        idtyp=text(claims, "idtyp"),
        azp=text(claims, "appid"),
        tid=tid,
        scopes=frozenset(text(claims, "scp", "").split()),
        nbf=number(claims, "nbf"),
        aud=audience,
    )
