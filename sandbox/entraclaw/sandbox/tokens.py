"""Signed tokens: made by a key of ours, read back with its public half.

Knows JWT and RSA, not what any claim means. Hostile variants (no signature,
a secret in place of a key) are made here too, because tests ask for them.

Formats: RFC 7515 (signature), RFC 7517 (key set), RFC 7519 (claims)
"""

import datetime as dt
import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import jwt
import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from entraclaw.sandbox.documents import DocumentError, Json, load

# Entra dates its tokens back, so that a verifier whose clock is late accepts them at once.
BACKDATED_S = 300

# Signatures only: audience, times and issuer are rules, decided apart from cryptography.
_JWS = jwt.PyJWS()


class Algorithm(StrEnum):
    """How a token claims to be signed; only the first is honest here."""

    RS256 = "RS256"
    HS256 = "HS256"
    NONE = "none"


class TokenError(Exception):
    """A token is not one of ours, or no token at all; `str()` says which."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key of the emulated cloud, and the certificate it is published with."""

    kid: str
    certificate: bytes = field(repr=False)
    private: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def make(cls, owner: str) -> "SigningKey":
        """Make a fresh 2048-bit key, named by its certificate's thumbprint as Entra does."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        certificate = (
            x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=3650))
            .sign(private, hashes.SHA256())
        )
        der = certificate.public_bytes(Encoding.DER)
        # RFC 7515 section 4.1.7 defines x5t as SHA-1; it names the key, it protects nothing.
        kid = _base64url(hashlib.sha1(der, usedforsecurity=False).digest())
        return cls(kid=kid, certificate=der, private=private)

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The half that verifies."""
        return self.private.public_key()

    def jwk(self, *, endorsements: Sequence[str] = ()) -> Json:
        """Publish the key as one entry of a key set."""
        numbers = self.public.public_numbers()
        entry: Json = {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
            "x5c": [b64encode(self.certificate).decode()],
        }
        return {**entry, "endorsements": list(endorsements)} if endorsements else entry

    def header(self) -> Json:
        """The header of an honest token under this key."""
        return {"typ": "JWT", "alg": Algorithm.RS256.value, "kid": self.kid, "x5t": self.kid}

    def sign(self, claims: Json) -> str:
        """Make an honest token."""
        return self.forge(self.header(), claims, Algorithm.RS256)

    def forge(self, header: Json, claims: Json, algorithm: Algorithm) -> str:
        """Make a token whose header and signature need not fit together.

        HS256 uses our public key as the shared secret, the classic confusion
        (RFC 8725 section 2.1).
        """
        signed = f"{_segment(header)}.{_segment(claims)}".encode()
        match algorithm:
            case Algorithm.RS256:
                signature = self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
            case Algorithm.HS256:
                pem = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                signature = hmac.digest(pem, signed, "sha256")
            case Algorithm.NONE:
                signature = b""
        return f"{signed.decode()}.{_base64url(signature)}"


def times(now: float, lifetime_s: float) -> Json:
    """`iat`, `nbf` and `exp` of a token that dies in *lifetime_s* seconds, or is long dead."""
    ends = int(now + lifetime_s)
    starts = min(int(now), ends) - BACKDATED_S
    return {"iat": starts, "nbf": starts, "exp": ends}


def read_header(token: str) -> Json:
    """Read a token's header; nothing about it is true yet.

    Raises:
        TokenError: It is not a JWT.
    """
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenError("it is not a JWT") from None


def read_signed(token: str, key: rsa.RSAPublicKey, algorithms: Sequence[str]) -> Json:
    """Read the claims of a token that *key* signed; their meaning is the caller's to check.

    Raises:
        TokenError: It is not a JWT, or *key* did not sign it with one of *algorithms*.
    """
    try:
        payload: bytes = _JWS.decode(token, key, algorithms=list(algorithms))
        return load(payload)
    except (jwt.PyJWTError, DocumentError):
        raise TokenError("its signature is not good") from None


def _segment(document: Json) -> str:
    return _base64url(orjson.dumps(document))


def _integer(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
