"""The certificates of an application: read once, named the ways Entra and Graph name them.

A credential is dated twice: when it begins and ends, and when Entra's login servers, which
learn of it later than Graph, know it. Whatever is shown of it is public.

keyCredential: https://learn.microsoft.com/graph/api/resources/keycredential
"""

import datetime as dt
import hashlib
import uuid
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from entraclaw.sandbox.documents import Json

_LONGEST_NAME = 90


@dataclass(frozen=True, slots=True)
class Certificate:
    """A credential: the public half, the two names it goes by, and what Graph keeps of it.

    *custom* is its `customKeyIdentifier`. Moments are seconds since the epoch; *known_from*
    is when Entra's login servers know it.
    """

    x5t: str
    x5t_s256: str
    key: RSAPublicKey
    der: bytes = field(repr=False)
    name: str
    custom: str
    starts: float
    ends: float
    key_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    known_from: float = 0.0

    @classmethod
    def read(cls, pem: str) -> "Certificate":
        """Read one PEM certificate.

        Raises:
            ValueError: It is not a PEM certificate with an RSA key.
        """
        return cls._of(x509.load_pem_x509_certificate(pem.encode()))

    @classmethod
    def read_der(cls, der: bytes) -> "Certificate":
        """Read one DER certificate.

        Raises:
            ValueError: It is not a certificate with an RSA key.
        """
        return cls._of(x509.load_der_x509_certificate(der))

    @classmethod
    def _of(cls, certificate: x509.Certificate) -> "Certificate":
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("the certificate's key is not RSA")  # noqa: TRY004  # bad content
        der = certificate.public_bytes(Encoding.DER)
        # RFC 7515 section 4.1.7 defines x5t as SHA-1; it names the key, it protects nothing.
        sha1 = hashlib.sha1(der, usedforsecurity=False).digest()
        return cls(
            x5t=_base64url(sha1),
            x5t_s256=_base64url(hashlib.sha256(der).digest()),
            key=key,
            der=der,
            name=certificate.subject.rfc4514_string()[:_LONGEST_NAME],
            custom=sha1.hex().upper(),
            starts=certificate.not_valid_before_utc.timestamp(),
            ends=certificate.not_valid_after_utc.timestamp(),
        )

    def named(self, name: str, custom: str) -> "Certificate":
        """The same under what its owner calls it; empty leaves a name as it is."""
        return replace(self, name=name[:_LONGEST_NAME] or self.name, custom=custom or self.custom)

    def known_since(self, moment: float) -> "Certificate":
        """The same, unknown to Entra's login servers before *moment*."""
        return replace(self, known_from=moment)

    def is_valid(self, now: float) -> bool:
        """Whether it has begun and not ended."""
        return self.starts <= now < self.ends

    def goes_by(self, name: str, value: str) -> bool:
        """Whether the header *name* of a JWT calls it *value*."""
        own = {"x5t": self.x5t, "x5t#S256": self.x5t_s256, "kid": self.custom}
        return own.get(name) == value

    def document(self, *, is_whole: bool) -> Json:
        """The keyCredential that Graph shows; its key only when it is selected."""
        return {
            "customKeyIdentifier": self.custom,
            "displayName": self.name,
            "endDateTime": _iso(self.ends),
            "key": b64encode(self.der).decode() if is_whole else None,
            "keyId": self.key_id,
            "startDateTime": _iso(self.starts),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }


def _iso(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
