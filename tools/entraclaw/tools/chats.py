"""Chats as Graph tells them: which there are, what was said in one, saying something.

Graph ignores ``$filter`` unless ``$orderby`` names the same property, sorts in one
direction only, and may repeat a message across pages, so the newest come first here and
the caller's own moment ends the reading.
https://learn.microsoft.com/graph/api/chat-list-messages
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from urllib.parse import quote

from entraclaw.tools.graph import Graph, Json, members

_PAGE = 50  # the most that Graph gives
_PAGES = 200
_KINDS = {"oneOnOne": "personal", "group": "groupChat", "meeting": "groupChat"}
_FRACTION = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a chat: object id and home tenant, lower case, and a name."""

    oid: str
    tenant: str
    name: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat the agent user is in.

    Attributes:
        id: Graph's own name for it.
        kind: ``personal`` or ``groupChat``, as activities say it.
        topic: May be empty.
        members: Everybody in it, the agent user included.
        spoken: When its last message was made, seconds since the epoch; 0.0 if not told.
            Graph's own ``lastUpdatedDateTime`` is about its name and members only.
    """

    id: str
    kind: str
    topic: str
    members: tuple[Member, ...]
    spoken: float


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat.

    Attributes:
        id: The same as the activity's, where it was pushed.
        sender: Object id of the user it is from, lower case; empty for applications.
        tenant: The sender's home tenant, lower case; empty when it is not told.
        name: The sender's.
        application: It was sent by an application.
        created: Seconds since the epoch.
        changed: When it was last edited, reacted to or deleted, seconds since the epoch.
        edited: When its text was last changed, seconds since the epoch; 0.0 if never.
        is_deleted: Its text is gone.
        is_event: Nobody said it: somebody joined, the topic changed …
        content_type: ``html`` or ``text``.
        content: What was said.
        document: The whole of it.
    """

    id: str
    sender: str
    tenant: str
    name: str
    application: bool
    created: float
    changed: float
    edited: float
    is_deleted: bool
    is_event: bool
    content_type: str
    content: str
    document: Json


async def chats(graph: Graph) -> Sequence[Chat]:
    """List the chats of the agent user, at most 10,000.

    Raises:
        CallRefused: Graph said no (``Chat.Read`` is missing).
        Unreachable: Graph did not answer.
    """
    found: list[Chat] = []
    path = f"me/chats?$expand=members,lastMessagePreview&$top={_PAGE}"
    for _ in range(_PAGES):
        page = await graph.get(path)
        found += [_chat(one) for one in members(page)]
        path = graph.following(page)
        if not path:
            break
    return found


async def roster(graph: Graph, chat: str) -> tuple[Member, ...]:
    """List who is in *chat*, the agent user included.

    Raises:
        CallRefused: Graph said no (``Chat.Read`` is missing, or the agent is not in it).
        Unreachable: Graph did not answer.
    """
    page = await graph.get(f"chats/{quote(chat, safe='')}/members")
    return tuple(_member(one) for one in members(page))


async def messages(graph: Graph, chat: str, since: float) -> Sequence[ChatMessage]:
    """List the messages of *chat* changed after *since*, newest change first, at most 10,000.

    Args:
        graph: To ask.
        chat: Its id.
        since: Seconds since the epoch.

    Raises:
        CallRefused: Graph said no (``Chat.Read`` is missing).
        Unreachable: Graph did not answer.
    """
    moment = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    path = (
        f"chats/{quote(chat, safe='')}/messages?$top={_PAGE}"
        "&$orderby=lastModifiedDateTime%20desc"
        f"&$filter=lastModifiedDateTime%20gt%20{moment}"
    )
    return await _until(graph, path, lambda message: message.changed <= since)


async def latest(graph: Graph, chat: str, since: float) -> Sequence[ChatMessage]:
    """List the messages of *chat* made after *since*, newest first, at most 10,000.

    Args:
        graph: To ask.
        chat: Its id.
        since: Seconds since the epoch.

    Raises:
        CallRefused: Graph said no (``Chat.Read`` is missing).
        Unreachable: Graph did not answer.
    """
    # What is edited or reacted to meanwhile keeps its place in this order.
    path = f"chats/{quote(chat, safe='')}/messages?$top={_PAGE}&$orderby=createdDateTime%20desc"
    return await _until(graph, path, lambda message: message.created <= since)


async def _until(
    graph: Graph, path: str, is_past: Callable[[ChatMessage], bool]
) -> Sequence[ChatMessage]:
    """Read pages until a message is past what is wanted; each message once."""
    found: dict[str, ChatMessage] = {}
    for _ in range(_PAGES):
        page = await graph.get(path)
        for message in map(_message, members(page)):
            if is_past(message):
                return list(found.values())
            found.setdefault(message.id, message)
        path = graph.following(page)
        if not path:
            break
    return list(found.values())


async def post(graph: Graph, chat: str, text: str) -> str:
    """Say *text* in *chat* as the agent user; gives the message's id.

    Raises:
        CallRefused: Graph said no.
        Unreachable: Graph could not be reached; nothing was said.
        Uncertain: It was sent, and there was no answer.
    """
    body = {"body": {"contentType": "text", "content": text}}
    return str((await graph.post(f"chats/{quote(chat, safe='')}/messages", body)).get("id") or "")


def _chat(document: Json) -> Chat:
    return Chat(
        id=_text(document, "id"),
        kind=_KINDS.get(_text(document, "chatType"), "groupChat"),
        topic=_text(document, "topic"),
        members=tuple(_member(one) for one in members({"value": document.get("members")})),
        spoken=_moment(_part(document, "lastMessagePreview"), "createdDateTime"),
    )


def _member(document: Json) -> Member:
    return Member(
        oid=_text(document, "userId").lower(),
        tenant=_text(document, "tenantId").lower(),
        name=_text(document, "displayName"),
    )


def _message(document: Json) -> ChatMessage:
    origin = _part(document, "from")
    user = _part(origin, "user")
    body = _part(document, "body")
    return ChatMessage(
        id=_text(document, "id"),
        sender=_text(user, "id").lower(),
        tenant=_text(user, "tenantId").lower(),
        name=_text(user, "displayName"),
        application=bool(_part(origin, "application")),
        created=_moment(document, "createdDateTime"),
        changed=_moment(document, "lastModifiedDateTime"),
        edited=_moment(document, "lastEditedDateTime"),
        is_deleted=bool(_text(document, "deletedDateTime")),
        is_event=_text(document, "messageType") != "message",
        content_type=_text(body, "contentType"),
        content=_text(body, "content"),
        document=document,
    )


def _part(document: Json, name: str) -> Json:
    value = document.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _text(document: Json, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _moment(document: Json, name: str) -> float:
    """Read a time, 0.0 where there is none; Graph may write seven digits of a second."""
    text = _FRACTION.sub(r"\1", _text(document, name))
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
