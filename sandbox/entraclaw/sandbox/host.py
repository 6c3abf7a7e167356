"""A deterministic LLM host: `python -m entraclaw.sandbox.host -- COMMAND ARGS…`.

Spawns COMMAND as an MCP server over stdio with the stock client, and does what
a model would, without one: when the doorbell rings it reads the messages that
wait and answers each with its own words. Every step is one JSON line on stdout
with a monotonic time. It ends as the sandbox does, and takes the server along.

Handshake: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
Doorbell: the `notifications/claude/channel` notification of Claude Code channels.
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import orjson
from mcp import MCPError, StdioServerParameters
from mcp.client import Client, ClientExtension, NotificationBinding
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict

from entraclaw.sandbox.documents import DocumentError, Json, text
from entraclaw.sandbox.stopping import watch

_log = logging.getLogger(__name__)

# A call that takes longer than this has failed, whatever the server is doing.
_CALL_S = 60.0

# How often one reading is tried: a daemon that restarts answers "call again" once.
_READINGS = 3


class _Ring(BaseModel):
    """Parameters of the doorbell; their content is a hint for people and is not read."""

    model_config = ConfigDict(extra="allow")


class Doorbell(ClientExtension):
    """Hears the doorbell; the stock client drops notifications that nobody claims."""

    identifier = "entraclaw/doorbell"

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def notifications(self) -> Sequence[NotificationBinding[Any]]:
        """Claim the doorbell's notification."""
        binding = NotificationBinding(
            method="notifications/claude/channel", params_type=_Ring, handler=self._ring
        )
        return (binding,)

    async def answered(self) -> None:
        """Wait for the next ring; rings that come while nobody waits are one."""
        await self._rung.wait()
        self._rung.clear()

    async def _ring(self, _ring: _Ring) -> None:
        self._rung.set()


@dataclass(frozen=True, slots=True)
class Message:
    """One message that waits for an answer."""

    turn: str
    text: str


async def attend(client: Client, doorbell: Doorbell, footer: str) -> None:
    """Read and answer what waits, now and at every ring, until cancelled; sign with *footer*."""
    while True:
        for message in await _read(client):
            await _reply(client, message, footer)
        await doorbell.answered()


async def _read(client: Client) -> list[Message]:
    for _ in range(_READINGS):
        try:
            messages = _messages(await client.call_tool("read_messages", {}))
        except (MCPError, DocumentError) as wrong:
            _log.warning("read_messages failed: %s", wrong)
            continue
        at = time.monotonic_ns()
        for message in messages:
            _say("received", turn=message.turn, text=message.text, at=at)
        return messages
    return []


async def _reply(client: Client, message: Message, footer: str) -> None:
    _say("replying", turn=message.turn, at=time.monotonic_ns())
    said = f"You said: {message.text}"
    arguments = {"turn": message.turn, "text": f"{said}\n\n{footer}" if footer else said}
    try:
        result = await client.call_tool("reply", arguments)
    except MCPError as refused:
        error: str | None = str(refused)
    else:
        error = _words(result) if result.is_error else None
    _say("replied", turn=message.turn, at=time.monotonic_ns(), error=error)


def _messages(result: CallToolResult) -> list[Message]:
    if result.is_error:
        raise DocumentError(_words(result))
    document: object = result.structured_content
    waiting = cast("Json", document).get("messages") if isinstance(document, dict) else None
    if not isinstance(waiting, list):
        raise DocumentError("the result has no list of messages")
    return [Message(text(m, "turn"), text(m, "text")) for m in cast("list[Json]", waiting)]


def _words(result: CallToolResult) -> str:
    return " ".join(part.text for part in result.content if isinstance(part, TextContent))


def _say(event: str, **facts: object) -> None:
    sys.stdout.write(orjson.dumps({"event": event, **facts}).decode() + "\n")
    sys.stdout.flush()


async def _host(command: Sequence[str], footer: str) -> None:
    doorbell = Doorbell()
    server = StdioServerParameters(
        command=command[0],
        args=list(command[1:]),
        # The stock client hands on six variables; a server finds its home through more.
        env=dict(os.environ),
    )
    # The doorbell exists in the handshake era only, so no newer revision is offered.
    async with Client(
        server, mode="legacy", extensions=[doorbell], read_timeout_seconds=_CALL_S
    ) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        told = len(client.instructions or "")
        _say("ready", pid=os.getpid(), tools=tools, instructions=told)
        await attend(client, doorbell, footer)


async def _run(command: Sequence[str], footer: str) -> None:
    ending = asyncio.create_task(watch().wait())
    work = asyncio.create_task(_host(command, footer))
    await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
    # The client closes the server's stdin on its way out, and waits for it, but not for ever.
    work.cancel()
    ending.cancel()
    with suppress(asyncio.CancelledError):
        await work


def main() -> int:
    """Run until told to stop; 1 means that the server could not be started or spoken to."""
    parser = argparse.ArgumentParser(prog="python -m entraclaw.sandbox.host")
    parser.add_argument("command", nargs="+", help="the MCP server to spawn, with its arguments")
    parser.add_argument("--footer", default="", help="a last paragraph for every answer")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        asyncio.run(_run(arguments.command, arguments.footer))
    except (OSError, MCPError) as refused:
        sys.stderr.write(f"entraclaw.sandbox.host: error: {refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
