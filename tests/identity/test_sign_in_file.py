"""The contract with the key in a plain file, and what is that file's own."""

import os
from pathlib import Path

import pytest
from keyring.backends import fail, null

from contracts.sign_in import OpenSeals, SignInContract
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.system_keyring import SystemKeyring
from entraclaw.identity.sealing import KeyringSeal, Seal, UnsafeFileSeal


class TestUnsafeFileSeal(SignInContract):
    @pytest.fixture
    def open_seals(self, tmp_path: Path) -> OpenSeals:
        return lambda: UnsafeFileSeal(tmp_path / "keys" / "default.sign-in")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    seals = UnsafeFileSeal(tmp_path / "key")
    seals.create()
    (tmp_path / "key").chmod(0o640)

    with pytest.raises(KeyUnavailable, match="read by others") as error:
        seals.load()
    assert error.value.hint.startswith("chmod 600")


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff", b"YWJj"])
def test_key_file_that_holds_no_key_is_refused_and_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(KeyUnavailable) as error:
        UnsafeFileSeal(tmp_path / "key").load()
    assert "YWJj" not in str(error.value)
    assert "sign-out" in error.value.hint


def test_key_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("", encoding="ascii")
    (tmp_path / "folder").mkdir()

    with pytest.raises(KeyUnavailable, match="cannot be written"):
        UnsafeFileSeal(tmp_path / "keys" / "key").create()
    with pytest.raises(KeyUnavailable, match="cannot be removed"):
        UnsafeFileSeal(tmp_path / "folder").delete()


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_keyring_that_keeps_nothing_is_refused_with_the_reason(
    backend: type[fail.Keyring | null.Keyring],
) -> None:
    seals = KeyringSeal("default sign-in", SystemKeyring(backend))

    assert seals.unavailable()
    for use in (seals.load, seals.create, seals.delete):
        with pytest.raises(KeyUnavailable):
            use()


def test_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(b"short")
