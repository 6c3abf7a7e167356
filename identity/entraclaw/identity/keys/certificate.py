"""The self-signed certificate of a key: made, and read back for what the key is bound to.

Its private half need not be in this process: `Elsewhere` lends cryptography's builder a
key that can do nothing but sign. The binding stands in the certificate as a URI (RFC 5280
§4.2.1.6), so that a token that keeps keys and certificates and nothing else keeps it too,
under the key's own signature.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.x509.oid import NameOID

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding

BITS = 2048  # what Entra asks for at least, and what a TPM can do

_LIFETIME = timedelta(days=365)
_SKEW = timedelta(minutes=5)


def self_signed(
    private: rsa.RSAPrivateKey, name: str, binding: Binding, now: datetime
) -> x509.Certificate:
    """Make the certificate of *private*, valid for a year from *now*."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"entraclaw {name}")])
    bound = x509.UniformResourceIdentifier(f"{binding.login}/{binding.tenant}")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _SKEW)
        .not_valid_after(now.astimezone(UTC) + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([bound]), critical=False)
        .sign(private, hashes.SHA256())
    )


def binding_of(certificate: x509.Certificate, public: rsa.RSAPublicKey) -> Binding:
    """Read what *certificate* is bound to, if *public* is its key and signed it.

    Raises:
        ValueError: It is another key's, not signed by its own, or bound to nothing.
    """
    if certificate.public_key() != public:
        raise ValueError("the certificate is another key's")
    try:
        certificate.verify_directly_issued_by(certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        [bound] = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    except (InvalidSignature, TypeError, x509.ExtensionNotFound) as error:
        raise ValueError("the certificate is not one of ours") from error
    login, _, tenant = bound.rpartition("/")
    return Binding(login=login, tenant=tenant)


def pem(certificate: x509.Certificate) -> bytes:
    """Write *certificate* as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def end_of(certificate: bytes) -> datetime:
    """Read when a PEM *certificate* ends."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def refuse_untimely(certificate: bytes, now: datetime) -> None:
    """Refuse a PEM *certificate* that is not valid at *now*, before Entra does.

    Raises:
        KeyUnavailable: It has ended, or begins later.
    """
    read = x509.load_pem_x509_certificate(certificate)
    if now >= read.not_valid_after_utc:
        raise KeyUnavailable(
            f"the certificate of this key ended on {read.not_valid_after_utc:%Y-%m-%d}",
            hint="make a new key with `entraclaw key new`, and register its certificate on the "
            "blueprint",
        )
    if now < read.not_valid_before_utc:
        raise KeyUnavailable(
            f"the certificate of this key begins on {read.not_valid_before_utc:%Y-%m-%d}",
            hint="is this machine's clock right?",
        )


class Elsewhere(rsa.RSAPrivateKey):
    """A private key in another place, as far as a certificate's builder needs one."""

    def __init__(self, public: rsa.RSAPublicKey, sign: Callable[[bytes], bytes]) -> None:
        """Sign by *sign*, which makes RSASSA-PKCS1-v1_5 signatures with SHA-256."""
        self._public = public
        self._sign = sign

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self._public

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        padding: AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        """Sign *data* in the one way there is."""
        if not (isinstance(padding, PKCS1v15) and isinstance(algorithm, hashes.SHA256)):
            raise TypeError("a certificate is signed with RSASSA-PKCS1-v1_5 and SHA-256")
        return self._sign(bytes(data))

    def decrypt(
        self,
        ciphertext: bytes | bytearray | memoryview,  # noqa: ARG002 - cryptography's signature
        padding: AsymmetricPadding,  # noqa: ARG002 - the same
    ) -> NoReturn:
        """Refuse."""
        raise TypeError("this key only signs")

    def private_numbers(self) -> NoReturn:
        """Refuse."""
        raise TypeError("this key never leaves its place")

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - the same
        format: serialization.PrivateFormat,  # noqa: A002, ARG002 - the same
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002 - the same
    ) -> NoReturn:
        """Refuse."""
        raise TypeError("this key never leaves its place")

    def __copy__(self) -> "Elsewhere":
        """It has no state of its own to copy."""
        return self

    def __deepcopy__(self, memo: dict[object, object]) -> "Elsewhere":
        """The same."""
        return self
