"""What a PKCS#11 key store keeps its word on besides; each token's test inherits it."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from keyring.backend import KeyringBackend
from keyring.backends import SecretService
from pkcs11 import Attribute, ObjectClass

from contracts.keystore import (
    BINDING,
    NAME,
    LastingKeyStoreContract,
    OpenStore,
    public_half,
    refuses_everything,
    verify,
)
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.keys.pin import SERVICE, Pin
from entraclaw.identity.keys.pkcs11 import Pkcs11KeyStore
from entraclaw.identity.keys.pkcs11_token import PATIENCE_S, Pkcs11Token
from entraclaw.identity.keys.system_keyring import SystemKeyring

LABEL = "entraclaw"
PIN = "a-pin-1234"


class Items(KeyringBackend):
    """A keyring in this process, under the name of one that is safe."""

    # keyring knows every class there is, and must not choose this one.
    priority = -1.0  # pyright: ignore[reportAssignmentType]  # keyring's own word for a constant
    __module__ = SecretService.__name__

    def __init__(self, pin: str | None = PIN) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring types part of itself
        self.pin = pin

    def get_password(self, service: str, username: str) -> str | None:
        return self.pin if service == SERVICE and username else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError(service, username)


def token(
    module: Path, items: Items, label: str = LABEL, patience_s: float = PATIENCE_S
) -> Pkcs11Token:
    pin = Pin(label, SystemKeyring(lambda: items))
    return Pkcs11Token(module, label, pin, patience_s=patience_s)


def store_of(module: Path, items: Items | None = None, label: str = LABEL) -> Pkcs11KeyStore:
    return Pkcs11KeyStore(token(module, items or Items(), label))


@contextmanager
def opened(module: Path) -> Generator[pkcs11.Session]:
    """The token behind the store's back."""
    found = pkcs11.lib(str(module)).get_token(token_label=LABEL)
    with found.open(rw=True, user_pin=PIN) as session:
        yield session


class Pkcs11Contract(LastingKeyStoreContract):
    """Inherit, and provide module-scoped fixtures `module` and `open_store`."""

    def test_key_cannot_be_taken_out_of_the_token(self, module: Path, key: Key) -> None:
        with opened(module) as session:
            [private] = session.get_objects(
                {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: f"entraclaw {NAME}"}
            )
            assert private[Attribute.MODULUS] == public_half(key).public_numbers().n.to_bytes(
                256, "big"
            )
            assert private[Attribute.NEVER_EXTRACTABLE]
            with pytest.raises(pkcs11.PKCS11Error):
                private[Attribute.PRIVATE_EXPONENT]
            with pytest.raises(pkcs11.PKCS11Error):
                private[Attribute.PRIME_1]

    def test_store_says_that_its_keys_stay(self, open_store: OpenStore) -> None:
        assert open_store().exportable is False

    def test_refused_pin_is_not_tried_again(self, module: Path, key: Key) -> None:
        """Ours: a token locks after a few wrong PINs, and an agent tries often."""
        assert key
        items = Items("wrong-pin")
        store = store_of(module, items)
        with pytest.raises(KeyUnavailable, match="refused the PIN") as refusal:
            store.load(NAME)
        assert "keyring set" in refusal.value.hint

        with pytest.raises(KeyUnavailable, match="not tried again"):
            store.load(NAME)

        items.pin = PIN
        assert store.load(NAME) is not None

    def test_missing_pin_is_a_reason_and_its_cure_a_command(self, module: Path) -> None:
        store = store_of(module, Items(None))

        assert "no PIN" in str(store.unavailable())
        refuses_everything(store)
        with pytest.raises(KeyUnavailable) as refusal:
            store.load(NAME)
        assert f"keyring set {SERVICE} {LABEL}" in refusal.value.hint

    def test_token_that_is_not_there_is_a_reason(self, module: Path) -> None:
        store = store_of(module, Items(), "another")

        assert "not there" in str(store.unavailable())
        refuses_everything(store)

    def test_half_a_key_is_refused_and_can_be_removed(
        self, module: Path, open_store: OpenStore
    ) -> None:
        open_store().create("half", BINDING)
        with opened(module) as session:
            [kept] = session.get_objects(
                {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: "entraclaw half"}
            )
            kept.destroy()

        with pytest.raises(KeyUnavailable, match="half of it is missing"):
            open_store().load("half")
        with pytest.raises(KeyUnavailable, match="already holds"):
            open_store().create("half", BINDING)

        open_store().delete("half")
        assert open_store().load("half") is None

    def test_certificate_of_another_key_is_refused(
        self, module: Path, open_store: OpenStore
    ) -> None:
        """Ours: anybody may write a certificate beside the key, the PIN guards the key alone."""
        open_store().create("foreign", BINDING)
        other = x509.load_pem_x509_certificate(
            MemoryKeyStore().create("foreign", BINDING).certificate
        )
        with opened(module) as session:
            [kept] = session.get_objects(
                {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: "entraclaw foreign"}
            )
            place = kept[Attribute.ID]
            kept.destroy()
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    Attribute.TOKEN: True,
                    Attribute.LABEL: "entraclaw foreign",
                    Attribute.ID: place,
                    Attribute.SUBJECT: other.subject.public_bytes(),
                    Attribute.VALUE: other.public_bytes(Encoding.DER),
                }
            )

        with pytest.raises(KeyUnavailable, match="another key's"):
            open_store().load("foreign")
        open_store().delete("foreign")

    def test_signatures_of_many_threads_are_made_in_turn(self, key: Key) -> None:
        messages = [str(number).encode() for number in range(16)]
        with ThreadPoolExecutor(max_workers=8) as threads:
            signatures = list(threads.map(key.sign, messages))

        for signature, message in zip(signatures, messages, strict=True):
            verify(key, signature, message)

    def test_errand_that_waits_too_long_says_so(self, module: Path) -> None:
        opened, impatient = token(module, Items()), token(module, Items(), patience_s=0.01)
        with opened.session():
            assert "busy with another call" in str(impatient.unavailable())
            refuses_everything(Pkcs11KeyStore(impatient))

        assert impatient.unavailable() is None

    def test_key_is_used_after_the_module_was_let_go(
        self, module: Path, open_store: OpenStore, key: Key
    ) -> None:
        pkcs11.lib(str(module)).finalize()

        assert key.sign(b"message")
        assert open_store().load(NAME) is not None
