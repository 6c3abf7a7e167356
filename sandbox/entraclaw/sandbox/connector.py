"""The connector: where an agent's answers arrive, with a token of its user.

Every call must carry an agent user's token for the agent channel, and that
user must be in the conversation it speaks in. What the transcript says about
the sender is read from the token alone.

Calls: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import orjson
from aiohttp import web

from entraclaw.sandbox.bearers import BearerError, read_bearer
from entraclaw.sandbox.conversations import Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import DocumentError, Json, load, text
from entraclaw.sandbox.resources import AGENT_CHANNEL
from entraclaw.sandbox.tokens import SigningKey
from entraclaw.sandbox.transcript import Act, Author, Line, Transcript

_log = logging.getLogger(__name__)

# Teams' limit for a bot's message, counted over the whole activity in UTF-16.
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
_LARGEST_UTF16 = 100 * 1024

_CARD = "application/vnd.microsoft.card.adaptive"

_CONVERSATION = "/amer/{tid}/v3/conversations/{cid}/activities"


class ConnectorError(Exception):
    """The connector's no, with its own code and sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


class Connector:
    """The host behind every activity's `serviceUrl`."""

    def __init__(
        self,
        *,
        directory: Directory,
        conversations: Conversations,
        transcript: Transcript,
        key: SigningKey,
    ) -> None:
        self._directory, self._conversations = directory, conversations
        self._transcript, self._key = transcript, key

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            web.post(_CONVERSATION, _answer(self._send)),
            web.post(f"{_CONVERSATION}/{{aid}}", _answer(self._send)),
            web.put(f"{_CONVERSATION}/{{aid}}", _answer(self._update)),
            web.delete(f"{_CONVERSATION}/{{aid}}", _answer(self._delete)),
        ]

    async def _send(self, request: web.Request) -> web.Response:
        received_at = time.monotonic_ns()
        speaker = self._speaker(request)
        activity = await _activity(request)
        address = self._address(request, speaker)
        act, words = _act(activity), text(activity, "text", "")
        cards = _cards(activity)
        if act is Act.MESSAGE and not (words or activity.get("attachments")):
            raise ConnectorError(400, "BadSyntax", "Activity must have text or attachments")
        reply_to = request.match_info.get("aid") or text(activity, "replyToId", "") or None
        made = self._transcript.stamp()
        line = Line(
            address, made, act, speaker, words, reply_to, cards=cards, received_at=received_at
        )
        self._transcript.append(line)
        _log.info("connector: %s %s", act.value, made)
        return web.json_response({"id": made} if act is Act.MESSAGE else {}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        speaker = self._speaker(request)
        activity = await _activity(request)
        line = self._own_message(request, speaker)
        changed = replace(
            line,
            act=Act.UPDATE,
            author=speaker,
            text=text(activity, "text", ""),
            cards=_cards(activity),
        )
        self._transcript.append(changed)
        return web.json_response({"id": line.id})

    async def _delete(self, request: web.Request) -> web.Response:
        speaker = self._speaker(request)
        line = self._own_message(request, speaker)
        self._transcript.append(Line(line.conversation, line.id, Act.DELETE, speaker))
        return web.json_response({})

    def _speaker(self, request: web.Request) -> Author:
        header = request.headers.get("Authorization")
        try:
            bearer = read_bearer(header, key=self._key, audience=AGENT_CHANNEL, now=time.time())
        except BearerError:
            message = "Authorization has been denied for this request."
            raise ConnectorError(401, "Unauthorized", message) from None
        agent = self._directory.agent(bearer.oid)
        if agent is None or bearer.idtyp != "user" or bearer.azp != agent.identity:
            raise ConnectorError(403, "Forbidden", "The caller is not an agent user")
        if "AgentData.ReadWrite" not in bearer.scopes or not agent.enabled:
            raise ConnectorError(403, "Forbidden", "The caller may not use this service")
        if request.match_info["tid"].lower() != bearer.tid:
            raise ConnectorError(403, "Forbidden", "The tenant is not the caller's")
        return Author(agent.user, agent.name, bearer)

    def _address(self, request: web.Request, speaker: Author) -> str:
        # aiohttp has unquoted the id: clients send `a:1…` and `19:…@…` quoted, or not.
        address = request.match_info["cid"]
        conversation = self._conversations.find(address)
        if conversation is None:
            raise ConnectorError(404, "ConversationNotFound", "Conversation not found.")
        if speaker.oid not in conversation.members:
            raise ConnectorError(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )
        return address

    def _own_message(self, request: web.Request, speaker: Author) -> Line:
        address = self._address(request, speaker)
        line = self._transcript.find(request.match_info["aid"])
        if line is None or line.conversation != address:
            raise ConnectorError(404, "ActivityNotFoundInConversation", "Activity not found.")
        if line.author.oid != speaker.oid:
            raise ConnectorError(403, "Forbidden", "The message is somebody else's")
        return line


def _answer(
    serve: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        try:
            return await serve(request)
        except ConnectorError as no:
            status, code, message = no.status, no.code, no.message
        except web.HTTPRequestEntityTooLarge:
            status, code, message = 413, "MessageSizeTooBig", "Message size too large."
        except DocumentError as wrong:
            status, code, message = 400, "BadSyntax", str(wrong)
        _log.info("connector: refused with %d %s", status, code)
        return web.json_response({"error": {"code": code, "message": message}}, status=status)

    return handler


async def _activity(request: web.Request) -> Json:
    activity = load(await request.read())
    # Measured as the service would write it, so that an escape costs what its character costs.
    if len(orjson.dumps(activity).decode().encode("utf-16-le")) > _LARGEST_UTF16:
        raise ConnectorError(413, "MessageSizeTooBig", "Message size too large.")
    return activity


def _cards(activity: Json) -> tuple[Json, ...]:
    listed: object = activity.get("attachments")
    # Whatever else is attached, or is not even an attachment, is nothing that can be shown.
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    attached = (cast("Json", item) for item in items if isinstance(item, dict))
    contents = (item.get("content") for item in attached if item.get("contentType") == _CARD)
    return tuple(cast("Json", content) for content in contents if isinstance(content, dict))


def _act(activity: Json) -> Act:
    match text(activity, "type", ""):
        case "message":
            return Act.MESSAGE
        case "typing":
            return Act.TYPING
        case _:
            raise ConnectorError(400, "BadArgument", "Unknown activity type")
