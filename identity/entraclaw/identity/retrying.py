"""Decide when Entra is asked again: soon after a passing fault, ever later after a refusal.

Pure: the caller brings errors and the time.
"""

from dataclasses import dataclass

from entraclaw.errors import (
    EntraclawError,
    HopRefused,
    KeyMisused,
    KeyUnavailable,
    SignedOut,
    Unreachable,
)
from entraclaw.identity.refusals import Standing, standing_of

TRIES = 4  # of one fetch, the first included
LONGEST_PAUSE_S = 20.0  # a caller waits for no longer one; it is told instead
_FIRST_PAUSE_S = 0.5

# The second look at a refusal comes when anybody asks: what was wrong may just have been put
# right. Whoever goes on asking is answered from memory for a while.
_GAPS_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no fresh token for a resource.

    Attributes:
        scope: Which resource.
        standing: What it makes of the agent, in a word.
        error: What whoever asks is told, with its cure as the hint.
        since: When it began, seconds since the epoch.
        times: How often Entra was asked since, in vain.
        asks_at: Until when the answer is known without asking, seconds since the epoch.
    """

    scope: str
    standing: Standing
    error: EntraclawError
    since: float
    times: int
    asks_at: float


def pause(error: HopRefused | Unreachable, tries: int) -> float | None:
    """Seconds to wait after try number *tries* ended in *error*; None to give up."""
    if not error.is_passing or tries >= TRIES:
        return None
    seconds = max(_FIRST_PAUSE_S * 2 ** (tries - 1), error.retry_after or 0.0)
    return seconds if seconds <= LONGEST_PAUSE_S else None


def trouble(before: Trouble | None, scope: str, error: EntraclawError, now: float) -> Trouble:
    """Note that *scope* got no token, for *error*, at *now*; *before* is what was noted last."""
    standing = _standing(error)
    if before is not None and before.standing is standing:
        since, times = before.since, before.times + 1
    else:
        since, times = now, 1
    return Trouble(scope, standing, error, since, times, now + _gap(error, times))


def _standing(error: EntraclawError) -> Standing:
    match error:
        case KeyUnavailable() | KeyMisused():
            return Standing.NO_KEY
        case SignedOut():
            return Standing.SIGNED_OUT
        case HopRefused(code=code, is_passing=False):
            return standing_of(code)
        case _:
            return Standing.UNREACHABLE


def _gap(error: EntraclawError, times: int) -> float:
    gap = _GAPS_S[min(times, len(_GAPS_S)) - 1]
    match error:
        case HopRefused(retry_after=wait) | Unreachable(retry_after=float() as wait):
            return max(gap, wait or 0.0)
        case _:
            # A keystore that is opened, a person who signed in: the next who asks finds out.
            return 0.0
