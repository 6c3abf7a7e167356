"""`entraclaw service`, and what `status` and `doctor` say of it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.standins import Standins, standins
from bot.typed import Type, typed
from entraclaw.bot.services.program import Program
from entraclaw.bot.services.service import Service
from entraclaw.bot.services.systemd import Systemd
from entraclaw.errors import NotRunning

__all__ = ["standins", "typed"]

BOUND_S = 30.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd's unit is looked at")


@pytest.fixture
def unit(tmp_path: Path, standins: Standins) -> Path:
    del standins
    return tmp_path / "user/.config/systemd/user/entraclaw-default.service"


def test_service_is_installed_told_and_removed(typed: Type, unit: Path, tmp_path: Path) -> None:
    installed = typed("service", "install", "--json")
    shown = typed("status", "--json")
    removed = typed("service", "remove")

    assert installed.document["manager"] == "systemd"
    assert installed.document["changed"]
    assert installed.document["place"] == str(unit)
    assert shown.document["service"] == {
        "manager": "systemd",
        "place": str(unit),
        "python": sys.executable,
        "trouble": None,
        "cure": None,
    }
    assert removed.out == f"entraclaw-default of systemd: removed: {unit}\n"
    assert not unit.exists()
    assert typed("status", "--json").document["service"] is None
    assert list(tmp_path.glob("default/*")) == []


def test_person_is_told_what_to_know_and_what_comes_next(typed: Type, unit: Path) -> None:
    first, second = typed("service", "install"), typed("service", "install")

    assert first.out.splitlines()[0] == f"entraclaw-default of systemd: written: {unit}"
    assert "note: it ends when you log out" in first.out
    assert second.out.startswith(f"entraclaw-default of systemd: nothing to change: {unit}\n")


def test_stopped_service_is_named_with_the_command_that_starts_it(typed: Type, unit: Path) -> None:
    typed("service", "install")
    said = typed("status")

    assert said.code == 1
    assert said.err == (
        f"service: systemd starts it: {unit}\n"
        f"entraclaw: error: {NotRunning()!s}\n"
        "entraclaw: hint: systemctl --user start entraclaw-default.service\n"
    )


@pytest.mark.usefixtures("standins")
def test_service_of_a_moved_installation_is_said_by_status_and_doctor(
    typed: Type, tmp_path: Path
) -> None:

    moved = Program("/gone/bin/python", str(tmp_path), "default")
    Service(Systemd(os.environ), moved).install()
    status, doctor = typed("status"), typed("doctor", "--json")
    [finding] = [one for one in doctor.document["findings"] if one["name"] == "service"]

    assert "service: it starts /gone/bin/python, which is gone\n" in status.err
    assert "hint: entraclaw --profile default service install\n" in status.err
    assert (finding["ok"], finding["cure"]) == (
        False,
        "entraclaw --profile default service install",
    )


def test_doctor_finds_a_good_service_well(typed: Type, unit: Path) -> None:
    typed("service", "install")
    doctor = typed("doctor", "--json")
    [finding] = [one for one in doctor.document["findings"] if one["name"] == "service"]

    assert finding["ok"]
    assert finding["says"] == f"systemd starts it: {unit}"


def test_wrong_settings_are_refused_before_anything_is_written(
    typed: Type, unit: Path, tmp_path: Path
) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "config.toml").write_text("port = 99999\n", encoding="utf-8")

    said = typed("service", "install")

    assert said.code == 2
    assert "port: must be a port number" in said.err
    assert not unit.exists()


@pytest.mark.usefixtures("unit")
def test_setting_that_only_this_shell_has_is_named(
    typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTRACLAW_PORT", "4001")

    notes = typed("service", "install", "--json").document["notes"]

    assert "the service does not see ENTRACLAW_PORT: name that in config.toml" in notes


def test_system_on_which_no_daemon_runs_is_given_no_service(
    typed: Type, unit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, until a daemon listens there."""
    monkeypatch.delattr(socket, "AF_UNIX")

    said = typed("service", "install")

    assert said.code == 1
    assert "the local socket needs Unix sockets" in said.err
    assert not unit.exists()


def test_daemon_that_runs_already_is_named_as_what_the_service_waits_for(
    typed: Type, unit: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "entraclaw", "serve", "--until-eof"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as daemon:
        assert daemon.stderr is not None
        assert b"listening" in daemon.stderr.readline()
        notes = typed("service", "install", "--json").document["notes"]
        daemon.communicate(timeout=BOUND_S)

    waits = f"a daemon runs already (pid {daemon.pid}): the service waits until that ends"
    assert waits in notes
    assert unit.exists()
    assert (tmp_path / "default").exists()


@pytest.mark.usefixtures("unit")
def test_pin_that_nobody_can_type_is_said(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "config.toml").write_text('key_store = "pkcs11"\n', encoding="utf-8")

    assert "nobody can type a PIN there" in typed("service", "install").out


def test_foreign_file_is_an_error_with_its_cure_and_stays(typed: Type, unit: Path) -> None:
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")

    said = typed("service", "remove")

    assert said.code == 1
    assert said.err == (
        f"entraclaw: error: {unit} was not written by entraclaw, and is left as it is\n"
        "entraclaw: hint: move it away, or take a profile of another name\n"
    )
    assert unit.read_text(encoding="utf-8").startswith("[Service]")


def test_user_without_a_home_has_no_service_manager(
    typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")

    said = typed("service", "remove")

    assert (said.code, said.err.splitlines()[0]) == (
        1,
        "entraclaw: error: no service manager is known here",
    )
    assert json.loads(typed("status", "--json").out)["service"] is None
