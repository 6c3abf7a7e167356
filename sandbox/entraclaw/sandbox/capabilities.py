"""What the `claims` of a token request say: what is demanded of the token, what the client can.

A client that understands a claims challenge says so with `cp1`. Its tokens carry that in
`xms_cc`; only they are called back before they end, and in return those for Graph live about
a day. A client that does not say so keeps the token it has until that ends.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation
"""

import random
from dataclasses import dataclass

from entraclaw.sandbox.documents import DocumentError, Json, load, part, text, texts

CAPABLE = "cp1"

_SHORTEST_S, _LONGEST_S = 20 * 3600, 28 * 3600


@dataclass(frozen=True, slots=True)
class Claims:
    """One request's; *nbf* is the moment from which the token must be."""

    nbf: int | None = None
    is_capable: bool = False

    def stamps(self) -> Json:
        """The claims that the token carries for it."""
        starts: Json = {} if self.nbf is None else {"nbf": self.nbf}
        return {**starts, "xms_cc": [CAPABLE]} if self.is_capable else starts


def read_claims(raw: str) -> Claims:
    """Read a `claims` parameter; what makes no sense says nothing."""
    try:
        wanted = part(load(raw.encode()), "access_token")
        return Claims(_start(wanted), _is_capable(wanted))
    except (DocumentError, ValueError):
        return Claims()


def is_capable(claims: Json) -> bool:
    """Tell whether a token with these claims was made for a client that can be called back."""
    said: object = claims.get("xms_cc")
    return isinstance(said, list) and CAPABLE in said


def long_lifetime() -> int:
    """Seconds that the next token lives which can be called back."""
    # Not a secret: no caller gains by guessing when a token expires.
    return random.randint(_SHORTEST_S, _LONGEST_S)  # noqa: S311


def _start(wanted: Json) -> int | None:
    demanded = part(wanted, "nbf")
    # Such a token is not dated back.
    return int(text(demanded, "value")) if demanded else None


def _is_capable(wanted: Json) -> bool:
    said = part(wanted, "xms_cc")
    return bool(said) and CAPABLE in {word.lower() for word in texts(said, "values")}
