"""Read why a resource answered 401, and get the token that it will take.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, cast

from entraclaw.identity.values import Token

Refused: TypeAlias = Callable[[Token, str], None]

_DEMANDS = re.compile(r'error="?insufficient_claims"?', re.IGNORECASE)
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]{1,8192})"')


def ignore(token: Token, claims: str) -> None:
    """Take no note of a refused token: whoever gives tokens has no other."""
    del token, claims


def claims_of(authenticate: str) -> str:
    """Read the claims that a ``WWW-Authenticate`` header demands, as JSON; empty if none."""
    found = _CLAIMS.search(authenticate)
    if found is None or not _DEMANDS.search(authenticate):
        return ""
    padded = found[1] + "=" * (-len(found[1]) % 4)
    decode = urlsafe_b64decode if set("-_") & set(padded) else b64decode
    try:
        claims = decode(padded).decode()
        document: object = json.loads(claims)
    except (binascii.Error, ValueError, RecursionError):
        return ""
    return claims if _is_demand(document) else ""


def _is_demand(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    # msal adds what we can do to what is demanded of the access token, and trips over less.
    demands = cast("Mapping[str, object]", document)
    return isinstance(demands.get("access_token", {}), dict)


async def renewed(
    give: Callable[[], Awaitable[Token]], refused: Refused, token: Token, authenticate: str
) -> Token | None:
    """Get the successor of *token*, which was answered with 401 and *authenticate*.

    None if whoever gives tokens has no other: then the 401 stands.

    Raises:
        HopRefused: Entra gives no such token.
        Unreachable: Entra did not answer.
    """
    refused(token, claims_of(authenticate))
    fresh = await give()
    return fresh if fresh.secret != token.secret else None
