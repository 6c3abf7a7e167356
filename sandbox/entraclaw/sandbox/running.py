"""The whole sandbox, put together: keys, listeners, files.

The only module that knows all the others. It takes the ports, writes the cloud
profile and its authority's certificate, serves while its block runs, and takes
its files away again.
"""

import secrets
import ssl
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import aiohttp
import trustme
from aiohttp import web

from entraclaw.sandbox.admission import Admission
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.channel import Channel
from entraclaw.sandbox.connector import Connector
from entraclaw.sandbox.control import Control, guard
from entraclaw.sandbox.conversations import Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.entra import Entra
from entraclaw.sandbox.events import Events
from entraclaw.sandbox.grants import World
from entraclaw.sandbox.graph import Graph
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.listener import apart, application, bind, port_of, serve, slow
from entraclaw.sandbox.page import Page
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.profile import cloud_profile
from entraclaw.sandbox.resources import Catalogue
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.tokens import SigningKey
from entraclaw.sandbox.transcript import Transcript
from entraclaw.sandbox.views import Happening, Views


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a running sandbox is found, and the secrets of its control API and its page."""

    control: str
    secret: str
    page: str
    cloud: Path
    ca: Path


@dataclass(frozen=True, slots=True)
class _Ports:
    """The listening sockets, taken before anything that must know their numbers."""

    login: socket
    graph: socket
    service: socket
    control: socket

    def url(self, listening: socket) -> str:
        return f"https://localhost:{port_of(listening)}"


@asynccontextmanager
async def sandbox(home: Path, *, port: int, settings: Settings) -> AsyncGenerator[Ready]:
    """Run the sandbox with its files in *home* and its control API on *port* (0: any).

    Raises:
        OSError: The port is taken, or *home* cannot be written.
    """
    ports = _Ports(login=bind(), graph=bind(), service=bind(), control=bind(port))
    authority = trustme.CA()
    secret = secrets.token_urlsafe(32)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_channel_session())
        rooms = _Rooms(ports, session, settings)
        stack.push_async_callback(rooms.channel.close)
        tls = _server_context(authority)
        for routes, listening in rooms.hosts():
            await stack.enter_async_context(
                serve(application(routes, slow(settings)), listening, tls)
            )
        admission = Admission(port_of(ports.control))
        admit = apart(guard(secret, port_of(ports.control)), admission.guard)
        local = application([*rooms.control.routes(), *rooms.page.routes()], admit)
        await stack.enter_async_context(serve(local, ports.control))
        cloud, ca = stack.enter_context(_files(home, authority, ports))
        url = f"http://127.0.0.1:{port_of(ports.control)}"
        yield Ready(url, secret, f"{url}/?key={admission.key}", cloud, ca)


class _Rooms:
    """Every part, made in the order in which they know each other."""

    def __init__(self, ports: _Ports, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._ports = ports
        login, graph = ports.url(ports.login), ports.url(ports.graph)
        key, bot_key = SigningKey.make("Entra"), SigningKey.make("Bot Framework")
        happenings = Journal[Happening]()
        tell = happenings.append
        directory, catalogue = Directory(tell), Catalogue(graph)
        conversations, transcript = Conversations(), Transcript(tell)
        asks = Asks(directory, catalogue)
        passes = Passes(login=login, service=ports.url(ports.service), key=key, bot_key=bot_key)
        self.entra = Entra(
            login=login,
            world=World(directory, catalogue),
            key=key,
            bot_key=bot_key,
            settings=settings,
            tell=tell,
        )
        self.graph = Graph(base=graph, directory=directory, key=key)
        self.connector = Connector(
            directory=directory, conversations=conversations, transcript=transcript, key=key
        )
        self.channel = Channel(
            passes=passes,
            conversations=conversations,
            transcript=transcript,
            session=session,
            settings=settings,
            tell=tell,
        )
        self.control = Control(
            directory=directory,
            asks=asks,
            entra=self.entra,
            channel=self.channel,
            passes=passes,
            transcript=transcript,
            settings=settings,
        )

        views = Views(
            directory=directory,
            conversations=conversations,
            transcript=transcript,
            happenings=happenings,
        )
        events = Events(views, happenings)
        self.page = Page(asks=asks, channel=self.channel, views=views, events=events)

    def hosts(self) -> Iterator[tuple[list[web.RouteDef], socket]]:
        """The hosts behind TLS."""
        yield self.entra.routes(), self._ports.login
        yield self.graph.routes(), self._ports.graph
        yield self.connector.routes(), self._ports.service


def _channel_session() -> aiohttp.ClientSession:
    # No limit of ours, so that a slow endpoint never makes another one look slow.
    pool = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar())


def _server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    with leaf.private_key_and_cert_chain_pem.tempfile() as pem:
        context.load_cert_chain(pem)
    return context


@contextmanager
def _files(home: Path, authority: trustme.CA, ports: _Ports) -> Generator[tuple[Path, Path]]:
    ours = not home.exists()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    cloud, ca = home / "cloud.toml", home / "ca.pem"
    profile = cloud_profile(
        login=ports.url(ports.login),
        graph=ports.url(ports.graph),
        service=f"localhost:{port_of(ports.service)}",
        authority=ca,
    )
    try:
        _write(ca, authority.cert_pem.bytes())
        _write(cloud, profile.encode())
        yield cloud, ca
    finally:
        for path in (cloud, ca):
            path.unlink(missing_ok=True)
        if ours:
            # Somebody may have put a file of their own beside ours.
            with suppress(OSError):
                home.rmdir()


def _write(path: Path, content: bytes) -> None:
    # Made anew, so that the mode holds from the first byte and never follows an old link.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
