"""One listener: an aiohttp application behind a socket on 127.0.0.1.

Knows sockets, TLS and how long an answer should seem to take; nothing of what
is served.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entraclaw.sandbox.settings import Settings

# The largest body any listener reads. The connector's own limit is far below it.
_LARGEST_BODY = 4 * 1024 * 1024

# Long polls end with the process; nobody waits for them.
_GRACE_S = 0.25


def application(routes: list[web.RouteDef], *middlewares: Middleware) -> web.Application:
    """Make an application whose every request passes *middlewares*, the first one first."""
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=middlewares)
    app.add_routes(routes)
    return app


def slow(settings: Settings) -> Middleware:
    """Make the middleware that lets every answer take its latency."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if settings.latency_ms:
            await asyncio.sleep(settings.latency_ms / 1000)
        return await handler(request)

    return middleware


def apart(control: Middleware, page: Middleware) -> Middleware:
    """Make the middleware that lets *control* guard the control API, and *page* all else."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Asked of the route that was found, not of the path: a path can be spelt in many ways.
        resource = request.match_info.route.resource
        is_control = resource is not None and resource.canonical.startswith("/control/")
        return await (control if is_control else page)(request, handler)

    return middleware


def bind(port: int = 0) -> socket.socket:
    """Take a port on 127.0.0.1, any when *port* is 0.

    Raises:
        OSError: The port is taken.
    """
    listening = socket.create_server(("127.0.0.1", port))
    listening.settimeout(0)
    return listening


def port_of(listening: socket.socket) -> int:
    """The port that `bind` took."""
    port: int = listening.getsockname()[1]
    return port


@asynccontextmanager
async def serve(
    app: web.Application, listening: socket.socket, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[None]:
    """Serve *app* on *listening* until the block ends."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listening, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()
