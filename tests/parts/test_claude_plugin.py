"""The real Claude Code takes the plugin: it finds nothing wrong with it, and has all of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from parts.running import BOUND_S

CLAUDE = Path(__file__).parents[2] / ".parts/node_modules/.bin/claude"

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(not CLAUDE.exists(), reason="`make parts` installs Claude Code"),
]

Claude = Callable[..., str]


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """A user who has never had Claude Code, whose folders have spaces in their names."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path / "Ada Lovelace"),
        "ENTRACLAW_HOME": str(tmp_path / "Ada Lovelace" / "it's home"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        # Nowhere to go: what it would fetch on its own is none of this.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "GIT_ALLOW_PROTOCOL": "none",
    }


@pytest.fixture
def plugin(environ: Mapping[str, str]) -> Path:
    """Connect that user; gives the marketplace."""
    told: dict[str, Any] = json.loads(connect(environ, "--json"))
    return Path(told["plugin"])


@pytest.fixture
def claude(environ: Mapping[str, str]) -> Claude:
    return lambda *words: run(environ, str(CLAUDE), "plugin", *words)


def connect(environ: Mapping[str, str], *words: str) -> str:
    return run(environ, sys.executable, "-m", "entraclaw", "connect", "claude", *words)


def run(environ: Mapping[str, str], *words: str) -> str:
    Path(environ["HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        words,
        env=dict(environ),
        cwd=environ["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_wrong_with_the_marketplace_or_the_plugin(plugin: Path, claude: Claude) -> None:
    for folder in (plugin, plugin / "plugins" / "entraclaw"):
        report = json.loads(claude("validate", "--json", "--strict", str(folder)))
        assert report["success"], report


def test_plugin_installs_from_its_folder_with_all_its_parts(plugin: Path, claude: Claude) -> None:
    """As a person would by hand, who has not let us change the settings."""
    claude("marketplace", "add", str(plugin))
    claude("install", "entraclaw@entraclaw")

    details = claude("details", "entraclaw@entraclaw")

    assert "Skills (3)  access, attach, messages" in details
    for event in ("SessionStart", "PreToolUse", "PermissionRequest", "Stop"):
        assert event in details
    assert "MCP servers (1)  entraclaw" in details
