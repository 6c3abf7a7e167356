"""What a rotation of the key says to whoever does the work, and what is noted of it.

`entraclaw.identity.rotation` knows the order; these are its words.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar


class Phase(StrEnum):
    """How far a rotation got."""

    SETTLED = "settled"
    MAKING = "making"
    ADDING = "adding"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Note:
    """What a profile knows of its keys. No secret is in it.

    Attributes:
        current: The name of the profile's key in its store.
        other: The name of the new key while it is made and added, of the old one afterwards.
        phase: What goes on; while it is settled, no key has the other name.
        thumbprint: Of the other key's certificate, once it may be registered.
    """

    current: str
    other: str
    phase: Phase = Phase.SETTLED
    thumbprint: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate as it is registered on an application.

    Attributes:
        key_id: Its GUID there.
        thumbprint: SHA-256, base64url; empty where it is no certificate.
        content: What is registered, as Graph shows it; compared, never read.
    """

    key_id: str
    thumbprint: str
    content: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Write *note* down, whole or not at all."""

    note: Note


@dataclass(frozen=True, slots=True)
class Find:
    """Send the thumbprint of the key *name*, or None if there is no such key."""

    name: str


@dataclass(frozen=True, slots=True)
class Make:
    """Make the key *name*; send its thumbprint."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the key *name*, if it is there."""

    name: str


@dataclass(frozen=True, slots=True)
class Read:
    """Send the credentials of *application*, asked for with the key *by*."""

    application: str
    by: str


@dataclass(frozen=True, slots=True)
class Add:
    """Register the certificate of the key *name* on *application*, proven by the key *by*."""

    application: str
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the credential *key_id* off *application*, proven by the key *by*."""

    application: str
    key_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask Entra for a token of *application* with the key *name*."""

    application: str
    name: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait *seconds*, for *reason*."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the operator *sentence*."""

    sentence: str


Order: TypeAlias = Keep | Find | Make | Delete | Read | Add | Remove | Ask | Wait | Warn
_T = TypeVar("_T")
Orders: TypeAlias = Generator[Order, Any, _T]
