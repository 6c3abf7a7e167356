"""Claude Code as a person has it: installed, signed in, trusting one folder, in a terminal.

Its home is a folder of ours that goes away. What its first start would ask is answered
there beforehand, and the key is one that no service knows.
"""

import json
import os
import shlex
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.terminal import Terminal

PACKAGE = Path(__file__).parents[2] / ".parts/node_modules/@anthropic-ai/claude-code"
IDLE = "✳"  # begins the window's title while it waits for us
_KEY = "sk-ant-no-service-knows-this-key"
_KEY_TAIL = 20  # letters of a key that a person has agreed to
_LOG = "debug.log"
_TAP = Path(__file__).with_name("tap.py")


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder with Claude Code in it.

    Attributes:
        folder: The home.
        project: The folder it is started in, which it trusts.
        environ: What everything in that home is started with.
        notes: Where the taps write.
    """

    folder: Path
    project: Path
    environ: Mapping[str, str]
    notes: Path

    def read_notes(self) -> list[dict[str, Any]]:
        """Read what the taps noted so far."""
        if not self.notes.exists():
            return []
        # The last line may be half written.
        lines = self.notes.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]


def package() -> Path:
    """Find the installed package."""
    return Path(os.environ.get("CLAUDE_CODE_PACKAGE") or PACKAGE)


def unavailable() -> str | None:
    """Say why it cannot be run, or None if it can."""
    if not (package() / "bin/claude.exe").exists():
        return "Claude Code is not here; `make parts` installs it"
    return None


def version() -> str:
    """Tell which version is installed."""
    return str(json.loads((package() / "package.json").read_text(encoding="utf-8"))["version"])


def furnish(folder: Path, api: str, settings: Mapping[str, str]) -> Home:
    """Make a home in *folder* for a host that finds its model at *api*.

    Args:
        folder: An empty one.
        api: The address of the Messages API.
        settings: More of the environment.
    """
    project = folder / "project"
    project.mkdir()
    (folder / ".claude").mkdir()
    answered = {
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": version(),
        "theme": "dark",
        "customApiKeyResponses": {"approved": [_KEY[-_KEY_TAIL:]], "rejected": []},
        "projects": {str(project): {"hasTrustDialogAccepted": True}},
    }
    _write(folder / ".claude.json", answered)
    environ = {
        "HOME": str(folder),
        "PATH": os.pathsep.join((str(package() / "bin"), os.environ["PATH"])),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        "ANTHROPIC_BASE_URL": api,
        "ANTHROPIC_API_KEY": _KEY,
        "DISABLE_AUTOUPDATER": "1",
        **settings,
    }
    return Home(folder, project, environ, folder / "notes")


def allow(home: Home, tools: Sequence[str]) -> None:
    """Let the host use *tools* without asking: a question would hold up every doorbell."""
    _merge(home.folder / ".claude/settings.json", {"permissions": {"allow": list(tools)}})


def add_server(home: Home, name: str, words: Sequence[str], kind: str = "mcp") -> None:
    """Have the host start the MCP server *words* in every project, by way of the tap."""
    command, *arguments = _tapped(home, kind, words)
    server = {"type": "stdio", "command": command, "args": arguments}
    _merge(home.folder / ".claude.json", {"mcpServers": {name: server}})


def tap_plugin(home: Home, plugin: Path, *, has_inbox: bool, has_monitor: bool) -> None:
    """Put taps before the programs of *plugin*, and take away wakers that are not wanted."""
    servers: dict[str, Any] = _read(plugin / ".mcp.json")
    for server in servers["mcpServers"].values():
        words = [server["command"], *server.get("args", ())]
        server["command"], *server["args"] = _tapped(
            home, "mcp" if has_inbox else "mcp-only", words
        )
    _write(plugin / ".mcp.json", servers)
    monitors: list[Any] = _read(plugin / "monitors/monitors.json") if has_monitor else []
    for monitor in monitors:
        monitor["command"] = _tapped_line(home, "monitor", monitor["command"])
    _write(plugin / "monitors/monitors.json", monitors)
    hooks: dict[str, Any] = _read(plugin / "hooks/hooks.json")
    for entry in (entry for entries in hooks["hooks"].values() for entry in entries):
        for hook in entry["hooks"]:
            if hook.get("asyncRewake"):
                hook["command"] = _tapped_line(home, "rewake", hook["command"])
    _write(plugin / "hooks/hooks.json", hooks)


def _tapped(home: Home, kind: str, words: Sequence[str]) -> list[str]:
    return [sys.executable, str(_TAP), str(home.notes), kind, *words]


def _tapped_line(home: Home, kind: str, line: str) -> str:
    return f"exec {shlex.join(_tapped(home, kind, ['sh', '-c', line]))}"


def read_log(folder: Path) -> str:
    """Read what a host at home in *folder* wrote of what it does; empty if it never began."""
    log = folder / _LOG
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


@asynccontextmanager
async def running(home: Home, words: Sequence[str] = ()) -> AsyncGenerator[Terminal]:
    """Run it in a terminal while the body runs."""
    command = [str(package() / "bin/claude.exe"), "--debug-file", str(home.folder / _LOG), *words]
    async with Terminal.running(command, home.environ, home.project) as terminal:
        yield terminal


def _merge(file: Path, more: Mapping[str, Any]) -> None:
    found: dict[str, Any] = _read(file) if file.exists() else {}
    _write(file, {**found, **more})


def _read(file: Path) -> Any:  # noqa: ANN401 - a document of the host's
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document, indent=1), encoding="utf-8")
