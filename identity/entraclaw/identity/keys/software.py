"""An RSA key held by this process: made, written down by a store, read back, used.

The stores that keep bytes (OS keyring, file, memory) share it. Its record is one JSON
text; it is written once, by the store that has the key made, and never given again.
"""

import json
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm, Binding
from entraclaw.identity.keys.certificate import BITS, pem, self_signed

_SALT_BYTES = 32  # PS256: as long as the digest, RFC 7518 §3.5
_VERSION = 1


class SoftwareKey:
    """A `Key` whose private half lives in this process, and in no attribute of it."""

    def __init__(self, private: rsa.RSAPrivateKey, certificate: bytes, binding: Binding) -> None:
        """Keep the use of *private*, not the thing; *certificate* is its public PEM."""
        self._use = _use_of(private)
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
    def algorithm(self) -> Algorithm:
        """What it signs with: PS256."""
        return Algorithm.PS256

    @property
    def certificate(self) -> bytes:
        """The public certificate, PEM."""
        return self._certificate

    def sign(self, message: bytes) -> bytes:
        """Sign *message* with PS256."""
        return self._use(message)


def make(name: str, binding: Binding, now: datetime, write: Callable[[str], None]) -> SoftwareKey:
    """Make a key and a certificate that is valid for a year from *now*.

    Its record goes to *write*, which must keep it secret or forget it.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    public = pem(self_signed(private, name, binding, now))
    _write_down(private, public, binding, write)
    return SoftwareKey(private, public, binding)


def read(text: str, where: str) -> SoftwareKey:
    """Read back what `make` wrote.

    Raises:
        KeyUnavailable: *text* is no such record; *where* tells the operator which.
    """
    try:
        record = json.loads(text)
        private = serialization.load_pem_private_key(
            record["private"].encode(),
            password=None,
            # Proving its primes takes OpenSSL as long as fifty signatures, at every start. That
            # it signs what its certificate verifies is seen below, and is all it is for.
            unsafe_skip_rsa_key_validation=True,
        )
        public = record["certificate"].encode("ascii")
        certificate = x509.load_pem_x509_certificate(public)
        binding = Binding(login=record["login"], tenant=record["tenant"])
        whole = record["version"] == _VERSION
    except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
        # From None: the text that could not be read is the secret itself.
        raise _damaged(where) from None
    if not (whole and isinstance(private, rsa.RSAPrivateKey)):
        raise _damaged(where)
    if certificate.public_key() != private.public_key() or not _does_sign(private):
        raise _damaged(where)
    return SoftwareKey(private, public, binding)


def _does_sign(private: rsa.RSAPrivateKey) -> bool:
    message = b"entraclaw"
    try:
        signature = _use_of(private)(message)
        private.public_key().verify(signature, message, _scheme(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _use_of(private: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    scheme = _scheme()

    def use(message: bytes) -> bytes:
        return private.sign(message, scheme, hashes.SHA256())

    return use


def _scheme() -> padding.PSS:
    return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)


def _write_down(
    private: rsa.RSAPrivateKey,
    certificate: bytes,
    binding: Binding,
    write: Callable[[str], None],
) -> None:
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    record = {
        "version": _VERSION,
        "login": binding.login,
        "tenant": binding.tenant,
        "certificate": certificate.decode("ascii"),
        "private": secret.decode("ascii"),
    }
    write(json.dumps(record))


def _damaged(where: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"the key in {where} is damaged", hint="restore it, or remove it and make a new one"
    )
