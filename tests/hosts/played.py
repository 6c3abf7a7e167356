"""A daemon that a test plays: it takes what shims say on the local socket, line by line."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from hosts.pipe import BOUND_S, LINE_LIMIT, Document


class Caller:
    """One accepted connection, past its greeting."""

    def __init__(
        self, greeting: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Speak with who said *greeting*."""
        _, self.verb, self.session, self.facts = greeting.split(" ")
        self.reader, self.writer = reader, writer

    async def line(self) -> Document:
        """Wait for its next line."""
        async with asyncio.timeout(BOUND_S):
            return dict(json.loads(await self.reader.readline()))

    async def answer(self, number: object, **result: object) -> None:
        """Answer a request."""
        await self.say({"jsonrpc": "2.0", "id": number, "result": result})

    async def say(self, message: Document) -> None:
        """Write a line."""
        self.writer.write(json.dumps(message).encode() + b"\n")
        await self.writer.drain()

    async def shake_hands(self) -> None:
        """Answer the probe, which some hosts send first, and the handshake; take its end."""
        hello = await self.line()
        if hello["method"] == "server/discover":
            error = {"code": -32601, "message": "Method not found"}
            await self.say({"jsonrpc": "2.0", "id": hello["id"], "error": error})
            hello = await self.line()
        await self.answer(hello["id"], capabilities={})
        assert (await self.line())["method"] == "notifications/initialized"

    def hang_up(self) -> None:
        """Leave as a daemon that dies does."""
        self.writer.transport.abort()


class PlayedDaemon:
    """Who listens in a profile's folder."""

    def __init__(self) -> None:
        """Begin without callers."""
        self._callers: asyncio.Queue[Caller] = asyncio.Queue()
        self._all: list[Caller] = []

    @classmethod
    @asynccontextmanager
    async def listening(cls, folder: Path) -> AsyncGenerator["PlayedDaemon"]:
        """Listen for the profile in *folder* while the body runs."""
        daemon = cls()
        place = folder / "run" / "daemon.sock"
        place.parent.mkdir(parents=True)
        server = await asyncio.start_unix_server(daemon._accept, place, limit=LINE_LIMIT)
        try:
            yield daemon
        finally:
            server.close()
            for caller in daemon._all:
                caller.hang_up()

    async def caller(self) -> Caller:
        """Wait for the next connection."""
        async with asyncio.timeout(BOUND_S):
            return await self._callers.get()

    @property
    def others(self) -> int:
        """How many connections nobody has asked for."""
        return self._callers.qsize()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = Caller((await reader.readline()).decode().strip(), reader, writer)
        self._all.append(caller)
        self._callers.put_nowait(caller)
