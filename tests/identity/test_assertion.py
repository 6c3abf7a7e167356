"""The client assertion, as Entra asks for it.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import hashlib

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contracts.keystore import BINDING, public_half
from entraclaw.errors import KeyMisused
from entraclaw.identity.assertion import Occasion, possess, sign, thumbprint
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore

CLIENT = "11111111-2222-4333-8444-555555555555"
NOW = Occasion(now=1_700_000_000.9, nonce="nonce")


@pytest.fixture(scope="module")
def key() -> Key:
    return MemoryKeyStore().create("default", BINDING)


def test_header_names_the_algorithm_and_the_certificate_and_nothing_else(key: Key) -> None:
    header = jwt.get_unverified_header(sign(key, CLIENT, BINDING.audience, NOW))

    der = x509.load_pem_x509_certificate(key.certificate).public_bytes(Encoding.DER)
    fingerprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": fingerprint}
    assert thumbprint(key.certificate) == fingerprint


def test_claims_are_those_of_rfc_7523_for_ten_minutes(key: Key) -> None:
    assertion = sign(key, CLIENT, BINDING.audience, NOW)

    claims = jwt.decode(
        assertion,
        public_half(key),
        algorithms=["PS256"],
        audience=BINDING.audience,
        issuer=CLIENT,
        options={"verify_exp": False},
    )
    assert claims == {
        "aud": BINDING.audience,
        "iss": CLIENT,
        "sub": CLIENT,
        "jti": "nonce",
        "iat": 1_700_000_000,
        "nbf": 1_700_000_000,
        "exp": 1_700_000_600,
    }


def test_assertion_of_one_key_does_not_verify_under_another(key: Key) -> None:
    stranger = MemoryKeyStore().create("default", BINDING)

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(
            sign(key, CLIENT, BINDING.audience, NOW),
            public_half(stranger),
            algorithms=["PS256"],
            options={"verify_exp": False, "verify_aud": False},
        )


@pytest.mark.parametrize(
    "endpoint",
    [
        f"{BINDING.login}/c2b8a0f4-93d7-4e0c-8f36-7d1e6b4a9f22/oauth2/v2.0/token",
        f"{BINDING.login}/common/oauth2/v2.0/token",
        BINDING.audience.replace("login.example", "login.evil.example"),
        BINDING.audience.replace("login.example", "login.example.evil"),
        BINDING.audience.replace("login.example", "login.example@evil"),
        BINDING.audience.replace("https:", "http:"),
        BINDING.audience.upper(),
        f"{BINDING.audience}/",
        f"{BINDING.audience}?x",
        f" {BINDING.audience}",
        "",
    ],
)
def test_nothing_is_signed_for_any_other_endpoint(key: Key, endpoint: str) -> None:
    """Ours: a key is for one tenant at one login host."""
    with pytest.raises(KeyMisused):
        sign(key, CLIENT, endpoint, NOW)


def test_proof_of_possession_is_what_graph_asks_for_and_no_more(key: Key) -> None:
    """https://learn.microsoft.com/graph/application-rollkey-prooftoken."""
    proof = possess(key, CLIENT, 1_700_000_000.9)

    claims = jwt.decode(
        proof,
        public_half(key),
        algorithms=["PS256"],
        audience="00000002-0000-0000-c000-000000000000",
        options={"verify_exp": False},
    )
    begins = 1_700_000_000 - 60
    assert claims == {
        "aud": "00000002-0000-0000-c000-000000000000",
        "iss": CLIENT,
        "nbf": begins,
        "exp": begins + 600,
    }
    der = x509.load_pem_x509_certificate(key.certificate).public_bytes(Encoding.DER)
    sha1 = hashlib.sha1(der, usedforsecurity=False).digest()
    assert jwt.get_unverified_header(proof) == {
        "alg": "PS256",
        "typ": "JWT",
        "kid": sha1.hex().upper(),
        "x5t": base64.urlsafe_b64encode(sha1).rstrip(b"=").decode(),
        "x5t#S256": thumbprint(key.certificate),
    }
    assert "=" not in proof


@pytest.mark.parametrize(
    "application",
    ["", "https://login.example", BINDING.audience, CLIENT.upper() + "X", f"{CLIENT} "],
)
def test_possession_is_proven_to_no_address(key: Key, application: str) -> None:
    """Ours: whoever could name an audience here would have a key that signs anything."""
    with pytest.raises(KeyMisused):
        possess(key, application, NOW.now)
