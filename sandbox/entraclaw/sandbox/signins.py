"""What sign-ins leave behind: codes for a moment, refresh tokens for months, consent for good.

A ledger without rules of its own; `person_grants` and `signin_host` know what each
entry is good for. Moments are seconds since the epoch, by the tenant's clock.

Lifetimes: https://learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from entraclaw.sandbox.directory import Person

CODE_S = 600.0
DEVICE_S = 900.0
REFRESH_S = 90 * 24 * 3600.0
SLOWER_S = 5.0  # RFC 8628 section 3.5

EVERYBODY = "*"  # in the place of a person's id, where an administrator consents for all

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1: no vowels, so no words
_CODE_LETTERS = 9

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application asks of a person; *challenge* and *redirect* only by browser."""

    client: str
    tenant: str
    scope: str
    nonce: str = ""
    state: str = ""
    redirect: str = ""
    mode: str = "query"
    challenge: str = ""
    hint: str = ""


@dataclass(slots=True)
class Code:
    """An authorization code, good once."""

    asked: Asked
    person: Person
    ends: float
    is_used: bool = False


class Fate(StrEnum):
    """What has become of a device code."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    USED = "used"


@dataclass(slots=True)
class Device:
    """A device code, and what the person has said to it.

    *asked_at* is the last poll; *refused* is the AADSTS number of a no.
    """

    asked: Asked
    user_code: str
    ends: float
    interval_s: float
    fate: Fate = Fate.PENDING
    person: Person | None = None
    asked_at: float | None = None
    refused: int = 70019


@dataclass(slots=True)
class Lasting:
    """A refresh token of one person at one application."""

    client: str
    tenant: str
    person: Person
    since: float
    is_revoked: bool = False


@dataclass(slots=True)
class _Kept:
    pending: dict[str, Asked] = field(default_factory=dict[str, Asked])
    codes: dict[str, Code] = field(default_factory=dict[str, Code])
    devices: dict[str, Device] = field(default_factory=dict[str, Device])
    lasting: dict[str, Lasting] = field(default_factory=dict[str, Lasting])
    consents: dict[tuple[str, str], frozenset[str]] = field(
        default_factory=dict[tuple[str, str], frozenset[str]]
    )


class Signins:
    """Everything that is under way, and what lasts."""

    def __init__(self) -> None:
        self._kept = _Kept()

    def begin(self, asked: Asked) -> str:
        """Remember a page that was opened; gives the ticket its form must show, once."""
        return _put(self._kept.pending, asked)

    def take(self, ticket: str) -> Asked | None:
        """Take the page that *ticket* is for."""
        return self._kept.pending.pop(ticket, None)

    def code(self, asked: Asked, person: Person, now: float) -> str:
        """Make an authorization code."""
        return _put(self._kept.codes, Code(asked, person, now + CODE_S))

    def find_code(self, code: str) -> Code | None:
        """Find what a code was made for."""
        return self._kept.codes.get(code)

    def device(self, asked: Asked, now: float, interval_s: float) -> tuple[str, Device]:
        """Make a device code, and the short one that a person types."""
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
        device = Device(asked, user_code, now + DEVICE_S, interval_s)
        return _put(self._kept.devices, device), device

    def find_device(self, code: str) -> Device | None:
        """Find a device code."""
        return self._kept.devices.get(code)

    def typed(self, user_code: str, now: float) -> Device | None:
        """Find the device code that waits for *user_code*, however it was typed."""
        wanted = "".join(letter for letter in user_code.upper() if letter.isalnum())
        waiting = (
            d for d in self._kept.devices.values() if d.fate is Fate.PENDING and now < d.ends
        )
        return next((device for device in waiting if device.user_code == wanted), None)

    def refresh(self, lasting: Lasting) -> str:
        """Make a refresh token."""
        return _put(self._kept.lasting, lasting)

    def find_refresh(self, token: str) -> Lasting | None:
        """Find whose a refresh token is."""
        return self._kept.lasting.get(token)

    def revoke(self, oid: str) -> int:
        """Revoke every refresh token of a person; gives how many there were."""
        theirs = [one for one in self._kept.lasting.values() if one.person.oid == oid]
        for one in theirs:
            one.is_revoked = True
        return len(theirs)

    def consent(self, client: str, oid: str, scopes: Iterable[str]) -> None:
        """Note that a person lets *client* do something more."""
        held = self._kept.consents.get((client, oid), frozenset())
        self._kept.consents[client, oid] = held | frozenset(scopes)

    def consented(self, client: str, oid: str) -> frozenset[str]:
        """What a person lets *client* do, or an administrator for everybody."""
        kept = self._kept.consents
        return kept.get((client, oid), frozenset()) | kept.get((client, EVERYBODY), frozenset())

    def withdraw(self, client: str) -> None:
        """Take back what anybody lets *client* do."""
        kept = self._kept.consents
        self._kept.consents = {key: scopes for key, scopes in kept.items() if key[0] != client}


def again(lasting: Lasting, now: float) -> Lasting:
    """The successor of a refresh token, which lives as long as a new one."""
    return replace(lasting, since=now)


def _put(shelf: dict[str, _T], value: _T) -> str:
    name = secrets.token_urlsafe(48)
    shelf[name] = value
    return name
