"""The ways in which an idle session of Claude Code is woken, and how to set each up."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.stage import BOUND_S, PROFILE, Stage
from hosts import claude
from hosts.claude import Home
from hosts.model import Manner

_COMMAND = (sys.executable, "-m", "entraclaw", "--profile", PROFILE)
_PLUGIN = "claude/plugins/entraclaw"  # in the profile's folder


@dataclass(frozen=True, slots=True)
class Waker:
    """One way.

    Attributes:
        name: What it is called in the output.
        rings: What the taps call it; empty where nothing rings.
        manner: What the model does in it.
        opening: What the person types first; empty where nothing need be said.
        is_killed: Whether the host is killed at the end: nothing of ours may outlive it.
        set_up: Makes a home ready for it.
    """

    name: str
    rings: str
    manner: Manner
    opening: str
    is_killed: bool
    set_up: Callable[[Stage, Home], None]


def _server_alone(_stage: Stage, home: Home, kind: str) -> None:
    """Add the MCP server to the host, as for any host that is not ours to extend."""
    claude.add_server(home, "teams", [*_COMMAND, "mcp"], kind)
    claude.allow(home, ["mcp__teams"])


def _plugin(stage: Stage, home: Home, *, has_monitor: bool, has_inbox: bool) -> None:
    """Connect the host as a person does; what it need not have is what an older one lacks."""
    subprocess.run(
        [*_COMMAND, "connect", "claude"],
        env=home.environ,
        cwd=home.project,
        timeout=BOUND_S,
        check=True,
        capture_output=True,
    )
    plugin = stage.folder / _PLUGIN
    claude.tap_plugin(home, plugin, has_monitor=has_monitor, has_inbox=has_inbox)


WAKERS: Sequence[Waker] = (
    Waker(
        name="plugin-monitor",
        rings="monitor",
        manner=Manner.RUNG,
        opening="",
        is_killed=True,
        set_up=partial(_plugin, has_monitor=True, has_inbox=True),
    ),
    Waker(
        name="session-inbox",
        rings="inbox",
        manner=Manner.RUNG,
        opening="",
        is_killed=False,
        set_up=partial(_server_alone, kind="mcp"),
    ),
    Waker(
        name="async-rewake",
        rings="rewake",
        manner=Manner.RUNG,
        opening="",
        is_killed=True,
        set_up=partial(_plugin, has_monitor=False, has_inbox=False),
    ),
    Waker(
        name="blocking-tool",
        rings="",
        manner=Manner.WAITS,
        opening="Look after Teams until I come back.",
        is_killed=False,
        set_up=partial(_server_alone, kind="mcp-only"),
    ),
)
