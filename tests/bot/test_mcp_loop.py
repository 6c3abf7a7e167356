"""The loop that serves hosts stands on three private names; a new version may move them."""

import asyncio
import json
import socket
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import pytest
from fastmcp import FastMCP
from fastmcp.tools import Tool

from entraclaw.bot import mcp_loop
from entraclaw.bot.local_socket import LINE_LIMIT

BOUND_S = 30.0
FLOOD = 1000
LONGEST = 1 << 20  # bytes of an answer here


@pytest.mark.parametrize("name", ["_mcp_server", "_lifespan_manager", "_lifespan_result"])
def test_private_name_is_where_we_look(name: str) -> None:
    """Red after an upgrade: find where fastmcp put it, then move the pin."""
    assert hasattr(FastMCP("probe"), name)


def test_fastmcp_is_the_version_this_was_written_against() -> None:
    assert version("fastmcp") == "4.1.2"


async def test_host_is_announced_once_it_has_shaken_hands_and_hears_what_we_say() -> None:
    async with talking() as (reader, writer, announced):
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        assert (await hear(reader))["result"]["protocolVersion"] == "2025-11-25"
        assert not announced.done()

        await say(writer, method="notifications/initialized")
        async with asyncio.timeout(BOUND_S):
            notify = await announced
        await notify("notifications/anything", {"n": 1})

        assert await hear(reader) == {
            "jsonrpc": "2.0",
            "method": "notifications/anything",
            "params": {"n": 1},
        }


async def test_later_era_is_told_that_it_is_not_served() -> None:
    """Claude Code then falls back to `initialize` on the same connection."""
    async with talking() as (reader, writer, _):
        await say(writer, id="probe", method="server/discover", params={})
        assert (await hear(reader))["error"]["code"] == -32601
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        assert "result" in await hear(reader)


async def test_garbage_ends_nothing() -> None:
    async with talking() as (reader, writer, _):
        writer.write(b"garbage\n\xff\xfe\n{}\n[]\n")
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        while (said := await hear(reader)).get("id") != 1:
            pass
        assert "result" in said


@pytest.mark.parametrize(
    ("line", "number", "code"),
    [
        (b"garbage", None, -32700),
        (b"\xff\xfe", None, -32700),
        (b"[" * 9999, None, -32700),
        (b"{}", None, -32600),
        (b"[1]", None, -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}', 5, -32600),
        (b'{"jsonrpc":"1.0","id":"a","method":"ping"}', "a", -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","method":"ping","params":{"x":NaN},"id":[]}', None, -32600),
    ],
)
async def test_line_that_is_no_message_is_answered_and_the_session_lives(
    line: bytes, number: object, code: int
) -> None:
    async with talking() as (reader, writer, _):
        writer.write(line + b"\n\n \n")
        answer = await hear(reader)
        assert (answer["id"], answer["error"]["code"]) == (number, code)

        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        assert "result" in await hear(reader)


@pytest.mark.parametrize("order", [("id", "params"), ("params", "id")])
async def test_line_over_the_limit_is_answered_with_the_limit(order: tuple[str, str]) -> None:
    async with talking() as (reader, writer, _):
        parts = {
            "id": '"id":"big"',
            "params": '"params":{"id":1,"text":"' + "x" * LINE_LIMIT + '"}',
        }
        members = ",".join(parts[name] for name in order)
        writer.write(f'{{"jsonrpc":"2.0","method":"ping",{members}}}\n'.encode())
        await writer.drain()
        answer = await hear(reader)
        assert answer["id"] == "big"
        assert str(LINE_LIMIT) in answer["error"]["message"]

        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        assert "result" in await hear(reader)


async def test_id_that_is_under_way_is_refused_and_free_again_after_its_answer() -> None:
    async with talking() as (reader, writer, _):
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        await hear(reader)
        await say(writer, method="notifications/initialized")
        for _ in range(2):
            await say(writer, id=2, method="tools/call", params={"name": "wait"})
        assert (await hear(reader))["error"]["message"] == "this id is under way already"

        await say(writer, method="notifications/cancelled", params={"requestId": 2})
        await say(writer, id=2, method="ping")
        assert await hear(reader) == {"jsonrpc": "2.0", "id": 2, "result": {}}
        await say(writer, id=2, method="ping")
        assert await hear(reader) == {"jsonrpc": "2.0", "id": 2, "result": {}}


async def test_host_that_takes_no_answer_is_not_read_any_more() -> None:
    """Its own writing comes to a halt: what it has under way stays bounded."""
    async with talking() as (reader, writer, _):
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        await hear(reader)
        sent = await flood(writer)
        assert sent < FLOOD

        heard = {(await hear(reader))["id"] for _ in range(sent)}
        assert heard == {f"e{number}" for number in range(1, sent + 1)}


async def test_host_that_dies_with_its_answers_untaken_is_let_go() -> None:
    async with talking() as (reader, writer, _):
        await say(writer, id=1, method="initialize", params=HANDSHAKE)
        await hear(reader)
        assert await flood(writer) < FLOOD
        writer.transport.abort()


async def flood(writer: asyncio.StreamWriter) -> int:
    """Ask, with the answers left lying, until no more is taken; gives how often."""
    call = {"name": "echo", "arguments": {"text": "x" * 100_000}}
    number = 0
    with suppress(TimeoutError):
        for number in range(1, FLOOD):
            async with asyncio.timeout(1):
                await say(writer, id=f"e{number}", method="tools/call", params=call)
        return FLOOD
    return number


HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter, "asyncio.Future[mcp_loop.Notify]"]


async def echo(text: str) -> str:
    return text


async def wait() -> str:
    await asyncio.Event().wait()
    return ""


class talking:  # noqa: N801 - reads as a statement
    """A host and a server at the two ends of a socket pair."""

    async def __aenter__(self) -> Talk:
        ours, theirs = socket.socketpair()
        self._server = await asyncio.open_connection(sock=theirs)
        host = await asyncio.open_connection(sock=ours, limit=LONGEST)
        self._host = host[1]
        announced: asyncio.Future[mcp_loop.Notify] = asyncio.get_running_loop().create_future()

        async def attached(notify: mcp_loop.Notify, _host: str) -> None:
            announced.set_result(notify)

        async def serve() -> None:
            server = FastMCP[Any]("test")
            server.add_tool(Tool.from_function(echo))
            server.add_tool(Tool.from_function(wait))
            async with mcp_loop.running(server):
                await mcp_loop.serve(server, *self._server, attached)

        self._task = asyncio.create_task(serve())
        return *host, announced

    async def __aexit__(self, *_: object) -> None:
        self._host.close()
        async with asyncio.timeout(BOUND_S):
            await self._task
        self._server[1].close()


async def say(writer: asyncio.StreamWriter, **message: object) -> None:
    writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    await writer.drain()


async def hear(reader: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(BOUND_S):
        return dict(json.loads(await reader.readline()))
