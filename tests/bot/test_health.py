"""Each line of the doctor: what is well, and what is not with its cure."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contracts.inbox import arrival
from entraclaw.bot import health
from entraclaw.bot.diagnosis.finding import Finding
from entraclaw.bot.health import Patient
from entraclaw.bot.inbox import Move
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "default"
    folder.mkdir(mode=0o700)
    asyncio.run(_made(folder))
    return folder


async def _made(folder: Path) -> None:
    async with Store.open(folder / "inbox.db", lambda: 5000.0) as store:
        await store.inbox.append(arrival(1))


def found(folder: Path, *, fix: bool = False) -> dict[str, Finding]:
    return {one.name: one for one in health.examine(Patient(folder, {}), fix=fix)}


def red(folder: Path) -> dict[str, Finding]:
    return {name: one for name, one in found(folder).items() if not one.is_well}


def test_healthy_profile_is_well_in_every_line(folder: Path) -> None:
    lines = found(folder)

    assert [name for name, one in lines.items() if not one.is_well] == []
    assert list(lines) == [
        "home", "disk", "modes", "inbox file", "integrity", "access list", "lock", "entries",
    ]  # fmt: skip


def test_profile_that_was_never_started_is_well_and_stays_unmade(tmp_path: Path) -> None:
    lines = found(tmp_path / "default")

    assert all(one.is_well for one in lines.values())
    assert "there is none yet" in lines["inbox file"].says
    assert not (tmp_path / "default").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX matter")
def test_open_modes_are_found_and_closed_only_when_asked(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "inbox.db").chmod(0o644)

    assert (
        red(folder)["modes"].says == "other users of this machine may look into default, inbox.db"
    )
    assert folder.stat().st_mode & 0o777 == 0o755

    assert found(folder, fix=True)["modes"].is_well
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "inbox.db").stat().st_mode & 0o777 == 0o600


def test_folder_that_is_copied_elsewhere_is_found_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "Dropbox" / "default"
    real.mkdir(parents=True, mode=0o700)
    (tmp_path / "home").symlink_to(real)

    assert "is copied by Dropbox" in red(tmp_path / "home")["home"].says


def test_full_disk_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ENOUGH_BYTES", 1 << 62)

    assert "a full disk takes no message" in red(folder)["disk"].says


@pytest.mark.parametrize(
    ("version", "cure"),
    [(99, "upgrade entraclaw, or name another profile"), (1, "entraclaw serve")],
)
def test_file_of_another_version_is_found_and_left_alone(
    folder: Path, version: int, cure: str
) -> None:
    with closing(sqlite3.connect(folder / "inbox.db")) as connection:
        connection.execute(f"PRAGMA user_version = {version}")

    lines = red(folder)

    assert list(lines) == ["inbox file"]
    assert lines["inbox file"].cure.endswith(cure)


def test_file_that_is_no_database_is_one_red_line(folder: Path) -> None:
    (folder / "inbox.db").write_text("hello" * 1000, encoding="ascii")

    assert list(red(folder)) == ["inbox file"]


def test_damage_is_found(folder: Path) -> None:
    """Ours: a page in the middle of the file is overwritten, as a synced folder may do it."""
    raw = bytearray((folder / "inbox.db").read_bytes())
    page = int.from_bytes(raw[16:18], "big")
    raw[page * 3 + 8 : page * 4] = b"\xa5" * (page - 8)
    (folder / "inbox.db").write_bytes(raw)

    damage = red(folder)["integrity"]

    assert damage.says.startswith("SQLite finds damage in the inbox: ")
    assert damage.cure.endswith("inbox.db.damaged")


def test_list_that_cannot_be_read_is_found(folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "access.json").write_text("{", encoding="ascii")

    assert "access reset" in red(folder)["access list"].cure


def test_lock_is_found_with_its_reason(folder: Path) -> None:
    ProfileLock(folder).lock("Microsoft 365 says so")

    assert "Microsoft 365 says so" in red(folder)["lock"].says


def test_dead_entry_needs_a_person(folder: Path) -> None:
    asyncio.run(_given_up(folder))

    line = red(folder)["entries"]
    assert line.says == "1 entry was given up, and nobody answers what was asked"
    assert line.cure == "entraclaw inbox list --state dead"


async def _given_up(folder: Path) -> None:
    async with Store.open(folder / "inbox.db", lambda: 5000.0) as store:
        await store.inbox.end(1, Move.GIVE_UP, "unreadable: ValueError")
