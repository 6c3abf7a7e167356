import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.keystore import (
    BINDING,
    NAME,
    OpenStore,
    RecordedKeyStoreContract,
    refuses_everything,
)
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.file import UnsafeFileKeyStore

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")


@dataclass(frozen=True, slots=True)
class Files:
    folder: Path

    def read(self, name: str) -> str:
        return (self.folder / f"{name}.key").read_text(encoding="ascii")

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.key").write_text(text, encoding="ascii")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("profile") / "keys")


@pytest.fixture(scope="module")
def open_store(records: Files) -> OpenStore:
    return lambda: UnsafeFileKeyStore(records.folder)


class TestUnsafeFileKeyStore(RecordedKeyStoreContract):
    pass


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_key_file_and_its_folder_are_the_users_alone(tmp_path: Path) -> None:
    UnsafeFileKeyStore(tmp_path / "keys").create(NAME, BINDING)

    assert read_mode(tmp_path / "keys") == 0o700
    assert read_mode(tmp_path / "keys" / f"{NAME}.key") == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_key_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    path = tmp_path / "keys" / f"{NAME}.key"
    path.write_text("{}", encoding="ascii")
    path.chmod(mode)

    with pytest.raises(KeyUnavailable, match="can be read by others") as refusal:
        UnsafeFileKeyStore(tmp_path / "keys").load(NAME)

    assert refusal.value.hint == f"chmod 600 {path}"


@posix
@pytest.mark.parametrize("mode", [0o755, 0o710, 0o702])
def test_folder_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(mode)
    store = UnsafeFileKeyStore(tmp_path / "keys")

    assert "open to others" in str(store.unavailable())
    refuses_everything(store)


@pytest.mark.parametrize("inside", ["", "keys"])
def test_folder_that_is_a_file_is_reported_and_holds_no_key(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    store = UnsafeFileKeyStore(tmp_path / "file" / inside)

    assert "file" in str(store.unavailable())
    refuses_everything(store)


def test_key_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / f"{NAME}.key").write_bytes(b"\xff\xfe")
    (folder / f"{NAME}.key").chmod(0o600)

    with pytest.raises(KeyUnavailable, match="cannot be read"):
        UnsafeFileKeyStore(folder).load(NAME)


def test_folder_in_the_place_of_a_key_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / f"{NAME}.key").mkdir(mode=0o700)

    refuses_everything(UnsafeFileKeyStore(tmp_path / "keys"))
