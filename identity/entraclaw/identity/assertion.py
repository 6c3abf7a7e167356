"""Turn a `Key` into the two proofs Microsoft takes of it, and into nothing else.

The client assertion stands in place of a secret: RFC 7523 with Entra's header, the key's
algorithm and the certificate's SHA-256 thumbprint
(https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
It is signed for no endpoint but the one the key is bound to.

The proof of possession lets an application change its own certificates at Graph
(https://learn.microsoft.com/graph/application-rollkey-prooftoken). It names no endpoint: it
is good only for an application that this very key is registered on.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from entraclaw.errors import KeyMisused
from entraclaw.identity.keys import Key

_LIFETIME_S = 600
_SKEW_S = 60  # a proof whose ten minutes begin a moment ago outlives a clock that is ahead
_DIRECTORY = "00000002-0000-0000-c000-000000000000"  # what a proof of possession is for
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What makes one assertion differ from the next.

    Attributes:
        now: Seconds since the epoch.
        nonce: A fresh value, the ``jti`` claim.
    """

    now: float
    nonce: str


def sign(key: Key, client_id: str, endpoint: str, occasion: Occasion) -> str:
    """Sign an assertion that *client_id* is itself, for the token *endpoint*.

    Returns:
        A compact JWT, good for ten minutes.

    Raises:
        KeyMisused: *endpoint* is not the one this key is bound to.
        KeyUnavailable: The store cannot sign right now.
    """
    if endpoint != key.binding.audience:
        raise KeyMisused(
            "the key is bound to another tenant or login host and signs for no other",
            hint="make a key for this tenant, or correct cloud and tenant in config.toml",
        )
    claims = {
        "aud": endpoint,
        "iss": client_id,
        "sub": client_id,
        "jti": occasion.nonce,
        "iat": int(occasion.now),
        "nbf": int(occasion.now),
        "exp": int(occasion.now) + _LIFETIME_S,
    }
    return _signed(key, {"x5t#S256": thumbprint(key.certificate)}, claims)


def possess(key: Key, application: str, now: float) -> str:
    """Sign the proof that *key* is had, by which *application* changes its certificates.

    Args:
        key: A key whose certificate is registered on it.
        application: Its object id, not its application id.
        now: Seconds since the epoch.

    Returns:
        A compact JWT, good for ten minutes, the first of which is past.

    Raises:
        KeyMisused: *application* is no object id.
        KeyUnavailable: The store cannot sign right now.
    """
    if not _GUID.fullmatch(application):
        raise KeyMisused("a proof of possession is for an application, by its object id")
    certificate = x509.load_pem_x509_certificate(key.certificate)
    # As Microsoft's sample writes it; beside it the name that the assertion goes by.
    named = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - RFC 7515 §4.1.7: it names
    names = {
        "kid": named.hex().upper(),
        "x5t": _encode(named),
        "x5t#S256": thumbprint(key.certificate),
    }
    begins = int(now) - _SKEW_S
    claims = {"aud": _DIRECTORY, "iss": application, "nbf": begins, "exp": begins + _LIFETIME_S}
    return _signed(key, names, claims)


def thumbprint(certificate: bytes) -> str:
    """Name a PEM *certificate* by its SHA-256 fingerprint, base64url without padding."""
    return _encode(x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()))


def _signed(key: Key, names: Mapping[str, str], claims: Mapping[str, object]) -> str:
    header = {"alg": key.algorithm.value, "typ": "JWT", **names}
    signed = f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(key.sign(signed.encode('ascii')))}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def thumbprint_of(content: str) -> str:
    """Name a certificate as `thumbprint` does, from its DER in base64; empty if it is none."""
    try:
        der = base64.b64decode(content, validate=True)
    except binascii.Error:
        der = b""
    if not der:
        return ""  # Graph shows what is no certificate without its content
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")
