"""`entraclaw key`, over the one store that every machine has."""

from pathlib import Path

import pytest
from cryptography import x509

from bot.typed import Type, typed

__all__ = ["typed"]

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
AGENT = "\n".join(f'{key} = "{GUID}"' for key in ("tenant", "blueprint", "agent", "user"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a profile whose agent has no key yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "default").mkdir()
    config = tmp_path / "default" / "config.toml"
    config.write_text(f'{AGENT}\nkey_store = "unsafe-file"\n', encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("home")
def test_new_key_is_listed_with_the_certificate_that_was_printed(typed: Type) -> None:
    made = typed("key", "new")
    assert made.code == 0, made.err
    assert "unsafe-file" in made.err
    certificate = x509.load_pem_x509_certificate(made.out.encode())
    assert "PRIVATE" not in made.out

    shown = typed("key", "list", "--json")
    assert shown.code == 0
    stores = {one["store"]: one for one in shown.document["stores"]}
    facts = stores["unsafe-file"]["key"]
    assert (facts["tenant"], facts["algorithm"]) == (GUID, "PS256")
    assert facts["ends"] == certificate.not_valid_after_utc.isoformat(" ", "seconds")


@pytest.mark.usefixtures("home")
def test_every_store_is_listed_with_why_it_cannot_be_used(typed: Type) -> None:
    shown = typed("key", "list", "--json")

    assert shown.code == 1
    document = shown.document
    stores = {one["store"]: one for one in document["stores"]}
    assert set(stores) == {"pkcs11", "cng", "keyring", "unsafe-file"}
    assert "no token was made in a TPM" in stores["pkcs11"]["why_not"]
    assert [name for name, one in stores.items() if one["allowed"]] == ["unsafe-file"]
    assert [name for name, one in stores.items() if not one["exportable"]] == ["pkcs11", "cng"]


@pytest.mark.usefixtures("home")
def test_list_for_a_person_says_the_same(typed: Type) -> None:
    typed("key", "new")

    shown = typed("key", "list")

    assert shown.code == 0
    for words in ("pkcs11", "cannot leave it", "not allowed", "can be copied", f"for {GUID}"):
        assert words in " ".join(shown.out.split())


def test_profile_that_has_a_key_keeps_it(typed: Type, home: Path) -> None:
    typed("key", "new")
    before = (home / "default" / "keys" / "default.key").read_bytes()

    again = typed("key", "new")

    assert again.code == 1
    assert "has a key in unsafe-file" in again.err
    assert (home / "default" / "keys" / "default.key").read_bytes() == before


def test_profile_without_an_agent_gets_no_key(typed: Type) -> None:
    refused = typed("key", "new")

    assert refused.code == 2
    assert "entraclaw setup" in refused.err
