"""The host's end of an MCP server's stdio: lines out, answers back, and what else is said."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

LINE_LIMIT = 32 * 1024 * 1024
BOUND_S = 20.0

Document = dict[str, Any]


class Gone(Exception):
    """The server has ended, or said nothing more."""


class Pipe:
    """A server process and the requests under way to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Speak with *process*; nothing is read before `listen`."""
        self.process = process
        self._asked: dict[int | str, asyncio.Future[Document]] = {}
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def spawn(cls, command: Sequence[str], environ: Mapping[str, str]) -> "Pipe":
        """Start the server *command* and say nothing yet."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_LIMIT,
        )
        return cls(process)

    def listen(self, hear: Callable[[Document], Awaitable[None]]) -> None:
        """Read what the server says from now on; *hear* gets all that is no awaited answer."""
        self._reader = asyncio.create_task(self._read(hear), name="pipe")

    async def ask(self, number: int | str, method: str, params: Document | None) -> Document:
        """Ask, at most `BOUND_S`; gives the whole answer.

        Raises:
            Gone: The server ended.
        """
        answer: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        await self.say(method, params, id=number)
        if self._reader is None or self._reader.done():
            raise Gone
        async with asyncio.timeout(BOUND_S):
            return await answer

    async def say(self, method: str, params: Document | None, **more: object) -> None:
        """Write a request or a notification, in the order of names that Claude Code uses."""
        told = {} if params is None else {"params": params}
        await self.write({"method": method, **told, "jsonrpc": "2.0", **more})

    async def write(self, message: Mapping[str, object]) -> None:
        """Write one line."""
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        await self.write_bytes(line.encode() + b"\n")

    async def write_bytes(self, data: bytes) -> None:
        """Write *data* as it is; that nobody reads it any more is no error."""
        assert self.process.stdin is not None
        with suppress(ConnectionError):
            self.process.stdin.write(data)
            await self.process.stdin.drain()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the server a signal."""
        # Not `Process.kill`: it reaps what asyncio waits for.
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def hang_up(self) -> None:
        """Close the server's standard input, as the end of a host does."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def ended(self) -> int:
        """Wait for the server's end, at most `BOUND_S`, then end it; gives its exit code.

        Raises:
            TimeoutError: It had to be killed.
        """
        try:
            async with asyncio.timeout(BOUND_S):
                return await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
            raise
        finally:
            if self._reader is not None:
                await self._reader

    async def _read(self, hear: Callable[[Document], Awaitable[None]]) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            with suppress(ValueError):  # a server that was killed in the middle of a line
                await self._take(json.loads(line), hear)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Gone())
                answer.exception()  # nobody may be waiting for it any more

    async def _take(self, message: Document, hear: Callable[[Document], Awaitable[None]]) -> None:
        answer = None if "method" in message else self._asked.pop(message.get("id", ""), None)
        if answer is None:
            await hear(message)
        elif not answer.done():
            answer.set_result(message)
