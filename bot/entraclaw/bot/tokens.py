"""What `status` says of the tokens that are not to be had. Pure."""

from datetime import UTC, datetime

from entraclaw.identity.retrying import Trouble


def describe(trouble: Trouble) -> dict[str, object]:
    """Shape *trouble* for the wire: ids, words and moments in UTC, never a token."""
    return {
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
