"""Servers that are not what they should be, over TLS that a profile may be told to trust."""

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Stranger:
    """Answers every request as it is told to.

    Attributes:
        url: Where it is, with its scheme.
        asked: Every request so far, as ``METHOD path``.
        bearers: What each brought as `Authorization`.
    """

    url: str
    asked: list[str] = field(default_factory=list[str])
    bearers: list[str] = field(default_factory=list[str])


Strange: TypeAlias = Callable[[Answer], Awaitable[Stranger]]


class Authority:
    """A certificate authority for one host, and the file that says to trust it."""

    def __init__(self, folder: Path, host: str = "localhost", ends: datetime | None = None) -> None:
        authority = trustme.CA()
        self.bundle = folder / "strangers.pem"
        authority.cert_pem.write_to_path(self.bundle)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf = authority.issue_cert(host, not_after=ends)
        leaf.configure_cert(self.server)  # pyright: ignore[reportUnknownMemberType]  # it takes PyOpenSSL's too


@asynccontextmanager
async def strangers(authority: Authority) -> AsyncGenerator[Strange]:
    """Give a function that starts servers, and end them with the block."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer) -> Stranger:
            server, stranger = await _listen(answer, authority)
            stack.push_async_callback(server.close)
            return stranger

        yield start


async def _listen(answer: Answer, authority: Authority) -> tuple[TestServer, Stranger]:
    stranger = Stranger("")

    async def take(request: web.Request) -> web.StreamResponse:
        stranger.asked.append(f"{request.method} {request.path_qs}")
        stranger.bearers.append(request.headers.get("Authorization", ""))
        response = await answer(request)
        response.force_close()  # nobody keeps a line open to it when the test ends
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    server = TestServer(app, host="localhost", scheme="https")
    await server.start_server(ssl=authority.server)
    stranger.url = str(server.make_url("")).rstrip("/")
    return server, stranger
