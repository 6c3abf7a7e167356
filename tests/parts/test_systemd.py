"""`entraclaw service` with systemd itself, which runs the daemon for its user."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from parts.systemd_here import Inside, missing, running

# Everything in a path that a unit could take for its own.
ODD = 'ho me\'s 100% $HOME "q" \\x é'
UNIT = "entraclaw-default.service"

pytestmark = [pytest.mark.parts, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Inside]:
    monkeypatch.setenv("ENTRACLAW_HOME", str(tmp_path / ODD))
    monkeypatch.delenv("ENTRACLAW_PROFILE", raising=False)
    with running(tmp_path) as inside:
        yield inside


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    folder = tmp_path / ODD / "default"
    folder.mkdir(mode=0o700, parents=True)
    return folder


def entraclaw(inside: Inside, *words: str) -> dict[str, Any]:
    ended = inside.run(sys.executable, "-m", "entraclaw", *words, "--json")
    assert ended.stdout, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def shown(inside: Inside, name: str) -> str:
    return inside.run("systemctl", "--user", "show", UNIT, f"--property={name}", "--value").stdout


def until(inside: Inside, condition: str) -> None:
    """Wait there until *condition*, of a shell, holds."""
    waiting = f"until {condition}; do sleep 0.1; done"
    assert inside.run("timeout", "20", "sh", "-c", waiting).returncode == 0, condition


def until_it_answers(inside: Inside) -> None:
    until(inside, f"{sys.executable} -m entraclaw status >/dev/null 2>&1")


def test_service_runs_comes_back_and_is_removed_without_a_trace(
    inside: Inside, tmp_path: Path
) -> None:
    installed = entraclaw(inside, "service", "install")
    unit = Path(installed["place"])
    until_it_answers(inside)
    first = entraclaw(inside, "status")

    assert unit == tmp_path / ".config/systemd/user" / UNIT
    assert first["service"]["trouble"] is None
    verified = inside.run("systemd-analyze", "verify", "--user", str(unit))
    assert (verified.returncode, verified.stderr) == (0, "")
    assert shown(inside, "ActiveState") == "active\n"
    assert shown(inside, "UnitFileState") == "enabled\n"

    inside.run("kill", "-9", str(first["pid"]))
    until(inside, f"! test -d /proc/{first['pid']}")
    until_it_answers(inside)
    assert entraclaw(inside, "status")["pid"] != first["pid"]

    assert not entraclaw(inside, "service", "install")["changed"]
    assert entraclaw(inside, "service", "remove")["changed"]
    assert [path for path in unit.parent.rglob("*") if path.is_file() or path.is_symlink()] == []
    assert shown(inside, "LoadState") == "not-found\n"
    assert entraclaw(inside, "status")["daemon"] == "stopped"
    assert not entraclaw(inside, "service", "remove")["changed"]


def test_keeper_that_is_killed_is_started_again(inside: Inside) -> None:
    entraclaw(inside, "service", "install")
    until_it_answers(inside)
    keeper = shown(inside, "MainPID").strip()

    inside.run("kill", "-9", keeper)
    until(inside, f"! test -d /proc/{keeper}")
    until_it_answers(inside)

    assert shown(inside, "MainPID").strip() not in {keeper, "0"}
    assert shown(inside, "NRestarts") == "1\n"


def test_settings_that_turn_wrong_end_it_for_good(inside: Inside, profile: Path) -> None:
    entraclaw(inside, "service", "install")
    until_it_answers(inside)
    (profile / "config.toml").write_text("port = 99999\n", encoding="utf-8")

    inside.run("systemctl", "--user", "restart", UNIT)
    until(inside, f"systemctl --user is-failed --quiet {UNIT}")

    assert shown(inside, "ExecMainStatus") == "2\n"
    assert shown(inside, "NRestarts") == "0\n"
    said = (profile / "logs" / "service.log").read_text(encoding="utf-8")
    assert said.count("port: must be a port number") == 1
    assert entraclaw(inside, "service", "remove")["changed"]
    assert shown(inside, "LoadState") == "not-found\n"


def test_nothing_of_it_is_left_when_its_user_leaves(tmp_path: Path, profile: Path) -> None:
    environ = {"ENTRACLAW_HOME": str(tmp_path / ODD)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        with running(tmp_path) as inside:
            entraclaw(inside, "service", "install")
            until_it_answers(inside)
            below = psutil.Process(inside.pid).children(recursive=True)

    assert below
    assert [one for one in below if one.is_running()] == []
    assert not (profile / "run" / "daemon.pid").exists()
