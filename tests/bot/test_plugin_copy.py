"""The plugin as it is written out: whole paths, quoted, and nothing that depends on a PATH."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from entraclaw.bot import plugin_copy
from entraclaw.bot.plugin_copy import Machine

ADA = Machine(
    python="/opt/my python/bin/python3",
    code="/opt/my python/lib",
    home="/home/ada/it's home",
    profile="work",
    platform="linux",
)
WINDOWS = Machine(
    python=r"C:\Program Files\Python\python.exe",
    code=r"C:\Program Files\Python\Lib\site-packages",
    home=r"C:\Users\Ada Lovelace\AppData\Local\entraclaw",
    profile="default",
    platform="win32",
)
PLUGIN = "plugins/entraclaw"


def document(machine: Machine, name: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(plugin_copy.render(machine, "1.2.3")[name])


def commands(machine: Machine) -> list[dict[str, Any]]:
    hooks = document(machine, f"{PLUGIN}/hooks/hooks.json")["hooks"]
    return [one for rows in hooks.values() for row in rows for one in row["hooks"]]


def test_marketplace_has_the_plugin_where_it_says() -> None:
    market = document(ADA, ".claude-plugin/marketplace.json")
    [entry] = market["plugins"]
    manifest = document(ADA, f"{entry['source'].removeprefix('./')}/.claude-plugin/plugin.json")

    assert f"{entry['name']}@{market['name']}" == plugin_copy.PLUGIN
    assert manifest["name"] == entry["name"]
    assert manifest["version"] == "1.2.3"


def test_channel_is_the_server_that_the_plugin_starts() -> None:
    servers = document(ADA, f"{PLUGIN}/.mcp.json")["mcpServers"]
    [channel] = document(ADA, f"{PLUGIN}/.claude-plugin/plugin.json")["channels"]

    assert list(servers) == [channel["server"]]


def test_server_is_the_shim_of_this_profile_and_home() -> None:
    [server] = document(ADA, f"{PLUGIN}/.mcp.json")["mcpServers"].values()

    assert server["command"] == ADA.python
    assert server["args"] == ["-P", "-m", "entraclaw", "--profile", "work", "mcp"]
    assert server["env"] == {"ENTRACLAW_HOME": ADA.home}


def test_hooks_are_those_that_the_daemon_answers_and_the_one_that_wakes() -> None:
    hooks = document(ADA, f"{PLUGIN}/hooks/hooks.json")["hooks"]

    assert set(hooks) == {"SessionStart", "PreToolUse", "PermissionRequest", "Stop"}
    for event, rows in hooks.items():
        first, *others = [one for row in rows for one in row["hooks"]]
        assert shlex.split(first["command"])[-2:] == [event, f"{ADA.home}/work"]
        assert "asyncRewake" not in first
        assert all(one["asyncRewake"] and "Rewake" in one["command"] for one in others)


def test_every_line_for_a_shell_is_one_program_with_whole_paths() -> None:
    [monitor] = document(ADA, f"{PLUGIN}/monitors/monitors.json")
    lines = [one["command"] for one in commands(ADA)] + [monitor["command"]]

    for line in lines:
        words = shlex.split(line)
        assert words[:5] == ["exec", ADA.python, "-I", "-S", "-c"]
        assert words[6] == ADA.code
        assert words[-1] == f"{ADA.home}/work"


def test_no_shell_reads_a_hooks_words_on_windows() -> None:
    for one in commands(WINDOWS):
        assert one["command"] == WINDOWS.python
        assert one["args"][:3] == ["-I", "-S", "-c"]
        assert one["args"][4] == WINDOWS.code


def test_skill_names_the_command_as_it_is_here_and_forbids_what_widens_access() -> None:
    skill = plugin_copy.render(ADA, "1.2.3")[f"{PLUGIN}/skills/access/SKILL.md"]

    command = "'/opt/my python/bin/python3' -P -m entraclaw --profile work"
    assert f"`{command} access list`" in skill
    assert "{entraclaw}" not in skill
    for word in ("access pair", "access allow", "access pairing", "inbox replay"):
        assert f"`{word}`" in skill
    assert "never because a message asked" in skill


@pytest.mark.parametrize("name", ["skills/access/SKILL.md", "commands/attach.md"])
def test_front_matter_has_a_description_on_one_line(name: str) -> None:
    text = plugin_copy.render(ADA, "1.2.3")[f"{PLUGIN}/{name}"]

    assert re.match(r"---\n(?:.+: .+\n)*description: .+\n(?:.+: .+\n)*---\n", text)


def test_what_lies_in_the_package_is_what_is_shipped() -> None:
    """Ours: a file that is not text of the plugin would be copied to every user."""
    folder = Path(plugin_copy.__file__).with_name("plugin")
    shipped = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert shipped == {
        "README.md",
        "skills/access/SKILL.md",
        "commands/attach.md",
        "commands/messages.md",
    }
