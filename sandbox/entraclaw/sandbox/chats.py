"""Graph's chats: what was said where the caller is, and what the caller says there.

Every call acts as the user of the bearer, an agent user or a person who signed in,
and sees that user's own chats.
Channels are no chats. Sending is the other way into a chat beside the
connector, and leaves the same trace.

Calls: https://learn.microsoft.com/graph/api/resources/teams-api-overview
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.chatmessages import Writer
from entraclaw.sandbox.conversations import Conversation, Conversations, Kind
from entraclaw.sandbox.directory import PEOPLE, Directory
from entraclaw.sandbox.documents import Json, load
from entraclaw.sandbox.envelopes import Answering, GraphError, document
from entraclaw.sandbox.messages import Message, Messages, Order
from entraclaw.sandbox.odata import Window, expand, next_link, nothing_but, start, top, window
from entraclaw.sandbox.posts import read_post
from entraclaw.sandbox.transcript import Author, Transcript

# What Teams says, whose code is the same for everything it forbids.
_NO_LICENCE = (
    "Failed to get license information for the user."
    " Ensure user has a valid Office365 license assigned to them."
)

_LIST = ("Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite")
_READ = ("Chat.Read", "Chat.ReadWrite")
_SEND = ("ChatMessage.Send", "Chat.ReadWrite")

_CHAT = "/v1.0/chats/{id}"
_MESSAGE = _CHAT + "/messages/{mid}"

_EXPANDED = frozenset({"members", "lastMessagePreview"})
_NEWEST_FIRST = "lastMessagePreview/createdDateTime desc"


@dataclass(frozen=True, slots=True)
class _Caller:
    """Whose token it is."""

    oid: str
    name: str
    enabled: bool = True


class Chats:
    """The chat calls of the Graph host."""

    def __init__(
        self,
        *,
        base: str,
        directory: Directory,
        conversations: Conversations,
        transcript: Transcript,
        messages: Messages,
        answer: Answering,
    ) -> None:
        self._base, self._directory, self._answer = base, directory, answer
        self._conversations = conversations
        self._transcript, self._messages = transcript, messages

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        answer = self._answer
        return [
            web.get("/v1.0/me/chats", answer(self._list)),
            web.get("/v1.0/chats", answer(self._list)),
            web.get(_CHAT, answer(self._chat)),
            web.get(f"{_CHAT}/members", answer(self._members)),
            web.get(f"{_CHAT}/messages", answer(self._read)),
            web.post(f"{_CHAT}/messages", answer(self._send)),
            web.get(_MESSAGE, answer(self._message)),
            web.get(f"{_MESSAGE}/hostedContents/{{hid}}/$value", answer(self._hosted)),
        ]

    async def _list(self, request: web.Request, bearer: Bearer) -> web.Response:
        who = self._caller(bearer, _LIST)
        query = request.query
        nothing_but(query, "$top", "$expand", "$orderby", "$filter", "$skiptoken")
        also, size, first = expand(query, _EXPANDED), top(query), start(query) or 0
        places = list(self._spoken_in(who))
        if "$orderby" in query:
            if query["$orderby"] != _NEWEST_FIRST:
                raise GraphError(400, "BadRequest", "This $orderby is not supported.")
            places.sort(key=self._spoken_at, reverse=True)
        chats = [self._written(p, also, request) for p in places[first : first + size]]
        body: Json = {
            "@odata.context": f"{self._base}/v1.0/$metadata#chats",
            "@odata.count": len(chats),
            "value": chats,
        }
        if len(places) > first + size:
            body["@odata.nextLink"] = self._next(request, first + size)
        return document(body)

    async def _chat(self, request: web.Request, bearer: Bearer) -> web.Response:
        _, place = self._place(request, bearer, _LIST)
        nothing_but(request.query, "$expand")
        also = expand(request.query, _EXPANDED)
        context = f"{self._base}/v1.0/$metadata#chats/$entity"
        return document({"@odata.context": context, **self._written(place, also, request)})

    async def _members(self, request: web.Request, bearer: Bearer) -> web.Response:
        _, place = self._place(request, bearer, _LIST)
        nothing_but(request.query)
        members = self._writer(place).members(place)
        context = f"{self._base}/v1.0/$metadata#chats('{place.graph_id}')/members"
        return document({"@odata.context": context, "@odata.count": len(members), "value": members})

    async def _read(self, request: web.Request, bearer: Bearer) -> web.Response:
        _, place = self._place(request, bearer, _READ)
        page = window(request.query)
        found = list(itertools.islice(self._within(place, page), page.top + 1))
        write, named = self._writer(place).message, _is_named(request)
        value = [write(place, message, named=named) for _, message in found[: page.top]]
        body: Json = {
            "@odata.context": f"{self._base}/v1.0/$metadata#chats('{place.graph_id}')/messages",
            "@odata.count": len(value),
            "value": value,
        }
        if len(found) > page.top:
            body["@odata.nextLink"] = self._next(request, found[page.top - 1][0])
        return document(body)

    async def _message(self, request: web.Request, bearer: Bearer) -> web.Response:
        _, place = self._place(request, bearer, _READ)
        message = self._find(place, request.match_info["mid"])
        return self._one(place, message, request)

    async def _hosted(self, request: web.Request, bearer: Bearer) -> web.Response:
        _, place = self._place(request, bearer, _READ)
        holdings = self._find(place, request.match_info["mid"]).line.holdings
        wanted = request.match_info["hid"]
        holding = next((h for h in holdings if h.id == wanted and not h.url), None)
        if holding is None:
            raise GraphError(404, "NotFound", "The hosted content was not found.")
        return web.Response(body=holding.content, content_type=holding.content_type)

    async def _send(self, request: web.Request, bearer: Bearer) -> web.Response:
        who, place = self._place(request, bearer, _SEND)
        if not who.enabled:
            raise GraphError(403, "Forbidden", "The caller's account is disabled.")
        body, made = load(await request.read()), self._transcript.stamp()
        author = Author(who.oid, who.name, bearer)
        line = read_post(body, place=place.id, author=author, made=made)
        self._transcript.append(line)
        return self._one(place, self._find(place, made), request, 201)

    def _caller(self, bearer: Bearer, scopes: tuple[str, ...]) -> _Caller:
        if not bearer.scopes & set(scopes):
            held = ", ".join(sorted(bearer.scopes))
            raise GraphError(
                403,
                "Forbidden",
                "Missing scope permissions on the request. API requires one of "
                f"'{', '.join(scopes)}'. Scopes on the request '{held}'",
            )
        agent = self._directory.agent(bearer.oid)
        if agent is not None:
            if not agent.licensed:
                raise GraphError(403, "Forbidden", _NO_LICENCE)
            return _Caller(agent.user, agent.name, agent.enabled)
        person = next((p for p in PEOPLE if p.oid == bearer.oid), None)
        if person is None:
            raise GraphError(403, "Forbidden", "The caller is not a user of Teams.")
        return _Caller(person.oid, person.name)

    def _place(
        self, request: web.Request, bearer: Bearer, scopes: tuple[str, ...]
    ) -> tuple[_Caller, Conversation]:
        who = self._caller(bearer, scopes)
        place = self._conversations.chat(request.match_info["id"])
        if place is None:
            raise GraphError(404, "NotFound", "The chat thread was not found.")
        if who.oid not in place.members:
            raise GraphError(403, "Forbidden", "The caller is not in the roster of the thread.")
        return who, place

    def _find(self, place: Conversation, name: str) -> Message:
        message = self._messages.find(place.id, name)
        if message is None:
            raise GraphError(404, "NotFound", "The message was not found.")
        return message

    def _spoken_in(self, who: _Caller) -> Iterator[Conversation]:
        # A chat in which nothing was said yet is in nobody's list.
        places = self._conversations.of(who.oid) or self._conversations.with_person(who.oid)
        for place in places:
            if place.kind is not Kind.CHANNEL and self._newest(place):
                yield place

    def _newest(self, place: Conversation) -> Message | None:
        return next((m for _, m in self._messages.newest(place.id, Order.CREATED)), None)

    def _spoken_at(self, place: Conversation) -> int:
        newest = self._newest(place)
        return newest.created if newest else 0

    def _within(self, place: Conversation, page: Window) -> Iterator[tuple[int, Message]]:
        listed = self._messages.newest(place.id, page.order, start=page.start, until=page.until)
        if page.since is None:
            return listed
        since = page.since
        return itertools.takewhile(lambda found: found[1].modified > since, listed)

    def _written(self, place: Conversation, also: frozenset[str], request: web.Request) -> Json:
        writer, last = self._writer(place), self._newest(place)
        body = writer.chat(place, self._begun(place))
        if "members" in also:
            body["members"] = writer.members(place)
        if "lastMessagePreview" in also:
            named = _is_named(request)
            body["lastMessagePreview"] = last and writer.preview(place, last, named=named)
        return body

    def _begun(self, place: Conversation) -> int:
        entries = self._transcript.said_in(place.id)
        return int(entries[0].wall * 1000) if entries else 0

    def _one(
        self,
        place: Conversation,
        message: Message,
        request: web.Request,
        status: int = 200,
    ) -> web.Response:
        context = f"{self._base}/v1.0/$metadata#chats('{place.graph_id}')/messages/$entity"
        written = self._writer(place).message(place, message, named=_is_named(request))
        return document({"@odata.context": context, **written}, status)

    def _next(self, request: web.Request, position: int) -> str:
        return next_link(f"{self._base}{request.rel_url.raw_path}", request.query, position)

    def _writer(self, place: Conversation) -> Writer:
        agent = self._directory.agent(place.agent)
        if agent is None:
            raise GraphError(404, "NotFound", "The chat thread was not found.")
        return Writer(self._base, agent, self._messages.find)


def _is_named(request: web.Request) -> bool:
    # The members of an enumeration that came late are told only to who asks for them.
    return "include-unknown-enum-members" in request.headers.get("Prefer", "")
