"""`entraclaw connect claude`, on a settings file of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.typed import Type, typing
from entraclaw.bot.claude_connection import Connection
from entraclaw.errors import EntraclawError

RENDERED = {"plugins/entraclaw/x.json": "{}\n", ".claude-plugin/marketplace.json": "{}\n"}
MINE = {"theme": "dark", "permissions": {"allow": ["Bash(ls:*)"]}, "enabledPlugins": {}}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "user" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def connection(tmp_path: Path, settings: Path) -> Connection:
    return Connection(tmp_path / "home" / "default", settings)


def written(path: Path) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(path.read_text(encoding="utf-8"))


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_plugin_is_written_and_made_known_and_the_old_settings_are_kept(
    tmp_path: Path, settings: Path, connection: Connection
) -> None:
    settings.write_text(json.dumps(MINE), encoding="utf-8")

    outcome = connection.connect(RENDERED)

    folder = tmp_path / "home" / "default" / "claude"
    after = written(settings)
    assert tree(folder) == {*RENDERED, "connected.json"}
    assert after["extraKnownMarketplaces"]["entraclaw"]["source"]["path"] == str(folder)
    assert after["enabledPlugins"] == {"entraclaw@entraclaw": True}
    assert after["permissions"]["allow"] == ["Bash(ls:*)", "mcp__plugin_entraclaw_entraclaw"]
    assert after["theme"] == "dark"
    assert outcome.backup is not None
    assert written(outcome.backup) == MINE


def test_undo_leaves_what_was_there_and_no_plugin(
    tmp_path: Path, settings: Path, connection: Connection
) -> None:
    settings.write_text(json.dumps(MINE), encoding="utf-8")
    connection.connect(RENDERED)

    outcome = connection.undo()

    assert written(settings) == MINE
    assert outcome.changed
    assert not (tmp_path / "home" / "default" / "claude").exists()


def test_twice_changes_nothing_and_keeps_the_first_backup(
    settings: Path, connection: Connection
) -> None:
    settings.write_text(json.dumps(MINE), encoding="utf-8")
    first = connection.connect(RENDERED)
    once = settings.read_bytes()

    again = connection.connect(RENDERED)

    assert settings.read_bytes() == once
    assert again.changed == ()
    assert first.backup is not None
    assert written(first.backup) == MINE
    connection.undo()
    assert written(settings) == MINE


def test_settings_that_were_not_there_are_made_and_removed(
    settings: Path, connection: Connection
) -> None:
    assert connection.connect(RENDERED).backup is None
    assert settings.stat().st_mode & 0o777 == 0o600

    connection.undo()

    assert not settings.exists()


def test_file_of_an_older_version_goes_away(tmp_path: Path, connection: Connection) -> None:
    connection.connect({**RENDERED, "plugins/entraclaw/old.json": "{}"})
    connection.connect(RENDERED)

    assert tree(tmp_path / "home" / "default" / "claude") == {*RENDERED, "connected.json"}


def test_plan_says_what_it_would_do_and_does_nothing(
    tmp_path: Path, settings: Path, connection: Connection
) -> None:
    outcome = connection.connect(RENDERED, plan=True)

    assert "enabledPlugins.entraclaw@entraclaw" in outcome.changed
    assert not settings.exists()
    assert not (tmp_path / "home").exists()


def test_plan_of_an_undo_does_nothing(settings: Path, connection: Connection) -> None:
    connection.connect(RENDERED)
    before = settings.read_bytes()

    assert connection.undo(plan=True).changed
    assert settings.read_bytes() == before


@pytest.mark.parametrize("text", ['{"theme": }', "[1]", '{"permissions": 3}'])
def test_settings_that_are_not_as_they_should_be_are_refused_and_left_alone(
    settings: Path, connection: Connection, text: str
) -> None:
    settings.write_text(text, encoding="utf-8")

    with pytest.raises(EntraclawError) as refusal:
        connection.connect(RENDERED)

    assert str(settings) in str(refusal.value)
    assert refusal.value.hint
    assert settings.read_text(encoding="utf-8") == text


def test_link_to_a_folder_of_dot_files_stays_a_link(
    tmp_path: Path, settings: Path, connection: Connection
) -> None:
    real = tmp_path / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text("{}", encoding="utf-8")
    settings.symlink_to(real)

    Connection(tmp_path / "home" / "default", settings).connect(RENDERED)

    assert settings.is_symlink()
    assert "enabledPlugins" in written(real)
    del connection


def test_plugin_stays_for_another_user_of_the_profile(tmp_path: Path, settings: Path) -> None:
    other = tmp_path / "other" / "settings.json"
    profile = tmp_path / "home" / "default"
    Connection(profile, settings).connect(RENDERED)
    Connection(profile, other).connect(RENDERED)

    Connection(profile, settings).undo()

    assert (profile / "claude" / "plugins" / "entraclaw" / "x.json").exists()
    assert "enabledPlugins" in written(other)


def test_undo_of_nothing_is_no_error(settings: Path, connection: Connection) -> None:
    assert connection.undo().changed == ()
    assert not settings.exists()


@pytest.fixture
def connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type the command that connects the folder Claude is told to use."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude config"))
    run = typing(tmp_path / "a home", monkeypatch, capsys, "default")
    return lambda *words: run("connect", "claude", *words)


def test_command_connects_the_folder_that_claude_is_told_to_use_and_undoes_it(
    connect: Type, tmp_path: Path
) -> None:
    planned, done = connect("--plan"), connect()
    told = connect("--json").document
    server = written(Path(told["plugin"]) / "plugins" / "entraclaw" / ".mcp.json")
    undone = connect("--undo")

    assert planned.out.startswith("would be put into ")
    assert (done.code, undone.code) == (0, 0)
    assert "next: start `claude` anew" in done.out
    assert told["settings"] == str(tmp_path / "claude config" / "settings.json")
    assert server["mcpServers"]["entraclaw"]["env"]["ENTRACLAW_HOME"] == str(tmp_path / "a home")
    assert "taken out of" in undone.out
    assert not (tmp_path / "claude config" / "settings.json").exists()


def test_command_says_where_the_server_was_added_by_hand(connect: Type, tmp_path: Path) -> None:
    (tmp_path / "claude config").mkdir()
    own = tmp_path / "claude config" / ".claude.json"
    own.write_text('{"projects": {"/work": {"mcpServers": {"entraclaw": {}}}}}', encoding="utf-8")

    found = connect().out
    own.write_text("nonsense", encoding="utf-8")

    assert "added by hand too, /work: take it out with `claude mcp remove entraclaw`" in found
    assert "by hand" not in connect().out


def test_command_refuses_broken_settings_in_two_lines(connect: Type, tmp_path: Path) -> None:
    (tmp_path / "claude config").mkdir()
    (tmp_path / "claude config" / "settings.json").write_text("{", encoding="utf-8")

    left = connect()

    assert left.code == 1
    error, hint = left.err.splitlines()
    assert "settings.json cannot be read" in error
    assert hint.startswith("entraclaw: hint: correct that file")
