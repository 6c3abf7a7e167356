"""Serve MCP over the local socket, in the handshake era only.

A server that answers `server/discover` gets a 2026-07-28 connection, which has no way
to notify a host unasked; Claude Code then refuses it as a channel. So this loop answers
that probe with "method not found", and the host falls back to `initialize`.

What is no message is answered with an error and ends nothing; a host that asks faster than
it takes the answers is not read meanwhile. docs/hosts.md lists what a misbehaving host gets.

The only place that touches fastmcp's private names; tests/bot/test_mcp_loop.py fails
when a new version moves them.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import anyio
import orjson
from fastmcp import FastMCP
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.runner import serve_connection
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    NotificationParams,
    jsonrpc_message_adapter,
)
from pydantic import TypeAdapter, ValidationError

from entraclaw.bot import envelope
from entraclaw.bot.lines import read_lines
from entraclaw.bot.local_socket import LINE_LIMIT
from entraclaw.bot.open_requests import OpenRequests
from entraclaw.bot.passing import Passing

_NO_JSON = (PARSE_ERROR, "this line is no JSON")
_NO_MESSAGE = (INVALID_REQUEST, "this line is no JSON-RPC message")
_OBJECT = TypeAdapter(dict[str, Any])  # the parser that the messages are read with
_log = logging.getLogger(__name__)

Notify = Callable[[str, dict[str, Any]], Awaitable[None]]
Attached = Callable[[Notify, str], Awaitable[None]]
Heard = Callable[[Mapping[str, Any], Notify], Awaitable[None]]

_notify: ContextVar[Notify] = ContextVar("entraclaw_notify")  # of the running connection


@asynccontextmanager
async def running(server: FastMCP[Any]) -> AsyncGenerator[None]:
    """Keep *server* ready for connections: its lifespan runs once for all of them."""
    async with server._lifespan_manager():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # see the header
        yield


def hear(server: FastMCP[Any], method: str, heard: Heard) -> None:
    """Have *heard* told of every notification *method* of a host that has shaken hands.

    It is given the parameters as they came, unchecked, and the way to notify that host.
    """

    async def handle(context: ServerRequestContext[Any, Any], _: NotificationParams) -> None:
        # Not from a model of our own: mcp's name their fields in camel case on the wire,
        # hosts name theirs otherwise, and what does not fit is dropped without a word.
        await heard(context.params or {}, _notify.get())

    lowlevel = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # see the header
    lowlevel.add_notification_handler(method, NotificationParams, handle)


def _notifier(writer: asyncio.StreamWriter) -> Notify:
    """Make the way to notify a host: past the queue of what it is answered, and never failing."""

    async def notify(method: str, params: dict[str, Any]) -> None:
        line = orjson.dumps({"jsonrpc": "2.0", "method": method, "params": params})
        # It has left: that is noticed where it is read, and uvloop says so with a RuntimeError.
        with suppress(ConnectionError, RuntimeError):
            writer.write(line + b"\n")
            await writer.drain()

    return notify


async def serve(
    server: FastMCP[Any],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    attached: Attached,
) -> None:
    """Speak MCP with one host until it leaves.

    Args:
        server: Must be `running`.
        reader: One JSON-RPC message a line.
        writer: The same, back.
        attached: Called once the host has finished its handshake, with the way to notify it
            and the name it gave itself.
    """
    lowlevel = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # see the header
    state = server._lifespan_result  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # see the header
    to_server, from_host = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_host, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    dispatcher = JSONRPCDispatcher[Any](
        from_host, to_host, inline_methods=frozenset({"initialize"})
    )
    connection = Connection.for_loop(dispatcher)
    host = _Host(reader, writer)
    notify = _notifier(writer)
    _notify.set(notify)

    async def announce() -> None:
        await connection.initialized.wait()
        client = connection.client_params
        await attached(notify, client.client_info.name if client else "")

    async def write() -> None:
        if not await host.write(from_server):
            tasks.cancel_scope.cancel()  # it has left, and perhaps nobody reads, to see that

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host.read, to_server)
        tasks.start_soon(write)
        tasks.start_soon(announce)
        await serve_connection(
            lowlevel,
            dispatcher,
            connection=connection,
            lifespan_state=state,
            init_options=lowlevel.create_initialization_options(),
        )
        tasks.cancel_scope.cancel()


class _Host:
    """The lines of one host, and what may be wrong with them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._open = OpenRequests()

    async def read(self, to_server: Any) -> None:  # noqa: ANN401 - anyio's stream of a union
        """Hand on every message, and answer every line that is none."""
        async with to_server:
            async for line in read_lines(self._reader, LINE_LIMIT):
                if isinstance(line, Passing):
                    _log.warning("refused a line of %d bytes", line.length)
                    words = f"a message may have {LINE_LIMIT} bytes, and this one has more"
                    await self._refuse(line, INVALID_REQUEST, words)
                elif not line.isspace():
                    await self._take(line, to_server)

    async def _take(self, line: bytes, to_server: Any) -> None:  # noqa: ANN401 - as above
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError as error:
            is_json = error.errors(include_input=False)[0]["type"] != "json_invalid"
            code, words = _NO_MESSAGE if is_json else _NO_JSON
            await self._refuse(_seen(line), code, words)
            return
        match message:
            case JSONRPCRequest(id=number) if self._open.has(number):
                await self._refuse(_seen(line), INVALID_REQUEST, "this id is under way already")
                return
            case JSONRPCRequest(id=number):
                await self._open.add(number, len(line))
            case JSONRPCNotification() if "id" in _OBJECT.validate_json(line):
                await self._refuse(_seen(line), INVALID_REQUEST, "an id is a string or an integer")
                return
            case JSONRPCNotification(method="notifications/cancelled", params=params):
                self._open.cancel(params)
            case _:
                pass
        await to_server.send(SessionMessage(message))

    async def write(self, from_server: Any) -> bool:  # noqa: ANN401 - as above
        """Write what the server says, as fast as the host takes it; False if it has left."""
        async with from_server:
            async for item in from_server:
                message: JSONRPCMessage = item.message
                # Straight to bytes: an answer may be long, and a string of it is a second one.
                said = message.__pydantic_serializer__.to_json(
                    message, by_alias=True, exclude_unset=True
                )
                if not await self._say(said):
                    return False
                if isinstance(message, JSONRPCResponse | JSONRPCError):
                    self._open.close(message.id)
        return True

    async def _refuse(self, line: Passing, code: int, words: str) -> None:
        """Answer a line that is no request of ours, under its id if it shows one."""
        number = envelope.read(line).id.decode(errors="replace") or "null"
        error = orjson.dumps({"code": code, "message": words}).decode()
        await self._say(f'{{"jsonrpc":"2.0","id":{number},"error":{error}}}'.encode())

    async def _say(self, message: bytes) -> bool:
        """Write one line and wait until most of it has left; False if the host has."""
        try:
            self._writer.write(message + b"\n")
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            return False  # uvloop says so with a RuntimeError
        return True


def _seen(line: bytes) -> Passing:
    passing = Passing()
    passing.add(line)
    return passing
