"""The control API: how tests and demonstrations set the scene and look at it.

Plain http on 127.0.0.1, for whoever holds the secret that the process printed.
A web page cannot get in: its Origin is refused, and so is a Host name that
merely resolves to us (DNS rebinding).
"""

import hmac
from dataclasses import asdict, replace

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from entraclaw.sandbox.activities import Utterance
from entraclaw.sandbox.asks import Asks, read_certificate, read_forgery, turn
from entraclaw.sandbox.channel import Channel, Delivery
from entraclaw.sandbox.conversations import Kind
from entraclaw.sandbox.directory import PEOPLE, Agent, Directory
from entraclaw.sandbox.documents import DocumentError, Json, load, merge, part, text
from entraclaw.sandbox.entra import Entra
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.transcript import Transcript

_LONGEST_WAIT_S = 30.0
_LARGEST_QUERY = 2**53


class Control:
    """Every knob of the sandbox."""

    def __init__(
        self,
        *,
        directory: Directory,
        asks: Asks,
        entra: Entra,
        channel: Channel,
        passes: Passes,
        transcript: Transcript,
        settings: Settings,
    ) -> None:
        self._directory, self._asks, self._entra = directory, asks, entra
        self._channel, self._passes = channel, passes
        self._transcript, self._settings = transcript, settings

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            web.post("/control/agents", self._hire),
            web.put("/control/agents/{user}", self._change),
            web.post("/control/agents/{user}/certificates", self._certify),
            web.post("/control/messages", self._say),
            web.post("/control/activities", self._send),
            web.get("/control/activity/{user}", self._draft),
            web.post("/control/tokens", self._forge),
            web.get("/control/tokens", self._token_requests),
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
            enabled=agent.enabled if ask.enabled is None else ask.enabled,
            sponsors=agent.sponsors if ask.sponsors is None else ask.sponsors,
            grants={**agent.grants, **ask.grants},
        )
        self._directory.keep(changed)
        return web.json_response(_card(changed))

    async def _certify(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        certificate = read_certificate(load(await request.read()))
        self._directory.keep(replace(agent, certificates=(*agent.certificates, certificate)))
        return web.json_response(_card(agent), status=201)

    async def _say(self, request: web.Request) -> web.Response:
        ask = self._asks.words(load(await request.read()))
        conversation = self._channel.hear(ask.person, ask.agent, ask.kind)
        said = Utterance(ask.person, ask.agent, conversation, ask.text, ask.mention)
        activity = self._channel.write(said)
        self._channel.record(said, activity)
        delivery = await self._channel.deliver(ask.agent, activity, wait=ask.wait)
        return web.json_response(_receipt(said, activity, delivery))

    async def _send(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        agent = self._asks.agent(text(body, "agent"))
        token = part(body, "token")
        shown = self._passes.forge(agent, *read_forgery(token)) if token else None
        said = self._from_ada(agent)
        activity = merge(self._channel.write(said), part(body, "activity"))
        if activity.get("type") == "message":
            self._channel.record(said, activity)
        delivery = await self._channel.deliver(agent, activity, token=shown)
        return web.json_response(_receipt(said, activity, delivery))

    async def _draft(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        return web.json_response(
            {
                "activity": self._channel.write(self._from_ada(agent)),
                "service_url": self._passes.service_url(agent.tenant),
            }
        )

    async def _forge(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        agent = self._asks.agent(text(body, "agent"))
        return web.json_response({"token": self._passes.forge(agent, *read_forgery(body))})

    async def _token_requests(self, _request: web.Request) -> web.Response:
        return web.json_response({"requests": self._entra.requests()})

    async def _read(self, request: web.Request) -> web.Response:
        after = _query(request, "after")
        wait_s = min(_query(request, "wait_s"), _LONGEST_WAIT_S)
        entries = await self._transcript.after(int(after), wait_s)
        return web.json_response({"entries": [entry.document() for entry in entries]})

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
        return web.json_response(
            {
                "patience": self._settings.patience_s,
                "latency_ms": self._settings.latency_ms,
                "token_lifetime_s": self._settings.token_lifetime_s,
            }
        )

    def _agent(self, request: web.Request) -> Agent:
        return self._asks.agent(request.match_info["user"])

    def _from_ada(self, agent: Agent) -> Utterance:
        ada = PEOPLE[0]
        conversation = self._channel.hear(ada, agent, Kind.PERSONAL)
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


def _receipt(said: Utterance, activity: Json, delivery: Delivery) -> Json:
    name: object = activity.get("id")
    return {
        "activity": name,
        "conversation": said.address(str(name)),
        "graph_conversation": said.conversation.graph_id,
        **asdict(delivery),
    }


def _query(request: web.Request, name: str) -> float:
    try:
        value = float(request.query.get(name, "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value < _LARGEST_QUERY:
        raise DocumentError(f"{name} must be a number that is not negative")
    return value
