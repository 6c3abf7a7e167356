"""Prove a key store by using it: make a key, find it again, sign with it, remove it.

A keystore can be there and still not do its work: a keyring that drops what it is given, a
token that is write-protected, a TPM whose signatures nobody takes.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm, Binding, Key, KeyStore

_MESSAGE = b"entraclaw"
_SALT_BYTES = 32  # PS256: as long as the digest, RFC 7518 §3.5
_NOWHERE = Binding("https://login.invalid", "00000000-0000-0000-0000-000000000000")


def prove(store: KeyStore, name: str) -> None:
    """Write, read, sign and delete under *name*, which must be nobody's.

    A key that a proof left behind when it was cut off is removed first.

    Raises:
        KeyUnavailable: One of the four failed; it says which.
    """
    reason = store.unavailable()
    if reason is not None:
        raise KeyUnavailable(f"the key store cannot be used here: {reason}")
    store.delete(name)
    made = store.create(name, _NOWHERE)
    try:
        found = store.load(name)
        if found is None or found.certificate != made.certificate:
            raise KeyUnavailable("the key store does not give back what it was given")
        check_signature(found)
    finally:
        store.delete(name)
    if store.load(name) is not None:
        raise KeyUnavailable("the key store does not remove what it was told to")


def check_signature(key: Key) -> None:
    """Have *key* sign, and verify it as Entra would.

    Raises:
        KeyUnavailable: It does not verify under the key's own certificate and algorithm.
    """
    public = x509.load_pem_x509_certificate(key.certificate).public_key()
    if not (isinstance(public, rsa.RSAPublicKey) and _is_good(public, key)):
        raise KeyUnavailable(
            f"the key store makes signatures that are not {key.algorithm}",
            hint="use another key store",
        )


def _is_good(public: rsa.RSAPublicKey, key: Key) -> bool:
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)
    scheme = salted if key.algorithm is Algorithm.PS256 else padding.PKCS1v15()
    try:
        public.verify(key.sign(_MESSAGE), _MESSAGE, scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
