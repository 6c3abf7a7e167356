"""The daemon and hosts as processes of their own, as a user has them."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.stage import BOUND_S, PROFILE, Stage, until
from entraclaw.bot.children import Child, child
from entraclaw.bot.local_client import ask
from entraclaw.errors import NotRunning

SHIM = (sys.executable, "-m", "entraclaw", "--profile", PROFILE, "mcp")


@asynccontextmanager
async def daemon(stage: Stage) -> AsyncGenerator[Child]:
    """Run `entraclaw serve` and tell the channel where it listens."""
    async with serving(stage.environ, stage.folder) as running:
        webhook = (await stage.status())["webhook"]
        await stage.tenant.set_endpoint(stage.agent.user, webhook)
        yield running


@asynccontextmanager
async def serving(environ: Mapping[str, str], folder: Path) -> AsyncGenerator[Child]:
    """Run `entraclaw serve` until it answers, so that no shim starts another one."""
    words = ["entraclaw", "--profile", PROFILE, "serve", "--until-eof"]
    async with child("the daemon", words, environ, speaks=False) as running:
        await until(lambda: _answers(folder))
        yield running


@asynccontextmanager
async def host(stage: Stage) -> AsyncGenerator[Child]:
    """Run the sandbox's deterministic host over the real shim."""
    words = ["entraclaw.sandbox.host", "--", *SHIM]
    async with child("the host", words, stage.environ, speaks=True) as running:
        yield running


async def event(host: Child, name: str) -> dict[str, Any]:
    """Wait for the host's next event *name*."""
    while (said := await host.line(BOUND_S))["event"] != name:
        pass
    return said


async def is_attached(stage: Stage) -> bool:
    """Whether a daemon runs and a host has finished its handshake with it."""
    return await _answers(stage.folder) and bool((await stage.status())["sessions"])


async def _answers(folder: Path) -> bool:
    try:
        await asyncio.to_thread(ask, str(folder))
    except NotRunning:
        return False
    return True


class RawHost:
    """A host that speaks the wire by hand, to see every line the shim passes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._next = 0

    async def send(self, message: Mapping[str, object]) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await stdin.drain()

    async def line(self) -> dict[str, Any]:
        stdout = self.process.stdout
        assert stdout is not None
        async with asyncio.timeout(BOUND_S):
            return dict(json.loads(await stdout.readline()))

    async def call(self, method: str, params: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Send a request and wait for its answer, past whatever else is said."""
        self._next += 1
        number = self._next
        await self.send({"id": number, "method": method, "params": params or {}})
        while (said := await self.line()).get("id") != number:
            pass
        return said

    async def tool(self, name: str, **arguments: object) -> dict[str, Any]:
        """Call a tool; gives its structured result."""
        answer = await self.call("tools/call", {"name": name, "arguments": arguments})
        result: dict[str, Any] = answer["result"]
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    async def refusal(self, tool: str, **arguments: object) -> str:
        """Call a tool that must refuse; gives what the model is told."""
        answer = await self.call("tools/call", {"name": tool, "arguments": arguments})
        assert answer["result"]["isError"]
        return str(answer["result"]["content"][0]["text"])

    async def shake_hands(self) -> dict[str, Any]:
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        }
        answer = await self.call("initialize", params)
        await self.send({"method": "notifications/initialized"})
        await self.call("ping")  # answered, so it has its seat: nobody is told that nobody is here
        return dict(answer["result"])


@asynccontextmanager
async def raw_host(stage: Stage) -> AsyncGenerator[RawHost]:
    """Run the shim as a host would, with our hands on its pipes."""
    async with shim(stage.environ) as hand:
        yield hand


@asynccontextmanager
async def shim(environ: Mapping[str, str]) -> AsyncGenerator[RawHost]:
    """Run the shim in *environ*."""
    process = await asyncio.create_subprocess_exec(
        *SHIM,
        env=dict(environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield RawHost(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(BOUND_S):
            await process.wait()
