"""What every `KeyStore` keeps its word on. A store's test inherits this and opens a store."""

import json
import pickle
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from entraclaw.bot.rotating import Rotating, Tools
from entraclaw.bot.settings import Store
from entraclaw.errors import KeyUnavailable
from entraclaw.identity import AgentIds
from entraclaw.identity.keys import Algorithm, Binding, Key, KeyStore
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.keys.proof import prove
from entraclaw.identity.registration import Registration
from entraclaw.identity.rotation_orders import Note
from identity.tenant import Tenant

OpenStore: TypeAlias = Callable[[], KeyStore]

NAME = "default"
ROTATED = ("rotated", "rotated 2")
BINDING = Binding("https://login.example", "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10")


class Records(Protocol):
    """What a store wrote, reached behind its back."""

    def read(self, name: str) -> str: ...

    def write(self, name: str, text: str) -> None: ...


def public_half(key: Key) -> rsa.RSAPublicKey:
    public = x509.load_pem_x509_certificate(key.certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public


def verify_ps256(key: Key, signature: bytes, message: bytes) -> None:
    """Verify as RFC 7518 §3.5 says: the salt is exactly as long as the digest."""
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    public_half(key).verify(signature, message, scheme, hashes.SHA256())


def off_by_two(private: rsa.RSAPrivateKey) -> str:
    """Write *private* with exponents that are not its own."""
    own = private.private_numbers()
    numbers = rsa.RSAPrivateNumbers(
        own.p, own.q, own.d + 2, own.dmp1 + 2, own.dmq1 + 2, own.iqmp, own.public_numbers
    )
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verify(key: Key, signature: bytes, message: bytes) -> None:
    """Verify as the key's own algorithm says (RFC 7518 §3.3 and §3.5)."""
    match key.algorithm:
        case Algorithm.PS256:
            verify_ps256(key, signature, message)
        case Algorithm.RS256:
            public_half(key).verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def attributes(key: Key) -> Iterator[object]:
    for name in dir(key):
        if not name.startswith("__"):
            yield getattr(key, name)


def refuses_everything(store: KeyStore) -> None:
    """Assert that *store* neither makes, finds nor removes a key."""
    with pytest.raises(KeyUnavailable):
        store.load(NAME)
    with pytest.raises(KeyUnavailable):
        store.create(NAME, BINDING)
    with pytest.raises(KeyUnavailable):
        store.delete(NAME)


def replace_key(store: KeyStore, tenant: Tenant, ids: AgentIds) -> None:
    """Rotate the key of *ids* in *store*, from the first of `ROTATED` to the second."""
    registration = Registration(tenant.cloud, ids.tenant, ids.blueprint, time.time)
    notes = [Note(*ROTATED)]
    tools = Tools(registration, sleep=unslept, tell=lambda _step, _words: None)
    binding = Binding(tenant.cloud.login, ids.tenant)
    place = Store.KEYRING  # what it is called is all the same
    Rotating(place, store, notes[0], notes.append, binding, (ids.blueprint,), tools).run()
    registration.close()
    assert notes[-1] == Note(ROTATED[1], ROTATED[0])


def unslept(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s for what is known at once")


class KeyStoreContract:
    """Inherit, and provide a module-scoped fixture `open_store`.

    Each call of it opens the same place; `key` is made there once, under `NAME`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def key(cls, open_store: OpenStore) -> Key:
        return open_store().create(NAME, BINDING)

    def test_store_can_be_used_here(self, open_store: OpenStore) -> None:
        assert open_store().unavailable() is None

    def test_key_is_found_under_its_name(self, open_store: OpenStore, key: Key) -> None:
        found = open_store().load(NAME)

        assert found is not None
        assert found.certificate == key.certificate

    def test_name_without_a_key_finds_none(self, open_store: OpenStore, key: Key) -> None:
        assert key
        assert open_store().load("nobody") is None

    def test_second_key_of_one_name_is_refused_and_the_first_stays(
        self, open_store: OpenStore, key: Key
    ) -> None:
        with pytest.raises(KeyUnavailable, match="already holds"):
            open_store().create(NAME, BINDING)

        found = open_store().load(NAME)
        assert found is not None
        assert found.certificate == key.certificate

    def test_deleted_key_is_gone_and_others_stay(self, open_store: OpenStore, key: Key) -> None:
        other = open_store().create("other", BINDING)
        assert public_half(other) != public_half(key)

        open_store().delete("other")

        assert open_store().load("other") is None
        assert open_store().load(NAME) is not None

    def test_deleting_what_is_not_there_is_no_error(self, open_store: OpenStore) -> None:
        open_store().delete("nobody")

    def test_binding_is_kept(self, open_store: OpenStore, key: Key) -> None:
        found = open_store().load(NAME)

        assert found is not None
        assert found.binding == key.binding == BINDING

    def test_signature_verifies_under_the_certificate(self, key: Key) -> None:
        verify(key, key.sign(b"message"), b"message")

    def test_signature_of_one_message_is_not_good_for_another(self, key: Key) -> None:
        with pytest.raises(InvalidSignature):
            verify(key, key.sign(b"message"), b"massage")

    def test_certificate_is_self_signed_and_valid_now(self, key: Key) -> None:
        certificate = x509.load_pem_x509_certificate(key.certificate)

        certificate.verify_directly_issued_by(certificate)
        now = datetime.now(UTC)
        assert certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
        assert public_half(key).key_size >= 2048

    def test_certificate_holds_no_private_half(self, key: Key) -> None:
        assert key.certificate.startswith(b"-----BEGIN CERTIFICATE-----")
        assert b"PRIVATE" not in key.certificate

    def test_key_offers_what_it_is_and_signing_and_nothing_else(self, key: Key) -> None:
        """Ours: keys sign; they never leave."""
        offered = {name for name in dir(key) if not name.startswith("_")}

        assert offered == {"algorithm", "binding", "certificate", "sign"}

    def test_no_attribute_of_a_key_is_its_private_half(self, key: Key) -> None:
        for value in attributes(key):
            assert not hasattr(value, "private_bytes")
            assert not hasattr(value, "private_numbers")
            assert "PRIVATE" not in repr(value)

    def test_key_cannot_be_carried_away(self, key: Key) -> None:
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(key)

    def test_printing_a_key_shows_no_secret(self, key: Key) -> None:
        assert BINDING.tenant in repr(key)
        assert "PRIVATE" not in f"{key!r} {key}"
        assert len(repr(key)) < 200

    def test_assertion_is_taken_by_entra(self, open_store: OpenStore, tenant: Tenant) -> None:
        key = open_store().create("agent", Binding(tenant.cloud.login, tenant.id))
        ids = tenant.hire(key.certificate)

        assert tenant.chain(ids, key=lambda: key).token(tenant.cloud.graph_scope).secret

    def test_key_is_replaced_by_another_of_the_same_store(
        self, open_store: OpenStore, tenant: Tenant
    ) -> None:
        """Ours: what works with one store works with all; Entra takes the new key alone."""
        binding = Binding(tenant.cloud.login, tenant.id)
        old = open_store().create(ROTATED[0], binding)
        ids = tenant.hire(old.certificate)

        replace_key(open_store(), tenant, ids)

        first, second = (open_store().load(name) for name in ROTATED)
        assert first is None
        assert second is not None
        assert tenant.chain(ids, key=lambda: second).token(tenant.cloud.graph_scope).secret
        with pytest.raises(KeyUnavailable):
            open_store().create(ROTATED[1], binding)
        open_store().delete(ROTATED[1])

    def test_store_proves_itself_and_leaves_nothing(self, open_store: OpenStore) -> None:
        prove(open_store(), "self-check")

        assert open_store().load("self-check") is None

    def test_proof_that_was_cut_off_is_done_anew(self, open_store: OpenStore) -> None:
        open_store().create("self-check", BINDING)

        prove(open_store(), "self-check")

    def test_store_says_whether_its_keys_can_be_copied(self, open_store: OpenStore) -> None:
        assert isinstance(open_store().exportable, bool)


class LastingKeyStoreContract(KeyStoreContract):
    """The same, for a store that outlives its process."""

    def test_key_survives_the_store_object_that_made_it(
        self, open_store: OpenStore, key: Key
    ) -> None:
        found = open_store().load(NAME)

        assert found is not None
        assert found is not key
        verify(key, found.sign(b"message"), b"message")


class RecordedKeyStoreContract(LastingKeyStoreContract):
    """The same, for a store that writes down what it keeps.

    Provide a module-scoped fixture `records` too.
    """

    @pytest.fixture
    def record(self, records: Records, key: Key) -> Generator[str]:
        """The record of `key`, as it is before and after the test."""
        assert key
        record = records.read(NAME)
        yield record
        records.write(NAME, record)

    @pytest.mark.parametrize(
        ("sound", "broken"),
        [
            ("{", ""),
            ('"private"', '"privat"'),
            ('"certificate"', '"certificat"'),
            ('"tenant"', '"tenants"'),
            ('"version": 1', '"version": 2'),
            ("BEGIN PRIVATE KEY", "BEGIN LOST KEY"),
            ("BEGIN CERTIFICATE", "BEGIN CERTIFIED"),
        ],
    )
    def test_damaged_record_is_refused_and_not_shown(
        self, open_store: OpenStore, records: Records, record: str, sound: str, broken: str
    ) -> None:
        assert sound in record
        records.write(NAME, record.replace(sound, broken))

        with pytest.raises(KeyUnavailable, match="damaged") as refusal:
            open_store().load(NAME)

        assert "PRIVATE" not in str(refusal.value)
        assert refusal.value.__cause__ is None

    @pytest.mark.parametrize("nonsense", ["[]", "null", "7", '{"private": 7}'])
    def test_record_that_is_no_record_is_refused(
        self, open_store: OpenStore, records: Records, record: str, nonsense: str
    ) -> None:
        assert record != nonsense
        records.write(NAME, nonsense)

        with pytest.raises(KeyUnavailable, match="damaged"):
            open_store().load(NAME)

    def test_record_with_the_certificate_of_another_key_is_refused(
        self, open_store: OpenStore, records: Records, record: str
    ) -> None:
        other = MemoryKeyStore().create("other", BINDING).certificate.decode()
        records.write(NAME, json.dumps({**json.loads(record), "certificate": other}))

        with pytest.raises(KeyUnavailable, match="damaged"):
            open_store().load(NAME)

    def test_record_with_a_key_that_signs_nothing_good_is_refused(
        self, open_store: OpenStore, records: Records, record: str
    ) -> None:
        """Its public half is its certificate's still: only its signatures tell."""
        document = json.loads(record)
        private = load_pem_private_key(document["private"].encode(), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        records.write(NAME, json.dumps({**document, "private": off_by_two(private)}))

        with pytest.raises(KeyUnavailable, match="damaged"):
            open_store().load(NAME)

    def test_record_with_a_key_of_another_kind_is_refused(
        self, open_store: OpenStore, records: Records, record: str
    ) -> None:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        records.write(NAME, json.dumps({**json.loads(record), "private": pem.decode()}))

        with pytest.raises(KeyUnavailable, match="damaged"):
            open_store().load(NAME)
