"""The loop that serves hosts stands on three private names; a new version may move them."""

import asyncio
import json
import socket
from importlib.metadata import version
from typing import Any

import pytest
from fastmcp import FastMCP

from entraclaw.bot import mcp_loop

BOUND_S = 5.0


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


HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter, "asyncio.Future[mcp_loop.Notify]"]


class talking:  # noqa: N801 - reads as a statement
    """A host and a server at the two ends of a socket pair."""

    async def __aenter__(self) -> Talk:
        ours, theirs = socket.socketpair()
        self._server = await asyncio.open_connection(sock=theirs)
        host = await asyncio.open_connection(sock=ours)
        self._host = host[1]
        announced: asyncio.Future[mcp_loop.Notify] = asyncio.get_running_loop().create_future()

        async def attached(notify: mcp_loop.Notify, _host: str) -> None:
            announced.set_result(notify)

        async def serve() -> None:
            server = FastMCP[Any]("test")
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
