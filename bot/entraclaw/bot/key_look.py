"""What is kept of a profile's key, store by store, as `entraclaw key` tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from cryptography import x509

from entraclaw.bot.settings import Store
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Key, KeyStore


@dataclass(frozen=True, slots=True)
class Facts:
    """What is public of a key.

    Attributes:
        thumbprint: SHA-256 of the certificate, base64url, as Entra takes it.
        algorithm: How it signs.
        begins: The first moment of the certificate, ISO 8601.
        ends: Its last moment.
        login: The login host it is bound to.
        tenant: The directory it is bound to.
    """

    thumbprint: str
    algorithm: str
    begins: str
    ends: str
    login: str
    tenant: str

    @classmethod
    def of(cls, key: Key) -> "Facts":
        """Read them off *key*; nothing is signed."""
        certificate = x509.load_pem_x509_certificate(key.certificate)
        return cls(
            thumbprint(key.certificate),
            key.algorithm.value,
            certificate.not_valid_before_utc.isoformat(" ", "seconds"),
            certificate.not_valid_after_utc.isoformat(" ", "seconds"),
            key.binding.login,
            key.binding.tenant,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """One store, looked into.

    Attributes:
        store: Its name in the settings.
        exportable: Whether keys in it can be copied.
        why_not: Why it cannot be used here, or why its key cannot; None if it can.
        key: The profile's key in it; None if it has none or cannot be used.
    """

    store: str
    exportable: bool
    why_not: str | None
    key: Facts | None

    def document(self) -> dict[str, object]:
        """Shape it for programs."""
        return asdict(self)


def see(stores: Mapping[Store, KeyStore], names: Sequence[str]) -> list[Seen]:
    """Look for a key of one of *names*, the first there is, in each of *stores*."""
    return [_see(store, kept, names) for store, kept in stores.items()]


def _see(store: Store, kept: KeyStore, names: Sequence[str]) -> Seen:
    why_not, key = kept.unavailable(), None
    if why_not is None:
        try:
            key = next((found for name in names if (found := kept.load(name))), None)
        except KeyUnavailable as error:
            why_not = str(error)
    return Seen(store.value, kept.exportable, why_not, Facts.of(key) if key else None)
