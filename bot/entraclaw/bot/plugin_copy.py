"""Write the plugin for Claude Code out, for one profile on this machine.

What is the same everywhere lies in the folder ``plugin``; what names a path is made here.
The copy is a marketplace of its own with one plugin in it, which Claude Code reads in place.

Commands name the interpreter and the profile's home by their whole paths, so they depend
on no PATH. Hooks and the monitor are one line for a shell, quoted for it, and replace that
shell; on Windows a hook's words are given one by one and no shell reads them. A hook whose
program is gone ends with 1, which a host passes over; with 2, as Python ends when it cannot
open a file, it would hold up every tool.

Contract: https://code.claude.com/docs/en/plugins-reference
"""

import json
import shlex
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePath

NAME = "entraclaw"  # of the marketplace, the plugin and its server: the tools' names hold it
PLUGIN = f"{NAME}@{NAME}"
TOOLS = f"mcp__plugin_{NAME}_{NAME}"

_DESCRIPTION = "Reach this session from Microsoft Teams, and answer there as an identity of its own"
_HOOK_S = 10  # of the host's patience; ours is shorter
_LONG_S = 3_600  # for a person to answer, and for the bell

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are here.

    Attributes:
        python: The interpreter that has entraclaw.
        code: The folder to import it from without that interpreter's site.
        home: The folder that holds all profiles.
        profile: The profile's name.
        platform: As `sys.platform`.
    """

    python: str
    code: str
    home: str
    profile: str
    platform: str

    @property
    def folder(self) -> str:
        """The profile's own folder."""
        return str(PurePath(self.home) / self.profile)


def render(machine: Machine, version: str) -> dict[str, str]:
    """Give the text of every file of the marketplace, by its path in it."""
    plugin = f"plugins/{NAME}"
    made: dict[str, Document | list[Document]] = {
        ".claude-plugin/marketplace.json": _marketplace(),
        f"{plugin}/.claude-plugin/plugin.json": _manifest(version),
        f"{plugin}/.mcp.json": _server(machine),
        f"{plugin}/hooks/hooks.json": {"hooks": _hooks(machine)},
        f"{plugin}/monitors/monitors.json": _monitors(machine),
    }
    rendered = {path: json.dumps(document, indent=2) + "\n" for path, document in made.items()}
    command = shlex.join([machine.python, "-P", "-m", "entraclaw", "--profile", machine.profile])
    for path, text in _texts(files("entraclaw.bot") / "plugin"):
        rendered[f"{plugin}/{path}"] = text.replace("{entraclaw}", command)
    return rendered


def _texts(folder: Traversable, before: str = "") -> Generator[tuple[str, str]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _texts(one, f"{before}{one.name}/")
        else:
            yield f"{before}{one.name}", one.read_text(encoding="utf-8")


def _marketplace() -> Document:
    return {
        "name": NAME,
        "description": "The entraclaw plugin as this machine has it",
        "owner": {"name": NAME},
        "plugins": [
            {"name": NAME, "source": f"./plugins/{NAME}", "description": _DESCRIPTION},
        ],
    }


def _manifest(version: str) -> Document:
    return {
        "name": NAME,
        "version": version,
        "description": _DESCRIPTION,
        "author": {"name": NAME},
        "license": "MIT",
        "channels": [{"server": NAME, "displayName": "Microsoft Teams"}],
    }


def _server(machine: Machine) -> Document:
    # -P: the session's own folder, a repository of anybody, must not be where we import from.
    words = ["-P", "-m", "entraclaw", "--profile", machine.profile, "mcp"]
    server = {"command": machine.python, "args": words, "env": {"ENTRACLAW_HOME": machine.home}}
    return {"mcpServers": {NAME: server}}


def _hooks(machine: Machine) -> Document:
    rewake = {**_hook(machine, "Rewake", _LONG_S), "asyncRewake": True}
    return {
        "SessionStart": [{"hooks": [_hook(machine, "SessionStart"), rewake]}],
        "PreToolUse": [{"matcher": "*", "hooks": [_hook(machine, "PreToolUse")]}],
        "PermissionRequest": [
            {"matcher": "*", "hooks": [_hook(machine, "PermissionRequest", _LONG_S)]}
        ],
        "Stop": [{"hooks": [_hook(machine, "Stop"), rewake]}],
    }


def _hook(machine: Machine, event: str, timeout: int = _HOOK_S) -> Document:
    words = _program(machine, "hook", event, machine.folder)
    return {"type": "command", **_command(machine, words), "timeout": timeout}


def _monitors(machine: Machine) -> list[Document]:
    words = _program(machine, "monitor", machine.folder)
    return [{"name": "bell", "command": _line(words), "description": "Teams messages wait"}]


def _program(machine: Machine, module: str, *words: str) -> list[str]:
    """Start a module of the standard library's kind as cheaply as Python starts anything."""
    start = (
        "import sys; sys.path.append(sys.argv.pop(1));"
        f" from entraclaw.bot.{module} import main; sys.exit(main())"
    )
    return [machine.python, "-I", "-S", "-c", start, machine.code, *words]


def _command(machine: Machine, words: list[str]) -> Document:
    if machine.platform == "win32":
        return {"command": words[0], "args": words[1:]}
    return {"command": _line(words)}


def _line(words: list[str]) -> str:
    return f"exec {shlex.join(words)}"
