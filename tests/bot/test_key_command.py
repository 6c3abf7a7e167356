"""`entraclaw key`, in a process of its own, over the one store that every machine has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
AGENT = "\n".join(f'{key} = "{GUID}"' for key in ("tenant", "blueprint", "agent", "user"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "default").mkdir()
    config = tmp_path / "default" / "config.toml"
    config.write_text(f'{AGENT}\nkey_store = "unsafe-file"\n', encoding="utf-8")
    return tmp_path


def key(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "ENTRACLAW_HOME": str(home), "HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "entraclaw", "key", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_new_key_is_listed_with_the_certificate_that_was_printed(home: Path) -> None:
    made = key(home, "new")
    assert made.returncode == 0, made.stderr
    assert "unsafe-file" in made.stderr
    certificate = x509.load_pem_x509_certificate(made.stdout.encode())
    assert "PRIVATE" not in made.stdout

    shown = key(home, "list", "--json")
    assert shown.returncode == 0
    stores = {one["store"]: one for one in json.loads(shown.stdout)["stores"]}
    facts = stores["unsafe-file"]["key"]
    assert (facts["tenant"], facts["algorithm"]) == (GUID, "PS256")
    assert facts["ends"] == certificate.not_valid_after_utc.isoformat(" ", "seconds")


def test_every_store_is_listed_with_why_it_cannot_be_used(home: Path) -> None:
    shown = key(home, "list", "--json")

    assert shown.returncode == 1
    document = json.loads(shown.stdout)
    stores = {one["store"]: one for one in document["stores"]}
    assert set(stores) == {"pkcs11", "cng", "keyring", "unsafe-file"}
    assert "no token was made in a TPM" in stores["pkcs11"]["why_not"]
    assert [name for name, one in stores.items() if one["allowed"]] == ["unsafe-file"]
    assert [name for name, one in stores.items() if not one["exportable"]] == ["pkcs11", "cng"]


def test_list_for_a_person_says_the_same(home: Path) -> None:
    key(home, "new")

    shown = key(home, "list")

    assert shown.returncode == 0
    for words in ("pkcs11", "cannot leave it", "not allowed", "can be copied", f"for {GUID}"):
        assert words in " ".join(shown.stdout.split())


def test_profile_that_has_a_key_keeps_it(home: Path) -> None:
    key(home, "new")
    before = (home / "default" / "keys" / "default.key").read_bytes()

    again = key(home, "new")

    assert again.returncode == 1
    assert "has a key in unsafe-file" in again.stderr
    assert (home / "default" / "keys" / "default.key").read_bytes() == before


def test_profile_without_an_agent_gets_no_key(tmp_path: Path) -> None:
    refused = key(tmp_path, "new")

    assert refused.returncode == 2
    assert "entraclaw setup" in refused.stderr
