"""Keys that sign and never leave: the two seams.

A `Key` is a private key we may use but never hold; a `KeyStore` makes, finds and
removes keys. Every key is bound, when it is made, to one tenant at one login host, and
`entraclaw.identity.assertion` refuses to sign for any other.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Algorithm", "Binding", "Key", "KeyStore"]


class Algorithm(StrEnum):
    """How a key signs, by its name in a JWT (RFC 7518 §3.1); Entra takes both."""

    PS256 = "PS256"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True)
class Binding:
    """The one place a key may sign for.

    Attributes:
        login: The login host with its scheme, ``https://login.microsoftonline.com``.
        tenant: The directory's GUID.
    """

    login: str
    tenant: str

    @property
    def audience(self) -> str:
        """The token endpoint, which is the audience of every assertion."""
        return f"{self.login}/{self.tenant}/oauth2/v2.0/token"


class Key(Protocol):
    """A private RSA key we may use but never hold."""

    @property
    def binding(self) -> Binding:
        """The tenant and login host this key was made for."""
        ...

    @property
    def algorithm(self) -> Algorithm:
        """How it signs."""
        ...

    @property
    def certificate(self) -> bytes:
        """The public certificate, PEM, as it is registered on the blueprint."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign *message* with its algorithm.

        PS256 is RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 7518 §3.5), RS256 is
        RSASSA-PKCS1-v1_5 with SHA-256 (§3.3).

        Raises:
            KeyUnavailable: The store is locked, absent or forbids signing.
        """
        ...


class KeyStore(Protocol):
    """A place that holds keys, one per profile name."""

    @property
    def exportable(self) -> bool:
        """Whether whoever may use a key here could also carry it away."""
        ...

    def unavailable(self) -> str | None:
        """Say why this store cannot be used here, or None if it can."""
        ...

    def create(self, name: str, binding: Binding) -> Key:
        """Make a key and its self-signed certificate.

        Raises:
            KeyUnavailable: The store cannot be used, or already holds *name*.
        """
        ...

    def load(self, name: str) -> Key | None:
        """Find a key; None means there is none of that name.

        Raises:
            KeyUnavailable: The store cannot be used, or what it holds is damaged.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a key; removing what is not there is no error.

        Raises:
            KeyUnavailable: The store cannot be used.
        """
        ...
