"""Where the key of the seal is kept, and which one counts where there are two."""

import os
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import SecretService, fail

from entraclaw.bot.access import DESK, Access
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.seal_key import FileRecord, Kept, KeyringRecord, SealKeys, names_plain_file
from entraclaw.errors import AccessUnsealed, KeyUnavailable
from entraclaw.identity.keys.system_keyring import SystemKeyring

NAME = "access.json"
GRACE = ("6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10", "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb")


class Items(KeyringBackend):
    """A keyring in this process, under the name of one that is safe; parts try a real one."""

    # keyring knows every class there is, and must not choose this one.
    priority = -1.0  # pyright: ignore[reportAssignmentType]  # keyring's own word for a constant
    __module__ = SecretService.__name__

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring types part of itself
        self.items: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise OSError("locked")
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise OSError("locked")
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[service, username]


def keys(folder: Path, backend: KeyringBackend) -> SealKeys:
    """What `SealKeys.of` gives, over a keyring of ours."""
    file = FileRecord(folder / "state" / "seal.key")
    return SealKeys((KeyringRecord(SystemKeyring(lambda: backend), str(folder)), file))


def no_keyring(folder: Path) -> SealKeys:
    return keys(folder, fail.Keyring())  # type: ignore[no-untyped-call]  # keyring types part of itself


def listed(folder: Path, keys: SealKeys) -> AccessFile:
    """A list with Grace on it, sealed."""
    file = AccessFile(folder, keys)
    file.change(lambda access: (access.allow(GRACE, "", DESK, 1.0), None))
    return file


def test_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    places = no_keyring(tmp_path)
    assert places.find() is None
    made = places.make()
    made.advance(NAME, 3)

    found = places.find()

    assert found is not None
    assert found.mac(b"x") == made.mac(b"x")
    assert (found.known(NAME), found.known("other")) == (3, 0)
    assert places.make().mac(b"x") != made.mac(b"x")


def test_keyring_comes_before_a_file(tmp_path: Path) -> None:
    """Ours: whoever writes a file beside the list must not choose the key by it."""
    items = Items()
    kept = keys(tmp_path, items).make()
    no_keyring(tmp_path).make()

    found = keys(tmp_path, items).find()

    assert found is not None
    assert (found.kept, found.mac(b"x")) == (Kept.KEYRING, kept.mac(b"x"))


def test_key_of_one_profile_is_not_another_ones(tmp_path: Path) -> None:
    items = Items()
    keys(tmp_path / "one", items).make()

    assert keys(tmp_path / "two", items).find() is None


def test_file_is_weak_and_for_its_owner_only(tmp_path: Path) -> None:
    file = listed(tmp_path, no_keyring(tmp_path))

    assert file.document() == {"kept": "file", "is_weak": True, "adopted": None}
    assert (tmp_path / "state" / "seal.key").stat().st_mode & 0o777 == 0o600


def test_keyring_is_not_weak_and_no_key_is_in_a_file(tmp_path: Path) -> None:
    items = Items()
    file = listed(tmp_path, keys(tmp_path, items))

    assert file.document() == {"kept": "keyring", "is_weak": False, "adopted": None}
    [record] = items.items.values()
    left = {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()}
    assert left.keys() == {"access.json", "access.json.seal", "access.lock"}
    assert not any(record[8:72].encode() in raw for raw in left.values())


def test_locked_keyring_leaves_it_open_who_may_speak(tmp_path: Path) -> None:
    items = Items()
    listed(tmp_path, keys(tmp_path, items))
    items.is_locked = True

    with pytest.raises(KeyUnavailable, match="the system keystore refused"):
        AccessFile(tmp_path, keys(tmp_path, items)).load()


def test_keyring_that_is_not_there_today_leaves_it_open_too(tmp_path: Path) -> None:
    """Ours: a daemon that was started without its desktop must not call the list forged."""
    items = Items()
    listed(tmp_path, keys(tmp_path, items))

    for act in (AccessFile.load, AccessFile.open):
        with pytest.raises(KeyUnavailable, match="in the keyring, which cannot be used"):
            act(AccessFile(tmp_path, no_keyring(tmp_path)))


def test_keyring_that_was_emptied_is_no_profile_from_before(tmp_path: Path) -> None:
    items = Items()
    listed(tmp_path, keys(tmp_path, items))
    items.items.clear()

    file = AccessFile(tmp_path, keys(tmp_path, items))
    file.open()

    assert file.current() == Access()
    with pytest.raises(AccessUnsealed, match="has lost its key"):
        file.load()
    assert items.items == {}


def test_list_that_was_put_back_with_its_own_older_seal_is_known_as_such(tmp_path: Path) -> None:
    places = no_keyring(tmp_path)
    file = listed(tmp_path, places)
    state = tmp_path / "state"
    older = {name: (state / name).read_bytes() for name in ("access.json", "access.json.seal")}
    file.change(lambda access: (access.deny(GRACE, "", DESK, 2.0), None))
    for name, raw in older.items():
        (state / name).write_bytes(raw)

    for one in (file, AccessFile(tmp_path, places)):
        assert one.current() == Access()
        assert "is an older one" in str(one.trouble)


def test_write_that_broke_off_between_the_two_files_counts_and_is_finished(
    tmp_path: Path,
) -> None:
    places = no_keyring(tmp_path)
    file = listed(tmp_path, places)
    before = file.path.read_bytes()
    file.change(lambda access: (access.set_pairing(on=True), None))
    after = file.path.read_bytes()
    file.path.write_bytes(before)  # as a power cut leaves it

    again = AccessFile(tmp_path, places)
    assert again.load().pairing is True
    again.change(lambda access: (access.deny(GRACE, "", DESK, 3.0), None))

    assert after != before
    assert (again.load().pairing, len(again.load().denied)) == (True, 1)


def test_number_that_cannot_be_kept_undoes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    items = Items()
    file = listed(tmp_path, keys(tmp_path, items))
    items.is_locked = True

    file.change(lambda access: (access.set_pairing(on=True), None))

    assert file.current().pairing is True
    assert "the number of the sealing is not kept" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_key_that_others_may_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    listed(tmp_path, no_keyring(tmp_path))
    (tmp_path / "state" / "seal.key").chmod(0o640)

    with pytest.raises(KeyUnavailable, match="can be read by others") as refused:
        no_keyring(tmp_path).find()
    assert refused.value.hint.startswith("chmod 600 ")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"key": "00", "sealed": {}}', '{"key": 5}', "ä", '{"sealed": {}}']
)
def test_key_that_is_damaged_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state" / "seal.key"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)

    with pytest.raises(KeyUnavailable):
        no_keyring(tmp_path).find()


def test_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder")

    with pytest.raises(KeyUnavailable, match="cannot be kept"):
        no_keyring(tmp_path).make()


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ('key_store = "unsafe-file"\n', True),
        ('key_store = "keyring"\n', False),
        ("", False),
        ("key_store = [", False),
        ("\x00", False),
    ],
)
def test_only_the_profiles_own_file_puts_the_key_into_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, is_plain: bool
) -> None:
    monkeypatch.setenv("ENTRACLAW_KEY_STORE", "unsafe-file")
    assert not names_plain_file(tmp_path)
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")

    assert names_plain_file(tmp_path) is is_plain
    assert len(SealKeys.of(tmp_path)._places) == 2 - is_plain  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # where it would look
