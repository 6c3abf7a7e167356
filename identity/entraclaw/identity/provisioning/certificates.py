"""Put one certificate beside those that an application has, and lose none of them. Pure.

Graph replaces the list as a whole, so it is read, added to, and sent back as it was shown.
https://learn.microsoft.com/graph/api/resources/keycredential
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from entraclaw.identity.assertion import thumbprint_of
from entraclaw.identity.provisioning.calls import Document


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a machine's key.

    Attributes:
        thumbprint: SHA-256, base64url.
        der: What is registered: DER, base64.
        name: What people see in the list.
    """

    thumbprint: str
    der: str
    name: str


@dataclass(frozen=True, slots=True)
class Registered:
    """One that an application has; *thumbprint* is empty where it is no certificate."""

    thumbprint: str
    document: Document


def read(application: Document) -> tuple[Registered, ...]:
    """Read the certificates of an application."""
    value = application.get("keyCredentials")
    listed = cast("list[object]", value) if isinstance(value, list) else []
    shown = [cast("Mapping[str, object]", one) for one in listed if isinstance(one, dict)]
    return tuple(Registered(thumbprint_of(str(one.get("key") or "")), one) for one in shown)


def has(registered: Sequence[Registered], thumbprint: str) -> bool:
    """Tell whether the certificate with *thumbprint* is among them."""
    return any(one.thumbprint == thumbprint for one in registered)


def with_one(registered: Sequence[Registered], certificate: Certificate) -> Document:
    """Write the list with *certificate* at its end."""
    added = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": certificate.der,
        "displayName": certificate.name,
    }
    return {"keyCredentials": [*(one.document for one in registered), added]}


def without(registered: Sequence[Registered], thumbprint: str) -> Document:
    """Write the list without the certificate that has *thumbprint*."""
    kept = [one.document for one in registered if one.thumbprint != thumbprint]
    return {"keyCredentials": kept}


def lost(before: Sequence[Registered], after: Sequence[Registered], but: str) -> tuple[str, ...]:
    """Name those of *before* that *after* has not, apart from the one with the thumbprint *but*."""
    left = {str(one.document.get("keyId")) for one in after}
    return tuple(
        str(one.document.get("keyId"))
        for one in before
        if one.thumbprint != but and str(one.document.get("keyId")) not in left
    )
