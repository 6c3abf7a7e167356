"""Read what a token of ours says it is good for. Diagnosis only: nothing is proved by it.

A resource owns the format of its tokens; one that we cannot read is still a token.
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import binascii
import json
from base64 import urlsafe_b64decode
from typing import cast

from entraclaw.bot.diagnosis.facts import Held
from entraclaw.identity.values import Token

_PARTS = 3


def held(token: Token, now: float) -> Held:
    """Say what *token* is good for at *now*, seconds since the epoch."""
    claims = _claims(token.secret)
    scopes, ends = claims.get("scp"), claims.get("exp")
    lasts = ends if isinstance(ends, int | float) else token.expires_at
    return Held(frozenset(scopes.split()) if isinstance(scopes, str) else None, lasts - now)


def _claims(secret: str) -> dict[str, object]:
    parts = secret.split(".")
    if len(parts) != _PARTS:
        return {}
    try:
        document: object = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
