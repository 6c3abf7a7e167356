"""Windows' key storage: the store over a provider in this process, then over Windows itself.

What calls Windows runs on Windows only. Everywhere else the store's own rules are tested
over a provider that keeps its keys in memory, as one with a TPM or without would.
"""

import json
import struct
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from contracts.keystore import BINDING, NAME, ROTATED, LastingKeyStoreContract, OpenStore, verify
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm
from entraclaw.identity.keys.cng import CngKeyStore, public_of
from entraclaw.identity.keys.memory import MemoryKeyStore

GROUP = "entraclaw-tests"  # nobody's own keys are touched
MADE = (NAME, "agent", "other", "self-check", *ROTATED)


class InMemory:
    """A provider; without *salts* it knows no salt but the longest, as many TPMs do."""

    def __init__(self, *, salts: bool = True, reason: str | None = None) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self._salts, self._reason = salts, reason

    def unavailable(self) -> str | None:
        return self._reason

    def make(self, name: str) -> None:
        assert name not in self.keys
        self.keys[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public(self, name: str) -> rsa.RSAPublicKey | None:
        return self.keys[name].public_key() if name in self.keys else None

    def sign(self, name: str, algorithm: Algorithm, message: bytes) -> bytes:
        if algorithm is Algorithm.RS256:
            return self.keys[name].sign(message, padding.PKCS1v15(), hashes.SHA256())
        if not self._salts:
            raise KeyUnavailable("NCryptSignHash 0x80090029")
        salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return self.keys[name].sign(message, salted, hashes.SHA256())

    def remove(self, name: str) -> None:
        self.keys.pop(name, None)


class TestStore(LastingKeyStoreContract):
    @pytest.fixture(scope="module")
    @classmethod
    def open_store(cls, tmp_path_factory: pytest.TempPathFactory) -> OpenStore:
        folder, provider = tmp_path_factory.mktemp("keys"), InMemory()
        return lambda: CngKeyStore(folder, [provider])


@pytest.mark.skipif(sys.platform != "win32", reason="Windows' key storage is on Windows only")
class TestWindows(LastingKeyStoreContract):
    @pytest.fixture(scope="module")
    @classmethod
    def open_store(cls, tmp_path_factory: pytest.TempPathFactory) -> Generator[OpenStore]:
        assert sys.platform == "win32"
        from entraclaw.identity.keys import ncrypt  # noqa: PLC0415 - nothing but Windows can

        folder = tmp_path_factory.mktemp("keys")
        providers = [ncrypt.Ncrypt(ncrypt.TPM), ncrypt.Ncrypt(ncrypt.SOFTWARE)]
        store = CngKeyStore(folder, providers, group=GROUP)
        # Windows keeps them past the run: also those of one that was cut off.
        for name in MADE:
            store.delete(name)
        yield lambda: CngKeyStore(folder, providers, group=GROUP)
        for name in MADE:
            store.delete(name)


def test_first_provider_that_can_be_used_makes_the_key(tmp_path: Path) -> None:
    tpm, software = InMemory(), InMemory()
    CngKeyStore(tmp_path / "a", [tpm, software]).create(NAME, BINDING)
    assert (len(tpm.keys), len(software.keys)) == (1, 0)

    CngKeyStore(tmp_path / "b", [InMemory(reason="no TPM"), software]).create(NAME, BINDING)
    assert len(software.keys) == 1


def test_tpm_without_the_right_salt_signs_the_other_way(tmp_path: Path) -> None:
    """Consumer TPMs: https://github.com/firezone/firezone/pull/15026."""
    store = CngKeyStore(tmp_path, [InMemory(salts=False)])

    key = store.create(NAME, BINDING)
    assert key.algorithm is Algorithm.RS256

    found = store.load(NAME)
    assert found is not None
    assert found.algorithm is Algorithm.RS256
    verify(found, found.sign(b"message"), b"message")


def test_no_provider_is_a_reason_that_names_all(tmp_path: Path) -> None:
    store = CngKeyStore(tmp_path, [InMemory(reason="no TPM"), InMemory(reason="no storage")])

    assert store.unavailable() == "no TPM; no storage"
    with pytest.raises(KeyUnavailable, match="no TPM; no storage"):
        store.create(NAME, BINDING)


def test_half_a_key_is_refused_and_can_be_removed(tmp_path: Path) -> None:
    provider = InMemory()
    store = CngKeyStore(tmp_path, [provider])
    store.create(NAME, BINDING)
    provider.keys.clear()
    with pytest.raises(KeyUnavailable, match="private half is missing"):
        store.load(NAME)
    with pytest.raises(KeyUnavailable, match="already holds"):
        store.create(NAME, BINDING)

    store.delete(NAME)
    assert store.load(NAME) is None
    assert store.create(NAME, BINDING)


def test_key_in_a_tpm_that_is_turned_off_is_not_called_damaged(tmp_path: Path) -> None:
    tpm, software = InMemory(), InMemory()
    CngKeyStore(tmp_path, [tpm, software]).create(NAME, BINDING)

    with pytest.raises(KeyUnavailable, match="does not reach now: no TPM") as refusal:
        CngKeyStore(tmp_path, [InMemory(reason="no TPM"), software]).load(NAME)
    assert "firmware" in refusal.value.hint


def test_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    store = CngKeyStore(tmp_path, [InMemory()])
    store.create(NAME, BINDING)
    (tmp_path / f"{NAME}.cng.json").unlink()

    with pytest.raises(KeyUnavailable, match="certificate is missing"):
        store.load(NAME)


@pytest.mark.parametrize(
    "changes",
    [
        {"certificate": MemoryKeyStore().create(NAME, BINDING).certificate.decode()},
        {"certificate": "lost"},
        {"algorithm": "none"},
        {"version": 2},
    ],
)
def test_record_that_is_not_the_keys_own_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    store = CngKeyStore(tmp_path, [InMemory()])
    store.create(NAME, BINDING)
    path = tmp_path / f"{NAME}.cng.json"
    record = json.loads(path.read_text(encoding="ascii"))
    path.write_text(json.dumps(record | changes), encoding="ascii")

    with pytest.raises(KeyUnavailable, match="damaged"):
        store.load(NAME)


def test_public_half_is_read_as_windows_writes_it() -> None:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    modulus = numbers.public_numbers().n.to_bytes(256, "big")
    blob = struct.pack("<6I", 0x31415352, 2048, 3, 256, 0, 0) + b"\x01\x00\x01" + modulus

    assert public_of(blob) == numbers
    for broken in (blob[:10], blob[:-1], b"\0" + blob[1:], b""):
        with pytest.raises(KeyUnavailable, match="damaged"):
            public_of(broken)
