"""Measure how fast a command, an MCP session and a hook start, as ratios to bare Python.

They are started in turn, so that a busy machine slows them alike; each figure is the
median. An MCP session counts from its spawn to its answer to `initialize`, a hook (before
a tool, through a shell, as the plugin has it) to its end, with the daemon up. Prints one
JSON line and judges nothing.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from entraclaw.bot import home, plugin_copy
from entraclaw.bot.exchange import staged
from entraclaw.bot.plugin_copy import Machine
from entraclaw.bot.sandbox_profile import PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 21
BARS = {"help": 8.0, "mcp": 3.0, "hook": 3.0}

_ENTRACLAW = shutil.which("entraclaw", path=str(Path(sys.executable).parent)) or "entraclaw"
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "starts", "version": "1"},
    },
}

_TOOL = b'{"session_id": "starts", "tool_name": "Bash", "tool_input": {"command": "ls"}}'


def main() -> None:
    """Start everything, measure, print."""
    # Without bytecode on disk every start would compile what it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as home:
        os.environ["ENTRACLAW_HOME"] = home
        os.environ["ENTRACLAW_PROFILE"] = PROFILE
        times = asyncio.run(_measure())
    middle = {name: median(values[1:]) for name, values in times.items()}
    line: dict[str, object] = {"rounds": ROUNDS, "python_ms": round(middle["python"], 2)}
    for name, bar in BARS.items():
        ratio = middle[name] / middle["python"]
        line[name] = {"ms": round(middle[name], 2), "ratio": round(ratio, 2), "bar": bar}
    sys.stdout.write(f"{json.dumps(line)}\n")


async def _measure() -> dict[str, list[float]]:
    """Take the times in ms; the first round only warms the disk's cache."""
    line = _hook_line()
    starts: dict[str, Callable[[], float]] = {
        "python": lambda: _run(sys.executable, "-c", "pass"),
        "help": lambda: _run(_ENTRACLAW, "--help"),
        "mcp": _open_session,
        "hook": lambda: _hook(line),
    }
    times: dict[str, list[float]] = {name: [] for name in starts}
    async with staged(0, lambda _: None):
        for _ in range(ROUNDS + 1):
            for name, start in starts.items():
                # It blocks the loop, which has nothing to do: the daemon is another process.
                times[name].append(start() * 1000)
    return times


def _run(*words: str) -> float:
    """Time a command from its start to its end, in seconds."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    return time.perf_counter() - began


def _hook_line() -> str:
    """Read from the plugin how a host starts the hook before a tool."""
    machine = Machine(
        python=sys.executable,
        code=str(Path(home.__file__).parents[2]),
        home=os.environ["ENTRACLAW_HOME"],
        profile=PROFILE,
        platform=sys.platform,
    )
    hooks = json.loads(plugin_copy.render(machine, "0")["plugins/entraclaw/hooks/hooks.json"])
    return str(hooks["hooks"]["PreToolUse"][0]["hooks"][0]["command"])


def _hook(line: str) -> float:
    """Time a hook from its start to its end, in seconds."""
    began = time.perf_counter()
    subprocess.run(  # noqa: S602 - a host runs it so
        line, shell=True, check=True, input=_TOOL, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def _open_session() -> float:
    """Time an MCP session from its start to its first answer, in seconds."""
    request = json.dumps(_INITIALIZE).encode() + b"\n"
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own program
        [_ENTRACLAW, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as session:
        if session.stdin is None or session.stdout is None:
            raise RuntimeError("a session without pipes")
        session.stdin.write(request)
        answer = session.stdout.readline()
        took = time.perf_counter() - began
        session.stdin.close()
    if "result" not in json.loads(answer):
        raise RuntimeError(f"no session: {answer!r}")
    return took


if __name__ == "__main__":
    main()
