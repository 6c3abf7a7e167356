"""An RSA key held by this process: made, written down by a store, read back, used.

The stores that keep bytes (OS keyring, file, memory) share it. Its record is one JSON
text; it goes only to the writer a store passes in and is never returned.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding

_BITS = 2048  # what Entra asks for at least, and what a TPM can do
_LIFETIME = timedelta(days=365)
_SALT_BYTES = 32  # PS256: as long as the digest, RFC 7518 §3.5


class SoftwareKey:
    """A `Key` whose private half lives in this process."""

    def __init__(self, private: rsa.RSAPrivateKey, certificate: bytes, binding: Binding) -> None:
        """Hold *private* out of sight; *certificate* is its public PEM."""
        self.__private = private
        self._certificate = certificate
        self._binding = binding

    def __repr__(self) -> str:
        """Name the binding only."""
        return f"SoftwareKey({self._binding!r})"

    @property
    def binding(self) -> Binding:
        """The tenant and login host this key was made for."""
        return self._binding

    @property
    def certificate(self) -> bytes:
        """The public certificate, PEM."""
        return self._certificate

    def sign(self, message: bytes) -> bytes:
        """Sign *message* with PS256."""
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)
        return self.__private.sign(message, scheme, hashes.SHA256())

    def write_to(self, write: Callable[[str], None]) -> None:
        """Hand the record of this key to *write*, which must keep it secret."""
        private = self.__private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        record = {
            "version": 1,
            "login": self._binding.login,
            "tenant": self._binding.tenant,
            "certificate": self._certificate.decode("ascii"),
            "private": private.decode("ascii"),
        }
        write(json.dumps(record))


def make(name: str, binding: Binding, now: datetime) -> SoftwareKey:
    """Make a key and a certificate that is valid for a year from *now*."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"entraclaw {name}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(minutes=5))
        .not_valid_after(now.astimezone(UTC) + _LIFETIME)
        .sign(private, hashes.SHA256())
    )
    return SoftwareKey(private, certificate.public_bytes(serialization.Encoding.PEM), binding)


def read(text: str, where: str) -> SoftwareKey:
    """Read back what `SoftwareKey.write_to` wrote.

    Raises:
        KeyUnavailable: *text* is no such record; *where* tells the operator which.
    """
    try:
        record = json.loads(text)
        private = serialization.load_pem_private_key(record["private"].encode(), password=None)
        certificate = record["certificate"].encode("ascii")
        binding = Binding(login=record["login"], tenant=record["tenant"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(where) from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise _damaged(where)
    return SoftwareKey(private, certificate, binding)


def _damaged(where: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"the key in {where} is damaged", hint="restore it, or remove it and make a new one"
    )
