"""Serve MCP over the local socket, in the handshake era only.

A server that answers `server/discover` gets a 2026-07-28 connection, which has no way
to notify a host unasked; Claude Code then refuses it as a channel. So this loop answers
that probe with "method not found", and the host falls back to `initialize`.

The only place that touches fastmcp's private names; tests/bot/test_mcp_loop.py fails
when a new version moves them.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import anyio
from fastmcp import FastMCP
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.runner import serve_connection
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp_types import NotificationParams, jsonrpc_message_adapter
from pydantic import ValidationError

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
    _notify.set(connection.notify)

    async def announce() -> None:
        await connection.initialized.wait()
        client = connection.client_params
        await attached(connection.notify, client.client_info.name if client else "")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, reader, to_server)
        tasks.start_soon(_write, from_server, writer)
        tasks.start_soon(announce)
        await serve_connection(
            lowlevel,
            dispatcher,
            connection=connection,
            lifespan_state=state,
            init_options=lowlevel.create_initialization_options(),
        )
        tasks.cancel_scope.cancel()


async def _read(reader: asyncio.StreamReader, to_server: Any) -> None:  # noqa: ANN401 - anyio's stream of a union
    async with to_server:
        while line := await _line(reader):
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError as error:
                await to_server.send(error)
            else:
                await to_server.send(SessionMessage(message))


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except (ConnectionError, ValueError):
        _log.warning("a host broke off, or sent a line over the limit")
        return b""


async def _write(from_server: Any, writer: asyncio.StreamWriter) -> None:  # noqa: ANN401 - as above
    async with from_server:
        async for item in from_server:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                writer.write(text.encode() + b"\n")
                await writer.drain()
            except (ConnectionError, RuntimeError):
                return  # the host has left; uvloop says so with a RuntimeError
