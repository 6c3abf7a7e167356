"""The whole sandbox, put together: keys, listeners, files.

The only module that knows all the others. It takes the ports, has its files
written, and serves while its block runs.
"""

import secrets
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import aiohttp
import trustme
from aiohttp import web

from entraclaw.sandbox.admission import Admission
from entraclaw.sandbox.apis import Apis
from entraclaw.sandbox.asks import Asks
from entraclaw.sandbox.bot_keys import BotKeys
from entraclaw.sandbox.callers import Callers, trouble
from entraclaw.sandbox.channel import Channel
from entraclaw.sandbox.chats import Chats
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.connector import Connector
from entraclaw.sandbox.control import Control, guard
from entraclaw.sandbox.conversations import Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.entra import Entra
from entraclaw.sandbox.entra_faults import EntraFaults
from entraclaw.sandbox.envelopes import Answering, failure
from entraclaw.sandbox.events import Events
from entraclaw.sandbox.faults import Faults, unavailable
from entraclaw.sandbox.folder import described
from entraclaw.sandbox.grants import World
from entraclaw.sandbox.holdings import Holdings
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.listener import apart, application, bind, port_of, serve, slow
from entraclaw.sandbox.messages import Messages
from entraclaw.sandbox.page import Page
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.people_signing_in import People
from entraclaw.sandbox.registrar import Registrar
from entraclaw.sandbox.resources import Catalogue
from entraclaw.sandbox.rosters import Rosters
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.shares import Shares
from entraclaw.sandbox.speech import Speech
from entraclaw.sandbox.stage import Stage
from entraclaw.sandbox.tenancy import tenant_routes
from entraclaw.sandbox.tenant_control import TenantControl
from entraclaw.sandbox.transcript import Entry, Transcript
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
        for host, listening in rooms.hosts():
            await stack.enter_async_context(serve(host, listening, tls))
        admission = Admission(port_of(ports.control))
        admit = apart(guard(secret, port_of(ports.control)), admission.guard)
        await stack.enter_async_context(serve(application(rooms.local, admit), ports.control))
        login, graph = ports.url(ports.login), ports.url(ports.graph)
        service = f"localhost:{port_of(ports.service)}"
        files = described(home, authority, login=login, graph=graph, service=service)
        cloud, ca = stack.enter_context(files)
        url = f"http://127.0.0.1:{port_of(ports.control)}"
        yield Ready(url, secret, f"{url}/?key={admission.key}", cloud, ca)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the hosts have in common: who there is, what was said, which keys sign, the time."""

    keys: Keyring
    clock: Clock
    directory: Directory
    conversations: Conversations
    transcript: Transcript
    messages: Messages
    holdings: Holdings
    answer: Answering

    def parts(self) -> tuple[Keyring, Clock, Answering]:
        """Those that the control API turns or shows."""
        return self.keys, self.clock, self.answer


class _Rooms:
    """Every part, made in the order in which they know each other."""

    def __init__(self, ports: _Ports, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._ports, self._settings, self._faults = ports, settings, Faults()
        login, bot_keys = ports.url(ports.login), BotKeys()
        happenings = Journal[Happening]()
        tell = happenings.append
        shared = self._shared = share(tell)
        catalogue = Catalogue(ports.url(ports.graph))
        apis = self._apis = Apis(catalogue)
        asks = Asks(shared.directory, catalogue)
        passes = Passes(
            login=login,
            service=ports.url(ports.service),
            keys=shared.keys,
            bot_keys=bot_keys,
            clock=shared.clock,
        )
        entra_faults = EntraFaults()
        people = self._people = People(
            login=login,
            directory=shared.directory,
            apis=apis,
            clock=shared.clock,
            settings=settings,
        )
        self._entra = Entra(
            login=login,
            world=World(shared.directory, catalogue, people.grants.decide),
            keys=shared.keys,
            bot_keys=bot_keys,
            settings=settings,
            clock=shared.clock,
            faults=entra_faults,
            tell=tell,
        )
        self.channel = Channel(passes=passes, session=session, settings=settings, tell=tell)
        speech = Speech(
            directory=shared.directory,
            conversations=shared.conversations,
            transcript=shared.transcript,
            messages=shared.messages,
            passes=passes,
        )
        stage = Stage(
            asks=asks,
            speech=speech,
            channel=self.channel,
            passes=passes,
            holdings=shared.holdings,
        )
        control = Control(
            directory=shared.directory,
            asks=asks,
            entra=self._entra,
            speech=speech,
            passes=passes,
            transcript=shared.transcript,
            conversations=shared.conversations,
            settings=settings,
        )
        views = Views(
            directory=shared.directory,
            conversations=shared.conversations,
            transcript=shared.transcript,
            happenings=happenings,
        )
        page = Page(
            asks=asks,
            speech=speech,
            channel=self.channel,
            views=views,
            events=Events(views, happenings),
        )
        faults = (self._faults, entra_faults)
        tenant = TenantControl(shared.directory, apis)
        parts = (control, tenant, stage, *faults, people.control(asks), page)
        self.local = [route for part in (*parts, *shared.parts()) for route in part.routes()]

    def hosts(self) -> Iterator[tuple[web.Application, socket]]:
        """The hosts behind TLS."""
        ports, late, faults = self._ports, slow(self._settings), self._faults
        login = [*self._entra.routes(), *self._people.routes()]
        yield application(login, late, faults.middleware("login", unavailable)), ports.login
        graph = graph_routes(self._shared, ports.url(ports.graph), self._settings, self._apis)
        yield application(graph, late, faults.middleware("graph", failure)), ports.graph
        connector = _connector_routes(self._shared)
        yield application(connector, late, faults.middleware("connector", trouble)), ports.service


def share(tell: Callable[[Happening], None]) -> Shared:
    """Make what the hosts have in common, in which nothing has happened yet."""
    messages = Messages()

    def hear(entry: Entry) -> None:
        messages.take(entry)
        tell(entry)

    keys, clock = Keyring("Entra"), Clock()
    directory = Directory(tell, clock.now)
    return Shared(
        keys=keys,
        clock=clock,
        directory=directory,
        conversations=Conversations(),
        transcript=Transcript(hear),
        messages=messages,
        holdings=Holdings(),
        answer=Answering(keys, clock, directory),
    )


def graph_routes(shared: Shared, base: str, settings: Settings, apis: Apis) -> list[web.RouteDef]:
    """What the Graph host serves at *base*, the more exact addresses first."""
    answer = shared.answer
    chats = Chats(
        base=base,
        directory=shared.directory,
        conversations=shared.conversations,
        transcript=shared.transcript,
        messages=shared.messages,
        answer=answer,
    )
    shares = Shares(
        base=base, conversations=shared.conversations, holdings=shared.holdings, answer=answer
    )
    # The people's host answers whatever nobody else knows, and so comes last.
    tenant = tenant_routes(Registrar(base=base, answer=answer, settings=settings), apis)
    return [*chats.routes(), *shares.routes(), *tenant]


def _connector_routes(shared: Shared) -> list[web.RouteDef]:
    callers = Callers(
        directory=shared.directory,
        conversations=shared.conversations,
        keys=shared.keys,
        clock=shared.clock,
    )
    connector = Connector(callers=callers, transcript=shared.transcript, messages=shared.messages)
    rosters = Rosters(
        callers=callers,
        directory=shared.directory,
        conversations=shared.conversations,
        holdings=shared.holdings,
    )
    return [*connector.routes(), *rosters.routes()]


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
