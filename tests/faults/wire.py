"""A host's end of a real shim: JSON-RPC lines over its stdio, cheap to start and to kill."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bot.stage import PROFILE

LINE_LIMIT = 32 * 1024 * 1024
_ANSWER_S = 60.0
_END_S = 15.0
_RESTARTED = -32000
_INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "faults", "version": "1"},
}

Document = dict[str, Any]


class HostGone(Exception):
    """The shim is not there any more, or we ended it."""


class Refusal(Exception):
    """A tool said no; `str()` is what the model is told."""


class Wire:
    """One shim process and the requests under way on it."""

    def __init__(self, process: asyncio.subprocess.Process, ring: Callable[[], None]) -> None:
        """Speak to *process*; call *ring* for every doorbell."""
        self._process, self._ring = process, ring
        self._numbers = 0
        self._asked: dict[int, asyncio.Future[Document]] = {}
        self._reader = asyncio.create_task(self._read(), name="wire")

    @classmethod
    async def spawn(
        cls, environ: Mapping[str, str], session: str, ring: Callable[[], None]
    ) -> "Wire":
        """Start `entraclaw mcp` as the host session *session*."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "entraclaw", "--profile", PROFILE, "mcp",
            env={**environ, "CLAUDE_CODE_SESSION_ID": session},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_LIMIT,
        )  # fmt: skip
        return cls(process, ring)

    @property
    def is_alive(self) -> bool:
        """Whether the shim still says something."""
        return not self._reader.done()

    async def shake_hands(self) -> list[Document]:
        """Open the MCP session; gives the tools it offers."""
        await self.call("initialize", _INITIALIZE)
        self._write({"method": "notifications/initialized"})
        tools: list[Document] = (await self.call("tools/list", {}))["tools"]
        return tools

    async def tool(self, name: str, arguments: Document) -> Document:
        """Call a tool until the daemon that heard it is the one that answers it.

        Raises:
            Refusal: It said no.
            HostGone: The shim ended meanwhile.
        """
        result = await self.call("tools/call", {"name": name, "arguments": arguments})
        if result.get("isError"):
            raise Refusal(result["content"][0]["text"])
        return dict(result["structuredContent"])

    async def call(self, method: str, params: Document) -> Document:
        """Ask, and ask again when the daemon was restarted meanwhile; gives the result."""
        while True:
            answer = await self.ask(method, params)
            if "result" in answer:
                return dict(answer["result"])
            if answer["error"]["code"] != _RESTARTED:
                raise Refusal(answer["error"]["message"])

    def ask(self, method: str, params: Document) -> "asyncio.Future[Document]":
        """Write a request; the future ends with its answer, or in `HostGone`."""
        self._numbers += 1
        answer: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        self._asked[self._numbers] = answer
        if not self.is_alive:
            answer.set_exception(HostGone())
            return answer
        self._write({"id": self._numbers, "method": method, "params": params})
        return answer

    def kill(self) -> None:
        """Kill the shim."""
        # Not `Popen.kill`: it reaps what asyncio waits for.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Close its standard input, as the end of a host does."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def end(self) -> None:
        """Wait for the shim's end; make it end when it does not."""
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._reader

    def _write(self, message: Document) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self) -> None:
        stdout = self._process.stdout
        while stdout is not None and (line := await stdout.readline()):
            with suppress(ValueError):  # a shim that was killed in the middle of a line
                self._hear(json.loads(line))
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(HostGone())
                answer.exception()  # nobody may be waiting for it any more

    def _hear(self, message: Document) -> None:
        if "method" in message:
            self._ring()
            return
        answer = self._asked.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message)
