"""Keys that live in a PKCS#11 token, a TPM 2.0 among them, and cannot leave it.

The token makes the key and keeps its certificate beside it, under one label and one id.
Whatever it hands out is checked: that the key cannot be taken out, that the certificate is
the key's own. docs/decisions/0007-keys-in-tokens.md
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm, Binding
from entraclaw.identity.keys.certificate import BITS, Elsewhere, binding_of, pem, self_signed
from entraclaw.identity.keys.elsewhere import KeyElsewhere
from entraclaw.identity.keys.pkcs11_token import Pkcs11Token
from entraclaw.identity.keys.proof import check_signature

_SALT_BYTES = 32  # PS256: as long as the digest, RFC 7518 §3.5
_ID_BYTES = 16
_STAYS = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


class Pkcs11KeyStore:
    """A `KeyStore` in one token of one PKCS#11 module."""

    def __init__(
        self, token: Pkcs11Token, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep keys in *token*; *now* dates the certificates."""
        self._token = token
        self._now = now

    @property
    def exportable(self) -> bool:
        """A key that could be taken out is refused."""
        return False

    def unavailable(self) -> str | None:
        """Say why the token cannot be used here."""
        return self._token.unavailable()

    def create(self, name: str, binding: Binding) -> KeyElsewhere:
        """Have the token make a key; refuses a name that is taken."""
        with self._token.session(writing=True) as session:
            if _objects(session, name):
                raise KeyUnavailable(f"the token already holds a key named {name!r}")
            algorithm = _algorithm(session)
            place = secrets.token_bytes(_ID_BYTES)
            try:
                certificate = self._make(session, name, place, binding)
            except BaseException:
                _destroy(session, name)
                raise
        key = self._key(place, pem(certificate), algorithm, binding)
        try:
            check_signature(key)  # some TPMs choose their own salt, which is not PS256
        except KeyUnavailable:
            self.delete(name)
            raise
        return key

    def load(self, name: str) -> KeyElsewhere | None:
        """Find a key; refuses one that can be taken out, or whose certificate is foreign."""
        with self._token.session() as session:
            if not _objects(session, name):
                return None
            algorithm = _algorithm(session)
            kept = _only(_objects(session, name, ObjectClass.CERTIFICATE))
            place = bytes(kept[Attribute.ID])
            private = _only(_private(session, place))
            _refuse_loose(private)
            try:
                certificate = x509.load_der_x509_certificate(kept[Attribute.VALUE])
                binding = binding_of(certificate, _public(private))
            except ValueError as error:
                raise _damaged(str(error)) from None
        return self._key(place, pem(certificate), algorithm, binding)

    def _key(
        self, place: bytes, certificate: bytes, algorithm: Algorithm, binding: Binding
    ) -> KeyElsewhere:
        """Make the key whose private half has the id *place* in the token."""

        def sign(algorithm: Algorithm, message: bytes) -> bytes:
            with self._token.session() as session:  # one for each signature
                return _signature(_only(_private(session, place)), algorithm, message)

        return KeyElsewhere(sign, certificate, algorithm, binding)

    def delete(self, name: str) -> None:
        """Remove the key and what belongs to it."""
        with self._token.session(writing=True) as session:
            _destroy(session, name)

    def _make(
        self, session: pkcs11.Session, name: str, place: bytes, binding: Binding
    ) -> x509.Certificate:
        _, private = session.generate_keypair(
            KeyType.RSA,
            BITS,
            id=place,
            label=_label(name),
            store=True,
            private_template=_STAYS,
        )
        _refuse_loose(private)
        here = Elsewhere(
            _public(private), lambda message: _signature(private, Algorithm.RS256, message)
        )
        certificate = self_signed(here, name, binding, self._now())
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.CERTIFICATE,
                Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: False,
                Attribute.LABEL: _label(name),
                Attribute.ID: place,
                Attribute.SUBJECT: certificate.subject.public_bytes(),
                Attribute.ISSUER: certificate.issuer.public_bytes(),
                Attribute.SERIAL_NUMBER: _integer(certificate.serial_number),
                Attribute.VALUE: certificate.public_bytes(serialization.Encoding.DER),
            }
        )
        return certificate


def _algorithm(session: pkcs11.Session) -> Algorithm:
    offered = session.token.slot.get_mechanisms()
    return Algorithm.PS256 if Mechanism.SHA256_RSA_PKCS_PSS in offered else Algorithm.RS256


def _label(name: str) -> str:
    return f"entraclaw {name}"


def _objects(
    session: pkcs11.Session, name: str, kind: ObjectClass | None = None
) -> list[pkcs11.Object]:
    wanted: dict[Attribute, object] = {Attribute.LABEL: _label(name)}
    return list(session.get_objects(wanted if kind is None else {**wanted, Attribute.CLASS: kind}))


def _private(session: pkcs11.Session, place: bytes) -> list[pkcs11.Object]:
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: place}
    return list(session.get_objects(wanted))


def _only(found: list[pkcs11.Object]) -> pkcs11.Object:
    match found:
        case [one]:
            return one
        case []:
            raise _damaged("half of it is missing")
        case _:
            raise _damaged("there is more than one of that name")


def _destroy(session: pkcs11.Session, name: str) -> None:
    for thing in _objects(session, name):
        thing.destroy()


def _refuse_loose(private: pkcs11.Object) -> None:
    # A token may make a key of another kind than it was asked for, and say nothing.
    if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
        raise KeyUnavailable(
            "the key in the token can be taken out of it",
            hint="remove it, and use a token that keeps what it makes",
        )


def _public(private: pkcs11.Object) -> rsa.RSAPublicKey:
    """Read the public half off the private one: anybody may have put another beside it."""
    modulus = int.from_bytes(private[Attribute.MODULUS], "big")
    exponent = int.from_bytes(private[Attribute.PUBLIC_EXPONENT], "big")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _signature(private: pkcs11.Object, algorithm: Algorithm, message: bytes) -> bytes:
    if not isinstance(private, pkcs11.SignMixin):
        raise _damaged("it is no private key")
    match algorithm:
        case Algorithm.PS256:
            how = (Mechanism.SHA256, MGF.SHA256, _SALT_BYTES)
            made = private.sign(
                message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=how
            )
        case Algorithm.RS256:
            made = private.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS)
    return bytes(made)


def _integer(number: int) -> bytes:
    """Write *number* as DER does (X.690 §8.3), which PKCS#11 asks of a serial number."""
    raw = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes([0x02, len(raw)]) + raw


def _damaged(why: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"the key in the token is damaged: {why}", hint="remove it, and make a new one"
    )
