"""The part of the control API in which people act: say, change, take back, react.

A request names a person and what they do; the receipt says how the agent's
endpoint took it. With `"deliver": false` it happens in Teams and the agent is
never told, which is what an outage loses.
"""

from dataclasses import asdict, replace

from aiohttp import web

from entraclaw.sandbox.activities import Utterance
from entraclaw.sandbox.asks import Asks, Words, read_forgery
from entraclaw.sandbox.channel import Channel, Delivery
from entraclaw.sandbox.conversations import Conversation
from entraclaw.sandbox.documents import DocumentError, Json, flag, load, merge, part, text, texts
from entraclaw.sandbox.extras import Extras
from entraclaw.sandbox.holdings import Holdings
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.speech import Deed, Speech

_RECORDED = frozenset({"message", "conversationUpdate"})


class Stage:
    """What people do, at a test's word."""

    def __init__(
        self, *, asks: Asks, speech: Speech, channel: Channel, passes: Passes, holdings: Holdings
    ) -> None:
        self._asks, self._speech, self._channel = asks, speech, channel
        self._passes, self._holdings = passes, holdings

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.post("/control/messages", self._say),
            web.post("/control/edits", self._edit),
            web.post("/control/deletes", self._delete),
            web.post("/control/reactions", self._react),
            web.post("/control/activities", self._send),
        ]

    async def _say(self, request: web.Request) -> web.Response:
        ask = self._asks.words(load(await request.read()))
        return await self._act(ask, is_odd=False)

    async def _send(self, request: web.Request) -> web.Response:
        # An activity of any kind: written as Ada's words in her chat, unless told otherwise.
        body = {"from": "ada", "text": "hello", **load(await request.read())}
        token = part(body, "token")
        ask = self._asks.words(body)
        shown = self._passes.forge(ask.agent, *read_forgery(token)) if token else None
        return await self._act(ask, is_odd=True, token=shown)

    async def _act(self, ask: Words, *, is_odd: bool, token: str | None = None) -> web.Response:
        extras = ask.extras
        said = self._utterance(ask)
        written = self._speech.write(said, sent_at=extras.sent_at)
        activity = merge(written, extras.overrides)
        if not is_odd or activity.get("type") in _RECORDED:
            self._speech.record(
                said, activity, application=extras.application, sent_at=extras.sent_at
            )
        name = str(activity.get("id"))
        if extras.deliver:
            delivery = await self._channel.deliver(ask.agent, activity, token=token, wait=ask.wait)
        else:
            delivery = self._channel.lose(name)
        return _receipt(said, activity, delivery)

    async def _edit(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        person, name = self._asks.person(text(body, "from")), text(body, "activity")
        if flag(body, "undelete", default=False):
            deed = self._speech.restore(person, name)
        else:
            html = text(body, "html", "") or None
            deed = self._speech.edit(person, name, text(body, "text"), html)
        return await self._tell(deed, body)

    async def _delete(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        person = self._asks.person(text(body, "from"))
        return await self._tell(self._speech.delete(person, text(body, "activity")), body)

    async def _react(self, request: web.Request) -> web.Response:
        body = load(await request.read())
        person = self._asks.person(text(body, "from"))
        added, removed = (texts({name: [], **body}, name) for name in ("add", "remove"))
        if not (added or removed):
            raise DocumentError("add or remove must name a reaction")
        deed = self._speech.react(person, text(body, "activity"), added, removed)
        return await self._tell(deed, body)

    async def _tell(self, deed: Deed, body: Json) -> web.Response:
        activity, agent = deed.activity, deed.said.agent
        # The message it is about has a delivery of its own under its id.
        name = f"{activity['id']} {activity['type']} {activity['timestamp']}"
        wait = flag(body, "wait", default=True)
        if flag(body, "deliver", default=True):
            delivery = await self._channel.deliver(agent, activity, name=name, wait=wait)
        else:
            delivery = self._channel.lose(name)
        return _receipt(deed.said, activity, delivery)

    def _utterance(self, ask: Words) -> Utterance:
        place = self._speech.hear(ask.person, ask.agent, ask.kind)
        thread = self._speech.thread(place, ask.thread) if ask.thread else None
        said = Utterance(ask.person, ask.agent, place, ask.text, ask.mention, thread)
        return self._with(said, ask.extras, place)

    def _with(self, said: Utterance, extras: Extras, place: Conversation) -> Utterance:
        quotation = self._speech.quotation(place, extras.quote) if extras.quote else None
        kept = [
            self._holdings.keep(
                place.id,
                said.person,
                name=e.name,
                kind=e.kind,
                content=e.content,
                is_file=e.is_file,
            )
            for e in extras.enclosures
        ]
        return replace(said, html=extras.html, quotation=quotation, holdings=tuple(kept))


def _receipt(said: Utterance, activity: Json, delivery: Delivery) -> web.Response:
    name: object = activity.get("id")
    conversation: Json = activity.get("conversation") or {}
    return web.json_response(
        {
            "activity": name,
            "conversation": conversation.get("id"),
            "graph_conversation": said.conversation.graph_id,
            "timestamp": activity.get("timestamp"),
            **asdict(delivery),
        }
    )
