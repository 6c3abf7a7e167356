"""Tell from Graph's refusals that the agent user has no licence for a service, and remember it.

Entra gives a token for Graph whether or not there is a licence behind it: Teams says so with
a 403 whose code is everybody's and whose sentence is its own, Exchange with a code. Until the
service answers again, that is a trouble like any other.

https://learn.microsoft.com/graph/errors
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from entraclaw.errors import CallRefused
from entraclaw.identity.refusals import Standing
from entraclaw.identity.retrying import Trouble

_FORBIDDEN = 403
_NO_MAILBOX = frozenset({"MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox"})
_CURE = (
    "{service} knows no licence of the agent user: an administrator must assign one; a fresh one"
    " takes some minutes (docs/identity/token-chain.md#licences)"
)


class Licences:
    """The services that want a licence, by the resource they are reached at."""

    def __init__(
        self, scope: str, now: Callable[[], float], told: Callable[[Trouble], None]
    ) -> None:
        """Note troubles of *scope*, by the time *now*; *told* hears of each as it begins."""
        self._scope, self._now, self._told = scope, now, told
        self._troubles: dict[str, Trouble] = {}

    def refused(self, path: str, error: CallRefused) -> None:
        """Hear that *path* was refused for want of a licence."""
        service, now = service_of(path), self._now()
        before = self._troubles.get(service)
        if before is not None:
            noted = replace(before, error=error, times=before.times + 1, asks_at=now)
        else:
            noted = Trouble(self._scope, Standing.NO_RESOURCE, error, now, 1, now)
            self._told(noted)
        self._troubles[service] = noted

    def served(self, path: str) -> None:
        """Hear that *path* was served."""
        self._troubles.pop(service_of(path), None)

    def troubles(self) -> Sequence[Trouble]:
        """List what is refused for want of a licence."""
        return list(self._troubles.values())


def service_of(path: str) -> str:
    """Name the service that answers for *path*, below ``/v1.0/``."""
    words = path.partition("?")[0].split("/")
    if {"chats", "teams"} & set(words):
        return "Teams"
    if {"messages", "mailFolders", "sendMail", "events", "calendar", "calendarView"} & set(words):
        return "Exchange"
    return "Microsoft 365"


def is_unlicensed(status: int, answer: Mapping[str, object]) -> bool:
    """Tell whether a refusal is for want of a licence; *answer* is Graph's, an error in it."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return False
    said = cast("Mapping[str, object]", error)
    if said.get("code") in _NO_MAILBOX:
        return True
    # The code is the one of every 403 of Teams; the sentence alone tells this one apart.
    return status == _FORBIDDEN and "license information" in str(said.get("message")).lower()


def cure_of(path: str) -> str:
    """Say what to do about it."""
    return _CURE.format(service=service_of(path))
