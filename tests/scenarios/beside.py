"""The programs beside a host, started as the plugin says, by a host of ours."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.stage import BOUND_S, PROFILE
from entraclaw.bot import home, plugin_copy
from entraclaw.bot.plugin_copy import Machine

PLUGIN = "plugins/entraclaw"


def rendered(environ: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - any JSON
    """One document of the plugin, as it is written for the profile of the tests."""
    machine = Machine(
        python=sys.executable,
        code=str(Path(home.__file__).parents[2]),
        home=environ["ENTRACLAW_HOME"],
        profile=PROFILE,
        platform=sys.platform,
    )
    return json.loads(plugin_copy.render(machine, "1")[f"{PLUGIN}/{name}"])


def line_of(environ: Mapping[str, str], event: str) -> str:
    """The shell line of *event*'s hook, or of the monitor."""
    if event == "monitor":
        [monitor] = rendered(environ, "monitors/monitors.json")
        return str(monitor["command"])
    hooks = rendered(environ, "hooks/hooks.json")["hooks"]
    rows = [one for row in hooks["Stop" if event == "Rewake" else event] for one in row["hooks"]]
    [line] = [one["command"] for one in rows if bool(one.get("asyncRewake")) == (event == "Rewake")]
    return str(line)


def host_environ(environ: Mapping[str, str], session: str, **changes: str) -> dict[str, str]:
    """What Claude Code 2.1.330 gives its hooks, as far as we look at it."""
    return {
        **environ,
        "CLAUDECODE": "1",
        "CLAUDE_CODE_ENTRYPOINT": "cli",
        "CLAUDE_CODE_SESSION_ID": session,
        **changes,
    }


def told(**fields: object) -> str:
    """A hook's input."""
    return json.dumps({"session_id": "context", "cwd": "/", **fields})


async def run_hook(
    environ: Mapping[str, str], event: str, given: str
) -> "subprocess.CompletedProcess[str]":
    """Run one hook to its end, through a shell, as the host does."""
    return await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", line_of(environ, event)],
        input=given,
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


@asynccontextmanager
async def running(
    environ: Mapping[str, str], event: str, given: str = ""
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a hook, or the monitor, that goes on; it is killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        line_of(environ, event),
        env=dict(environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(given.encode())
    process.stdin.close()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def said(stream: asyncio.StreamReader | None) -> str:
    """The next line of *stream*."""
    assert stream is not None
    async with asyncio.timeout(BOUND_S):
        return (await stream.readline()).decode().rstrip("\n")


async def ended(process: asyncio.subprocess.Process) -> int:
    """Wait for the end of *process*; gives its code."""
    async with asyncio.timeout(BOUND_S):
        return await process.wait()
