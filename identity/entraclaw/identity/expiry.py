"""Decide when a token must be replaced. No clock in here: the caller brings the time."""

from entraclaw.identity.values import Token

# Five minutes is what Microsoft's own libraries keep in hand; a fifth of the lifetime
# keeps a five-minute token from being refreshed all the time.
_MARGIN_S = 300.0
_MARGIN_SHARE = 0.2


def margin(token: Token) -> float:
    """Seconds before its end at which *token* should be replaced."""
    return min(_MARGIN_S, _MARGIN_SHARE * (token.expires_at - token.acquired_at))


def is_usable(token: Token, now: float) -> bool:
    """Tell whether *token* is still accepted at *now* (seconds since the epoch)."""
    return now < token.expires_at


def is_due(token: Token, now: float) -> bool:
    """Tell whether less than the margin is left of *token* at *now*."""
    return token.expires_at - now < margin(token)
