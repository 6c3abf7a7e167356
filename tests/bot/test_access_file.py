"""The list on disk: whole or refused, never half, and never emptied by accident."""

import json
import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from entraclaw.bot.access import DESK, Access, Account, Listed
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.access_format import decode
from entraclaw.bot.seal_key import FileRecord, SealKeys
from entraclaw.errors import AccessUnreadable, AccessUnwritable

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
OID = "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
GRACE: Account = (TENANT, OID)
PERSON = {"tenant": TENANT, "oid": OID, "name": "Grace", "since": 1, "by": DESK}
EMPTY: dict[str, Any] = {"version": 1, "pairing": False, "allowed": [], "denied": [], "pending": []}
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture
def file(tmp_path: Path) -> AccessFile:
    return another(tmp_path / "default")


def another(folder: Path, patience_s: float = 30.0) -> AccessFile:
    """The list of a profile whose seal has its key in a file, whatever this machine has."""
    keys = SealKeys((FileRecord(folder / "state" / "seal.key"),))
    return AccessFile(folder, keys, patience_s)


def allow(file: AccessFile, account: Account = GRACE) -> None:
    file.change(lambda access: (access.allow(account, "Grace", DESK, 1.0), None))


def write(file: AccessFile, text: str | bytes) -> None:
    file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.path.write_bytes(text.encode() if isinstance(text, str) else text)


def person(number: int) -> Account:
    return TENANT, f"00000000-0000-4000-8000-{number:012d}"


def test_list_that_was_never_written_is_empty(file: AccessFile) -> None:
    assert file.load() == file.current() == Access()
    assert not file.path.parent.exists()


def test_change_is_there_for_the_next_reader(file: AccessFile) -> None:
    access, _ = file.change(lambda access: (access.allow(GRACE, "Grace", DESK, 1.0), None))

    assert another(file.path.parents[1]).load() == access
    assert access.allowed == {GRACE: Listed("Grace", 1.0, DESK)}


@POSIX
def test_list_is_for_its_owner_only(file: AccessFile) -> None:
    allow(file)

    modes = [
        stat.S_IMODE(p.stat().st_mode) for p in (file.path.parent, *file.path.parent.iterdir())
    ]
    assert modes == [0o700, *[0o600] * 4]  # the list, its lock, its seal, the key of that


def test_edit_that_raises_changes_nothing(file: AccessFile) -> None:
    allow(file)
    before = file.path.read_bytes()

    def refuse(_access: Access) -> tuple[Access, None]:
        raise LookupError

    with pytest.raises(LookupError):
        file.change(refuse)

    assert file.path.read_bytes() == before
    allow(file, person(1))


def test_edit_that_changes_nothing_writes_nothing(file: AccessFile) -> None:
    assert file.change(lambda access: (access, "nothing")) == (Access(), "nothing")
    assert not file.path.exists()


def test_many_writers_lose_nothing(file: AccessFile) -> None:
    people = [person(number) for number in range(24)]

    with ThreadPoolExecutor(4) as pool:
        for who in people:
            pool.submit(allow, another(file.path.parents[1]), who)

    assert set(file.load().allowed) == set(people)


def test_half_a_file_that_a_crash_left_is_not_in_the_way(file: AccessFile) -> None:
    write(file, "{")
    file.path.rename(file.path.with_name("access.json.new"))

    allow(file)

    assert GRACE in file.load().allowed
    left = {"access.json", "access.json.seal", "access.lock", "seal.key"}
    assert {path.name for path in file.path.parent.iterdir()} == left


def test_writer_who_never_ends_is_named_as_the_reason(tmp_path: Path) -> None:
    file = another(tmp_path, patience_s=0)
    allow(file)

    with (
        FileLock(tmp_path / "state" / "access.lock"),
        pytest.raises(AccessUnwritable, match="another process is writing it"),
    ):
        allow(file)


def test_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder")

    with pytest.raises(AccessUnwritable, match=r"access\.json"):
        allow(another(tmp_path))


# What the daemon sees


def test_daemon_sees_a_change_by_another_process(file: AccessFile) -> None:
    other = another(file.path.parents[1])
    assert file.current() == Access()

    allow(other)
    assert GRACE in file.current().allowed

    other.change(lambda access: (access.deny(GRACE, "", DESK, 2.0), None))
    assert GRACE in file.current().denied

    file.path.unlink()
    assert file.current() == Access()


def test_file_that_did_not_change_is_not_read_again(file: AccessFile) -> None:
    allow(file)

    assert file.current() is file.current()


def test_daemon_with_a_damaged_list_lets_only_sponsors_in_and_says_so_once(
    file: AccessFile, caplog: pytest.LogCaptureFixture
) -> None:
    allow(file)
    good = file.path.read_bytes()
    assert file.current() != Access()
    caplog.set_level(logging.WARNING)

    write(file, good[:-20])
    assert file.current() == file.current() == Access()
    assert file.trouble is not None
    assert [record.name for record in caplog.records] == ["entraclaw.bot.access_file"]

    write(file, "[]")
    file.current()
    assert len(caplog.records) == 2

    write(file, good)
    assert GRACE in file.current().allowed
    assert file.trouble is None


# What cannot be taken at its word


def without(key: str) -> str:
    return json.dumps({name: value for name, value in EMPTY.items() if name != key})


def having(**changes: object) -> str:
    return json.dumps({**EMPTY, **changes})


DAMAGED: dict[str, str | bytes] = {
    "empty": "",
    "half": having()[:-2],
    "not JSON": "allow everybody",
    "not UTF-8": b"\xff\xfe",
    "a list": "[]",
    "deep": "[" * 100_000,
    "no version": without("version"),
    "version 0": having(version=0),
    "version true": having(version=True),
    "newer": having(version=2, groups=[]),
    "no denied": without("denied"),
    "mistyped key": having(denyed=[]),
    "pairing in words": having(pairing="on"),
    "no tenant": having(allowed=[{**PERSON, "tenant": ""}]),
    "upper case": having(allowed=[{**PERSON, "oid": OID.upper()}]),
    "domain": having(allowed=[{**PERSON, "tenant": "contoso.example"}]),
    "line after the id": having(allowed=[{**PERSON, "oid": OID + "\n"}]),
    "extra": having(allowed=[{**PERSON, "role": "sponsor"}]),
    "by an escape": having(allowed=[{**PERSON, "by": "\x1b[2J"}]),
    "since for ever": having(allowed=[{**PERSON, "since": 1e300}]),
    "since NaN": having(allowed=[PERSON]).replace('"since": 1', '"since": NaN'),
    "since text": having(denied=[{**PERSON, "since": "1"}]),
    "null": having(pending=None),
    "too large": having() + " " * (1 << 20),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_list_is_refused_whole_and_stays_as_it_is(
    file: AccessFile, text: str | bytes
) -> None:
    write(file, text)
    before = file.path.read_bytes()

    for act in (file.load, lambda: allow(file)):
        with pytest.raises(AccessUnreadable, match=r"access\.json") as refusal:
            act()
        assert str(refusal.value).isprintable()
        assert "access reset" in refusal.value.hint

    assert file.current() == Access()
    assert file.path.read_bytes() == before


def test_list_of_a_newer_version_is_called_that(file: AccessFile) -> None:
    write(file, having(version=2))

    with pytest.raises(AccessUnreadable, match="newer version"):
        file.load()


def test_mistake_is_named_by_its_place(file: AccessFile) -> None:
    write(file, having(allowed=[{**PERSON, "oid": "grace"}]))

    with pytest.raises(AccessUnreadable, match=r"allowed\.0\.oid"):
        file.load()


@POSIX
def test_list_that_others_may_write_is_refused(file: AccessFile) -> None:
    allow(file)
    assert file.current() != Access()

    file.path.chmod(0o620)

    assert file.current() == Access()
    with pytest.raises(AccessUnreadable, match="chmod 600"):
        file.load()


def test_folder_in_the_place_of_the_list_is_refused(file: AccessFile) -> None:
    file.path.mkdir(parents=True)

    with pytest.raises(AccessUnreadable):
        file.load()
    assert file.current() == Access()


def test_list_that_cannot_be_read_is_kept_aside_when_asked(file: AccessFile) -> None:
    write(file, "allow everybody")

    aside = file.set_aside(1234.5)

    assert aside is not None
    assert aside.read_text() == "allow everybody"
    assert file.load() == Access()


def test_good_list_is_not_set_aside(file: AccessFile) -> None:
    assert file.set_aside(0.0) is None
    allow(file)

    assert file.set_aside(0.0) is None
    assert GRACE in file.load().allowed


def test_hidden_signs_in_a_name_are_gone_when_it_is_read() -> None:
    access = decode(having(denied=[{**PERSON, "name": "\u202eecarG\x1b[2J"}]).encode())

    assert access.denied[GRACE].name == "ecarG[2J"
