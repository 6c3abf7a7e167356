"""Hosts that ask for permission, by hand over the local socket: as hooks and over a channel."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from entraclaw.bot import home

BOUND_S = 30.0
SESSION = "2d0c55a8-0000-4000-8000-000000000001"
BASH = {"command": "rm -rf build", "description": "Clean"}
HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}

Document = dict[str, Any]


class Line:
    """One connection, a JSON document a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def say(self, document: object) -> None:
        self.writer.write(json.dumps(document).encode() + b"\n")
        await self.writer.drain()

    async def hear(self) -> Document:
        async with asyncio.timeout(BOUND_S):
            return dict(json.loads(await self._reader.readline()))

    async def hears_nothing_more(self) -> bool:
        """Whether the other side has ended it without another word."""
        async with asyncio.timeout(BOUND_S):
            return not await self._reader.read()


@asynccontextmanager
async def connected(folder: Path, greeting: str) -> AsyncGenerator[Line]:
    reader, writer = await asyncio.open_unix_connection(home.socket_path(str(folder)))
    try:
        writer.write(f"entraclaw/1 {greeting}\n".encode())
        yield Line(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def asking(
    folder: Path, given: object = BASH, *, session: str = SESSION, **more: object
) -> AsyncGenerator[Line]:
    """Ask as a hook does; the end of the body hangs up."""
    async with connected(folder, f"ask {session}") as line:
        await line.say({"tool": "Bash", "input": given, **more})
        yield line


class Host:
    """A host that has shaken hands over MCP."""

    def __init__(self, line: Line, capabilities: Mapping[str, Any]) -> None:
        self.line, self.capabilities = line, capabilities

    async def ask(self, request_id: object, given: object = BASH, **changes: object) -> None:
        """Ask over the channel, as the host does: the input compact."""
        params = {
            "request_id": request_id,
            "tool_name": "Bash",
            "description": "Run shell command",
            "input_preview": json.dumps(given, separators=(",", ":")),
            **changes,
        }
        await self.tell("notifications/claude/channel/permission_request", params)

    async def tell(self, method: str, params: object) -> None:
        await self.line.say({"jsonrpc": "2.0", "method": method, "params": params})

    async def verdict(self) -> Document:
        """Wait for the next verdict, past the doorbell and the like."""
        while (said := await self.line.hear()).get(
            "method"
        ) != "notifications/claude/channel/permission":
            pass
        return dict(said["params"])

    async def is_served(self) -> bool:
        """Whether the daemon answers, after it has looked at what was said before."""
        await self.line.say({"jsonrpc": "2.0", "id": "ping", "method": "ping"})
        while (said := await self.line.hear()).get("id") != "ping":
            pass
        return "result" in said


@asynccontextmanager
async def channel(folder: Path, session: str = SESSION) -> AsyncGenerator[Host]:
    async with connected(folder, f"mcp {session}") as line:
        await line.say({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE})
        answer = await line.hear()
        await line.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield Host(line, answer["result"]["capabilities"])
