"""What `status` says of the tokens that are not to be had. Pure."""

from datetime import UTC, datetime

from entraclaw.bot.principal import ActsAs
from entraclaw.identity.retrying import Trouble


def describe(who: ActsAs, trouble: Trouble) -> dict[str, object]:
    """Shape a principal's *trouble* for the wire: ids, words, moments in UTC, never a token."""
    return {
        "principal": who.value,
        "resource": trouble.scope.removesuffix("/.default"),
        "state": trouble.standing.value,
        "cause": str(trouble.error),
        "cure": trouble.error.hint or None,
        "since": _moment(trouble.since),
        "asked": trouble.times,
        "known_until": _moment(trouble.asks_at),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
