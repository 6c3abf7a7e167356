"""The control API: how tests and demonstrations set the scene and look at it.

What people do in that scene is in `stage`.

Plain http on 127.0.0.1, for whoever holds the secret that the process printed.
A web page cannot get in: its Origin is refused, and so is a Host name that
merely resolves to us (DNS rebinding).
"""

import hmac
import time
from collections.abc import Mapping
from dataclasses import replace

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entraclaw.sandbox.accounts import AccountControl
from entraclaw.sandbox.activities import Utterance
from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.asks import Asks, read_certificate, read_forgery
from entraclaw.sandbox.bots import Bots
from entraclaw.sandbox.consents import Grant
from entraclaw.sandbox.conversations import Conversations, Kind
from entraclaw.sandbox.directory import PEOPLE, Directory
from entraclaw.sandbox.documents import DocumentError, Json, load, text
from entraclaw.sandbox.entra import Entra
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.speech import Speech
from entraclaw.sandbox.transcript import Entry, Transcript
from entraclaw.sandbox.turning import shown, turn

_LONGEST_WAIT_S = 30.0
_LARGEST_QUERY = 2**53

# A reader who is far behind comes again for the rest.
_LARGEST_PAGE = 1000


class Control:
    """Every knob of the sandbox."""

    def __init__(
        self,
        *,
        directory: Directory,
        asks: Asks,
        entra: Entra,
        speech: Speech,
        passes: Passes,
        transcript: Transcript,
        conversations: Conversations,
        settings: Settings,
    ) -> None:
        self._directory, self._asks, self._entra = directory, asks, entra
        self._speech, self._passes = speech, passes
        self._transcript, self._conversations = transcript, conversations
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            *Bots(directory=self._directory, asks=self._asks).routes(),
            *AccountControl(self._directory, self._entra.clock, self._asks).routes(),
            web.post("/control/agents", self._hire),
            web.put("/control/agents/{user}", self._change),
            web.post("/control/agents/{user}/certificates", self._certify),
            web.post("/control/agents/{user}/revocations", self._revoke),
            web.get("/control/activity/{user}", self._draft),
            web.post("/control/tokens", self._forge),
            web.get("/control/tokens", self._token_requests),
            web.get("/control/issued", self._issued),
            web.get("/control/transcript", self._read),
            web.get("/control/people", self._people),
            web.put("/control/settings", self._turn),
        ]

    async def _hire(self, request: web.Request) -> web.Response:
        ask = self._asks.hire(load(await request.read()))
        agent = self._directory.hire(
            ask.name, ask.certificate, sponsors=ask.sponsors, endpoint=ask.endpoint
        )
        return web.json_response(_card(agent), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        ask = self._asks.change(body := load(await request.read()))
        changed = replace(
            agent,
            endpoint=ask.endpoint if "endpoint" in body else agent.endpoint,
            enabled=_or(ask.enabled, agent.enabled),
            identity_enabled=_or(ask.identity_enabled, agent.identity_enabled),
            blueprint_enabled=_or(ask.blueprint_enabled, agent.blueprint_enabled),
            blocked=ask.blocked if "blocked" in body else agent.blocked,
            sponsors=agent.sponsors if ask.sponsors is None else ask.sponsors,
        )
        if ask.grants:
            self._consent(agent, ask.grants)
        self._directory.keep(changed)
        return web.json_response(_card(changed))

    def _consent(self, agent: Agent, grants: Mapping[str, frozenset[str]]) -> None:
        """Let *agent* do in each resource what *grants* say and no more."""
        consents, known_from = self._directory.consents, self._entra.clock.now()
        known_from += self._settings.propagation_s
        for resource, scopes in grants.items():
            consents.grant(Grant(agent.identity, resource, None, ()), known_from)
            new = Grant(agent.identity, resource, agent.user, tuple(sorted(scopes)))
            consents.grant(new, known_from)

    async def _certify(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        certificate = read_certificate(load(await request.read()))
        self._directory.keep(replace(agent, certificates=(*agent.certificates, certificate)))
        return web.json_response(_card(agent), status=201)

    async def _revoke(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        self._directory.keep(replace(agent, tokens_from=self._entra.clock.now()))
        return web.json_response(_card(agent), status=201)

    async def _draft(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        return web.json_response(
            {
                "activity": self._speech.write(self._from_ada(agent)),
                "service_url": self._passes.service_url(agent.tenant),
            }
        )

    async def _forge(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        agent = self._asks.agent(text(body, "agent"))
        return web.json_response({"token": self._passes.forge(agent, *read_forgery(body))})

    async def _token_requests(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "requests": self._entra.requests(),
                "metadata_reads": self._entra.metadata_reads,
            }
        )

    async def _issued(self, _request: web.Request) -> web.Response:
        shown = [*self._entra.issued.all(), *self._passes.shown()]
        return web.json_response({"secrets": shown})

    async def _read(self, request: web.Request) -> web.Response:
        after = int(_query(request, "after"))
        ends = time.monotonic() + min(_query(request, "wait_s"), _LONGEST_WAIT_S)
        agent = request.query.get("agent")
        while True:
            page = self._transcript.since(after, _LARGEST_PAGE)
            after = page[-1].n if page else after
            entries = [entry for entry in page if agent in {None, self._agent_of(entry)}]
            left_s = ends - time.monotonic()
            is_end = after >= len(self._transcript)
            if entries or (is_end and left_s <= 0):
                break
            await self._transcript.more(after, max(left_s, 0))
        shown = [entry.document() for entry in entries]
        body = {"entries": shown, "last": after, "total": len(self._transcript)}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    async def _people(self, _request: web.Request) -> web.Response:
        people = [
            {
                "key": person.key,
                "oid": person.oid,
                "tenant": person.tenant,
                "displayName": person.name,
                "upn": person.upn,
                "id": person.teams_id,
            }
            for person in PEOPLE
        ]
        return web.json_response({"people": people})

    async def _turn(self, request: web.Request) -> web.Response:
        turn(self._settings, load(await request.read()))
        return web.json_response(shown(self._settings))

    def _agent(self, request: web.Request) -> Agent:
        return self._asks.agent(request.match_info["user"])

    def _agent_of(self, entry: Entry) -> str | None:
        place = self._conversations.find(entry.line.conversation)
        return place.agent if place else None

    def _from_ada(self, agent: Agent) -> Utterance:
        ada = PEOPLE[0]
        conversation = self._speech.hear(ada, agent, Kind.PERSONAL)
        return Utterance(ada, agent, conversation, "hello", mention=False)


def guard(secret: str, port: int) -> Middleware:
    """Make the middleware that admits only the holder of *secret*, and no web page."""
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    # A program sends no Origin at all; a page of somebody else cannot leave it out.
    origins = {None, *(f"http://{host}" for host in hosts)}
    expected = f"Bearer {secret}".encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = request.headers
        if headers.get("Host") not in hosts or headers.get("Origin") not in origins:
            return _refusal(403, "this is not a place for web pages")
        shown = headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(shown, expected):
            return _refusal(401, "the Authorization header does not carry the secret")
        try:
            return await handler(request)
        except DocumentError as wrong:
            return _refusal(400, str(wrong))

    return middleware


def _refusal(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _or(asked: bool | None, current: bool) -> bool:  # noqa: FBT001  # two values of one kind
    return current if asked is None else asked


def _card(agent: Agent) -> Json:
    return {
        "tenant": agent.tenant,
        "blueprint": agent.blueprint,
        "agent": agent.identity,
        "user": agent.user,
        "upn": agent.upn,
        "name": agent.name,
        "bot": agent.bot,
    }


def _query(request: web.Request, name: str) -> float:
    try:
        value = float(request.query.get(name, "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value < _LARGEST_QUERY:
        raise DocumentError(f"{name} must be a number that is not negative")
    return value
