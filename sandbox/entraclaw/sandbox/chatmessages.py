"""Chats and their messages as Graph writes them down.

Plain functions of a conversation and what a message has become; the same shape
wherever Graph shows a message.

Shape: https://learn.microsoft.com/graph/api/resources/chatmessage
"""

import datetime as dt
from collections.abc import Callable
from urllib.parse import quote

import orjson

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.conversations import Conversation, Kind
from entraclaw.sandbox.directory import HOME, PEOPLE
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.holdings import Holding
from entraclaw.sandbox.markup import html_of_markdown, html_of_plain
from entraclaw.sandbox.messages import Message, Reaction
from entraclaw.sandbox.transcript import Style

CHAT_TYPES = {Kind.PERSONAL: "oneOnOne", Kind.GROUP: "group"}

_EVENT_BODY = "<systemEventMessage/>"
_EVENT = "#microsoft.graph.membersAddedEventMessageDetail"
_TENANTS = {person.oid: person.tenant for person in PEOPLE}

# The reactions that go by a word; every other one goes by its own character.
_REACTIONS = {
    "1f440_eyes": "\N{EYES}",
    "2705_whiteheavycheckmark": "\N{WHITE HEAVY CHECK MARK}",
    "launch": "\N{ROCKET}",
    "1f4cc_pushpin": "\N{PUSHPIN}",
}


class Writer:
    """Writes messages of chats that *agent* is in; *base* is Graph's own address.

    *quoted* finds the message of a chat that another one quotes.
    """

    def __init__(
        self, base: str, agent: Agent, quoted: Callable[[str, str], Message | None]
    ) -> None:
        self._base, self._agent, self._quoted = base, agent, quoted

    def chat(self, place: Conversation, created: int) -> Json:
        """Write a chat; *lastUpdatedDateTime* is about its name and members, not its messages."""
        return {
            "id": place.graph_id,
            "topic": place.name,
            "createdDateTime": moment(created),
            "lastUpdatedDateTime": moment(created),
            "chatType": CHAT_TYPES[place.kind],
            "webUrl": _web_url(place),
            "tenantId": place.tenant,
            "onlineMeetingInfo": None,
            "viewpoint": {"isHidden": False, "lastMessageReadDateTime": moment(created)},
        }

    def members(self, place: Conversation) -> list[Json]:
        """Write the members of a chat; their own ids mean nothing to anybody else."""
        people = [person for person in PEOPLE if person.oid in place.members]
        listed = [(p.oid, p.name, p.upn, p.tenant) for p in people]
        agent = self._agent
        if not agent.is_bot:  # a bot is no member: it is installed
            listed.append((agent.user, agent.name, agent.upn, agent.tenant))
        return [
            {
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "id": quote(f"{place.graph_id}**{oid}", safe=""),
                "roles": ["owner" if tenant == HOME.id else "guest"],
                "displayName": name,
                "userId": oid,
                "email": upn,
                "tenantId": tenant,
                "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
            }
            for oid, name, upn, tenant in listed
        ]

    def preview(self, place: Conversation, message: Message, *, named: bool) -> Json:
        """Write the short form of a chat's last message."""
        full = self.message(place, message, named=named)
        kept = ("id", "createdDateTime", "messageType", "eventDetail", "body", "from")
        return {
            **{name: full[name] for name in kept},
            "isDeleted": message.deleted is not None,
        }

    def message(self, place: Conversation, message: Message, *, named: bool) -> Json:
        """Write one message; only with *named* does Graph say that an event is one."""
        event_type = "systemEventMessage" if named else "unknownFutureValue"
        return {
            "id": message.line.id,
            "replyToId": None,
            "etag": str(message.modified),
            "messageType": event_type if message.is_event else "message",
            "createdDateTime": moment(message.created),
            "lastModifiedDateTime": moment(message.modified),
            "lastEditedDateTime": moment(message.edited),
            "deletedDateTime": moment(message.deleted),
            "subject": None,
            "summary": None,
            "chatId": place.graph_id,
            "importance": "normal",
            "locale": "en-us",
            "webUrl": None,
            "channelIdentity": None,
            "policyViolation": None,
            "eventDetail": self._event(message) if message.is_event else None,
            "from": None if message.is_event else self._from(message),
            "reactions": [self._reaction(reaction) for reaction in message.reactions],
            "messageHistory": [],
            **self._content(place, message),
        }

    def _content(self, place: Conversation, message: Message) -> Json:
        if message.is_event or message.deleted:
            content = _EVENT_BODY if message.is_event else ""
            return _body("html", content)
        line = message.line
        quotation = self._quotation(place, line.quote)
        files = [holding for holding in line.holdings if holding.url]
        pictures = [holding for holding in line.holdings if not holding.url]
        at = f"<at>{self._agent.name}</at>"
        is_mention = at in line.text
        # Whatever comes through the connector is kept as HTML, plain words too.
        is_plain = line.style is Style.PLAIN and not is_mention and line.via != "connector"
        if is_plain and not (line.html or line.holdings or quotation):
            return _body("text", line.text)
        words = line.html or _html(line.text, line.style)
        # What a person's client wrote as a mention is marked up, not escaped.
        for written in (at, f"&lt;at&gt;{self._agent.name}&lt;/at&gt;"):
            words = words.replace(written, f'<at id="0">{self._agent.name}</at>')
        shown = [
            *(_slot(attached["id"]) for attached in quotation),
            words,
            *(self._picture(place, message, holding) for holding in pictures),
            *(_slot(holding.id) for holding in files),
        ]
        return _body(
            "html",
            "".join(shown),
            attachments=[*quotation, *map(_reference, files), *map(_card, enumerate(line.cards))],
            mentions=[self._mention()] if is_mention else [],
        )

    def _quotation(self, place: Conversation, name: str | None) -> list[Json]:
        quoted = self._quoted(place.id, name) if name else None
        if quoted is None:
            return []
        content = {
            "messageId": name,
            "messagePreview": quoted.line.text,
            "messageSender": self._from(quoted),
        }
        return [_attachment(str(name), "messageReference", content=orjson.dumps(content).decode())]

    def _picture(self, place: Conversation, message: Message, holding: Holding) -> str:
        chat, name = quote(place.graph_id, safe=""), quote(message.line.id, safe="")
        path = f"{self._base}/v1.0/chats/{chat}/messages/{name}/hostedContents/{holding.id}/$value"
        return f'<p><img alt="image" src="{path}" itemid="{holding.id}"></p>'

    def _mention(self) -> Json:
        agent = self._agent
        user = _user(agent.user, agent.name, agent.tenant)
        mentioned = {"application": None, "device": None, "conversation": None, "user": user}
        return {"id": 0, "mentionText": agent.name, "mentioned": mentioned}

    def _from(self, message: Message) -> Json:
        line = message.line
        bot = self._agent.name if line.author.oid == self._agent.bot else None
        if line.application or bot:
            application = {
                "@odata.type": "#microsoft.graph.teamworkApplicationIdentity",
                "id": line.author.oid,
                "displayName": line.application or bot,
                "applicationIdentityType": "bot",
            }
            return {"application": application, "device": None, "user": None}
        return self._identity(line.author.oid, line.author.name)

    def _identity(self, oid: str, name: str | None) -> Json:
        user = _user(oid, name, _TENANTS.get(oid, self._agent.tenant))
        return {"application": None, "device": None, "user": user}

    def _reaction(self, reaction: Reaction) -> Json:
        return {
            "reactionType": _REACTIONS.get(reaction.type, reaction.type),
            "displayName": reaction.type,
            "reactionContentUrl": None,
            "createdDateTime": moment(reaction.at),
            # Graph names the reacting user by id only.
            "user": self._identity(reaction.author.oid, None),
        }

    def _event(self, message: Message) -> Json:
        author = message.line.author
        return {
            "@odata.type": _EVENT,
            "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
            "members": [{"id": self._agent.user, "displayName": None}],
            "initiator": self._identity(author.oid, None),
        }


def moment(at: int | None) -> str | None:
    """Write *at*, milliseconds since 1970, as Graph does."""
    if at is None:
        return None
    when = dt.datetime.fromtimestamp(at / 1000, dt.UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def _body(kind: str, content: str, **more: list[Json]) -> Json:
    body = {"contentType": kind, "content": content}
    return {"body": body, "attachments": [], "mentions": [], **more}


def _html(text: str, style: Style) -> str:
    match style:
        case Style.MARKDOWN:
            return html_of_markdown(text)
        case Style.HTML:
            return text
        case _:
            return html_of_plain(text)


def _user(oid: str, name: str | None, tenant: str) -> Json:
    return {
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": oid,
        "displayName": name,
        "userIdentityType": "aadUser",
        "tenantId": tenant,
    }


def _slot(name: object) -> str:
    return f'<attachment id="{name}"></attachment>'


def _reference(holding: Holding) -> Json:
    return _attachment(holding.id, "reference", url=holding.url, name=holding.name)


def _card(numbered: tuple[int, Json]) -> Json:
    number, card = numbered
    kind = "application/vnd.microsoft.card.adaptive"
    return _attachment(f"card{number}", kind, content=orjson.dumps(card).decode())


def _attachment(
    made: str,
    kind: str,
    *,
    content: str | None = None,
    url: str | None = None,
    name: str | None = None,
) -> Json:
    return {
        "id": made,
        "contentType": kind,
        "contentUrl": url,
        "content": content,
        "name": name,
        "thumbnailUrl": None,
        "teamsAppId": None,
    }


def _web_url(place: Conversation) -> str:
    name = quote(place.graph_id, safe="")
    return f"https://teams.microsoft.com/l/chat/{name}/0?tenantId={place.tenant}"
