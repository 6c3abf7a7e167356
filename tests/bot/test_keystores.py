"""Which store a profile's key is looked for in, and what is said when it is not there."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from contracts.keystore import BINDING
from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.keystores import ProfileKey, stores_of
from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import EntraclawError, KeyMisused, KeyUnavailable
from entraclaw.identity.keys import Binding, KeyStore
from entraclaw.identity.keys.absent import AbsentKeyStore
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.keys.software import SoftwareKey
from entraclaw.identity.rotation_orders import Note

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
OURS = Binding("https://login.microsoftonline.com", GUID)
NO_TPM = AbsentKeyStore("tpm2-pkcs11 is not installed", exportable=False)


def profile(home: Path, text: str = "") -> Settings:
    agent = "\n".join(f'{key} = "{GUID}"' for key in ("tenant", "blueprint", "agent", "user"))
    (home / "default").mkdir()
    (home / "default" / "config.toml").write_text(f"{agent}\n{text}", encoding="utf-8")
    return Settings.read({"ENTRACLAW_HOME": str(home)}, "default")


def holding(binding: Binding, name: str = "default") -> MemoryKeyStore:
    store = MemoryKeyStore()
    store.create(name, binding)
    return store


def finding(home: Path, stores: Mapping[Store, KeyStore]) -> ProfileKey:
    return ProfileKey(profile(home), stores)


def test_token_is_preferred_to_what_can_be_copied(tmp_path: Path) -> None:
    token, keyring = holding(OURS), holding(OURS)
    key = finding(tmp_path, {Store.PKCS11: token, Store.KEYRING: keyring})

    assert key() is token.load("default")
    assert key.document()["store"] == "pkcs11"


def test_key_is_taken_from_the_first_store_that_has_it(tmp_path: Path) -> None:
    key = finding(tmp_path, {Store.PKCS11: MemoryKeyStore(), Store.KEYRING: holding(OURS)})
    unknown = {"ends": None, "warning": None}
    assert key.document() == {"store": "auto", "exportable": None, "trouble": None, **unknown}

    ends = x509.load_pem_x509_certificate(key().certificate).not_valid_after_utc
    known = {"ends": ends.isoformat(" ", "seconds"), "warning": None}
    assert key.document() == {"store": "keyring", "exportable": True, "trouble": None, **known}


def test_every_store_that_was_looked_in_says_why_it_has_no_key(tmp_path: Path) -> None:
    key = finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: MemoryKeyStore()})

    with pytest.raises(KeyUnavailable) as refusal:
        key()

    assert "pkcs11 cannot be used here: tpm2-pkcs11 is not installed" in str(refusal.value)
    assert "keyring has none" in str(refusal.value)
    assert "key_store" in refusal.value.hint


def test_store_that_is_named_is_the_only_one_looked_in(tmp_path: Path) -> None:
    settings = profile(tmp_path, 'key_store = "pkcs11"')
    key = ProfileKey(settings, {Store.PKCS11: NO_TPM, Store.KEYRING: holding(OURS)})

    with pytest.raises(KeyUnavailable, match="pkcs11 cannot be used here"):
        key()
    assert key.document()["exportable"] is False


def test_plain_file_is_never_looked_in_unless_it_is_named(tmp_path: Path) -> None:
    assert Store.UNSAFE_FILE not in stores_of(profile(tmp_path))


def test_missing_module_is_the_reason(tmp_path: Path) -> None:
    settings = profile(tmp_path, f'key_store = "pkcs11"\npkcs11_module = "{tmp_path}/x.so"')

    with pytest.raises(KeyUnavailable, match=r"x\.so is not there"):
        ProfileKey(settings)()


@pytest.mark.skipif(sys.platform == "win32", reason="there it is")
def test_windows_own_store_is_refused_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cng cannot be used here: it is Windows' own"):
        ProfileKey(profile(tmp_path, 'key_store = "cng"'))()


def test_key_for_another_tenant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyMisused):
        finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: holding(BINDING)})()


@pytest.mark.parametrize(
    ("later", "said", "cure"),
    [(timedelta(days=366), "ended on", "new key"), (timedelta(days=-1), "begins on", "clock")],
)
def test_certificate_that_is_not_valid_now_is_refused_before_entra_is_asked(
    tmp_path: Path, later: timedelta, said: str, cure: str
) -> None:
    stores: dict[Store, KeyStore] = {Store.PKCS11: NO_TPM, Store.KEYRING: holding(OURS)}
    key = ProfileKey(profile(tmp_path), stores, lambda: datetime.now(UTC) + later)

    with pytest.raises(KeyUnavailable, match=said) as refusal:
        key()
    assert cure in refusal.value.hint


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (335, None),
        (336, "ends in 29 days"),
        (362, "ends in 3 days"),
        (364, "ends within two days"),
    ],
)
def test_certificate_that_ends_soon_is_a_warning_with_its_cure(
    tmp_path: Path, later: int, said: str | None
) -> None:
    stores: dict[Store, KeyStore] = {Store.PKCS11: NO_TPM, Store.KEYRING: holding(OURS)}
    now = datetime.now(UTC) + timedelta(days=later, minutes=-1)
    key = ProfileKey(profile(tmp_path), stores, lambda: now)

    key()

    warning = key.document()["warning"]
    assert warning is None if said is None else said in str(warning)
    assert said is None or "`entraclaw key rotate`" in str(warning)


def test_key_is_the_one_that_the_note_names(tmp_path: Path) -> None:
    store = holding(OURS)
    second = store.create("default 2", OURS)
    key = finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: store})
    assert key() is store.load("default")

    key.noted.keep(key.noted.about("default 2"))

    assert key() is second
    assert key.place()[2] == Note("default 2", "default")


def test_key_is_found_under_either_name_where_nothing_is_noted(tmp_path: Path) -> None:
    store = holding(OURS, "default 2")
    key = finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: store})

    assert key() is store.load("default 2")
    assert key.place() == (Store.KEYRING, store, Note("default 2", "default"))


class Late(MemoryKeyStore):
    """A store that takes so long to look that a rotation ends meanwhile."""

    def __init__(self, note: KeyNote) -> None:
        super().__init__()
        self._note = note

    def load(self, name: str) -> SoftwareKey | None:
        found = super().load(name)
        if found is None:
            self._note.keep(self._note.about("default 2"))
        return found


def test_key_is_found_though_a_rotation_ends_meanwhile(tmp_path: Path) -> None:
    settings = profile(tmp_path)
    note = KeyNote(settings.folder, "default")
    store = Late(note)
    fresh = store.create("default 2", OURS)
    note.keep(note.about("default"))

    assert ProfileKey(settings, {Store.PKCS11: NO_TPM, Store.KEYRING: store})() is fresh


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "key": "default", "phase": "settled", "thumbprint": ""}',
        '{"version": 1, "key": "somebody else", "phase": "settled", "thumbprint": ""}',
        '{"version": 1, "key": "default", "phase": "lost", "thumbprint": ""}',
        '{"version": 1, "key": "default", "phase": "settled"}',
    ],
)
def test_damaged_note_is_refused_and_no_key_is_guessed(tmp_path: Path, text: str) -> None:
    settings = profile(tmp_path)
    (settings.folder / "key.json").write_text(text, encoding="utf-8")

    with pytest.raises(KeyUnavailable, match=r"key\.json.* is damaged") as refusal:
        ProfileKey(settings, {Store.PKCS11: NO_TPM, Store.KEYRING: holding(OURS)})()
    assert "remove it" in refusal.value.hint


def test_note_that_cannot_be_written_leaves_the_one_there_was(tmp_path: Path) -> None:
    settings = profile(tmp_path)
    note = KeyNote(settings.folder, "default")
    note.keep(note.about("default 2"))
    (settings.folder / "key.new").mkdir()

    with pytest.raises(EntraclawError, match="cannot be written"):
        note.keep(note.about("default"))

    assert note.read() == note.about("default 2")


class Forgetful(MemoryKeyStore):
    """A keyring that takes everything and keeps only what it had."""

    def create(self, name: str, binding: Binding) -> SoftwareKey:
        key = super().create(name, binding)
        if name != "default":
            self.delete(name)
        return key


def test_store_is_proved_by_a_key_that_is_gone_afterwards(tmp_path: Path) -> None:
    store = holding(OURS)
    key = finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: store})

    key.prove()

    assert store.load("default self-check") is None
    assert key.document()["trouble"] is None


def test_store_that_forgets_is_trouble(tmp_path: Path) -> None:
    store = Forgetful()
    store.create("default", OURS)
    key = finding(tmp_path, {Store.PKCS11: NO_TPM, Store.KEYRING: store})

    with pytest.raises(KeyUnavailable, match="does not give back"):
        key.prove()

    assert "does not give back" in str(key.document()["trouble"])
    assert key()


def test_tpm_that_was_not_set_up_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tpm2-pkcs11 makes an empty database in the home of whoever loads it."""
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(KeyUnavailable, match="no token was made in a TPM"):
        ProfileKey(profile(tmp_path, 'key_store = "pkcs11"'))()

    assert not (tmp_path / ".tpm2_pkcs11").exists()


def test_extra_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    settings = profile(tmp_path, f'key_store = "pkcs11"\npkcs11_module = "{tmp_path}/x.so"')

    with pytest.raises(KeyUnavailable, match=r'pip install "entraclaw\[pkcs11\]"'):
        ProfileKey(settings)()
