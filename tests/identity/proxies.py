"""A proxy on the way: it opens a line to wherever it likes, or refuses with a page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="company"\r\n'
    b"Content-Type: text/html\r\nConnection: close\r\n\r\n<html>Who are you?"
)
_OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_READ = 1 << 16


@dataclass(slots=True)
class Proxy:
    """A running one.

    Attributes:
        url: What `HTTPS_PROXY` would be.
        asked: What it was asked to open, as ``host:port``.
    """

    url: str
    asked: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def proxying(port: int | None) -> AsyncGenerator[Proxy]:
    """Run a proxy that leads everything to *port* here; None refuses as one that asks who."""
    proxy = Proxy("")

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.asked.append(head.split()[1].decode())
        if port is None:
            writer.write(REFUSAL)
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_OPENED)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_READ):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
