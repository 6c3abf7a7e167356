"""The MCP Inspector, a client we did not write, against our shim and a running daemon.

https://modelcontextprotocol.io/docs/tools/inspector
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from parts.running import BOUND_S, running_sandbox

INSPECTOR = Path(__file__).parents[2] / ".parts/node_modules/.bin/mcp-inspector"

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(not INSPECTOR.exists(), reason="`make parts` installs the MCP Inspector"),
]

Inspect = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    with running_sandbox(tmp_path_factory.mktemp("inspector")) as settings:
        yield settings


@pytest.fixture(scope="module")
def inspect(settings: Mapping[str, str]) -> Inspect:
    """Ask one thing of `entraclaw mcp`; gives the result the Inspector printed."""
    shim = [sys.executable, "-m", "entraclaw", "mcp"]
    environ = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]

    def ask(*words: str) -> dict[str, Any]:
        ended = subprocess.run(
            [INSPECTOR, "--cli", *environ, *shim, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    return ask


def test_stranger_client_sees_the_tools_with_their_schemas(inspect: Inspect) -> None:
    tools = {tool["name"]: tool for tool in inspect("--method", "tools/list")["tools"]}

    assert tools.keys() >= {"read_messages", "reply", "read_conversation", "whoami"}
    assert all(tool["inputSchema"]["type"] == "object" for tool in tools.values())
    assert all(tool["description"] for tool in tools.values())


def test_whoami_tells_the_ids_of_the_profile(inspect: Inspect, settings: Mapping[str, str]) -> None:
    config = Path(settings["ENTRACLAW_HOME"]) / "sandbox" / "config.toml"
    profile = tomllib.loads(config.read_text(encoding="utf-8"))

    result = inspect("--method", "tools/call", "--tool-name", "whoami")

    told = json.loads(result["content"][0]["text"])
    assert not result.get("isError")
    assert told["agent_user"] == profile["user"]
    assert told["agent"] == profile["agent"]
    assert told["blueprint"] == profile["blueprint"]


def test_unknown_tool_is_refused_and_the_next_call_still_works(inspect: Inspect) -> None:
    refused = inspect("--method", "tools/call", "--tool-name", "no_such_tool")

    assert refused["isError"]
    assert not inspect("--method", "tools/call", "--tool-name", "whoami").get("isError")
