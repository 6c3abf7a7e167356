"""Turn a `Key` into the client assertion Entra takes in place of a secret.

RFC 7523 with Entra's header: the key's algorithm and the certificate's SHA-256 thumbprint
(https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
It refuses to sign for any endpoint but the one the key is bound to.
"""

import base64
import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from entraclaw.errors import KeyMisused
from entraclaw.identity.keys import Key

_LIFETIME_S = 600


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
    header = {"alg": key.algorithm.value, "typ": "JWT", "x5t#S256": thumbprint(key.certificate)}
    claims = {
        "aud": endpoint,
        "iss": client_id,
        "sub": client_id,
        "jti": occasion.nonce,
        "iat": int(occasion.now),
        "nbf": int(occasion.now),
        "exp": int(occasion.now) + _LIFETIME_S,
    }
    signed = f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(key.sign(signed.encode('ascii')))}"


def thumbprint(certificate: bytes) -> str:
    """Name a PEM *certificate* by its SHA-256 fingerprint, base64url without padding."""
    return _encode(x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
