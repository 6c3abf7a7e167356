"""The connector: where answers arrive, with a token of the agent user or of the bot.

What the transcript says about the sender is read from the token alone.

Calls: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import logging
import time
from dataclasses import replace
from typing import cast

import orjson
from aiohttp import web

from entraclaw.sandbox.callers import Callers, ConnectorError, answering
from entraclaw.sandbox.conversations import home
from entraclaw.sandbox.documents import Json, load, text
from entraclaw.sandbox.messages import Messages
from entraclaw.sandbox.transcript import Act, Author, Line, Style, Transcript

_log = logging.getLogger(__name__)

# Teams' limit for a bot's message, counted over the whole activity in UTF-16.
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
_LARGEST_UTF16 = 100 * 1024

_CARD = "application/vnd.microsoft.card.adaptive"

_CONVERSATION = "/amer/{tid}/v3/conversations/{cid}/activities"
_REACTION = f"{_CONVERSATION}/{{aid}}/reactions/{{type}}"

_REACTIONS = frozenset(
    {"like", "heart", "1f440_eyes", "2705_whiteheavycheckmark", "launch", "1f4cc_pushpin"}
)
_STYLES = {"plain": Style.PLAIN, "xml": Style.HTML}


class Connector:
    """The host behind every activity's `serviceUrl`."""

    def __init__(self, *, callers: Callers, transcript: Transcript, messages: Messages) -> None:
        self._callers, self._transcript, self._messages = callers, transcript, messages

    def routes(self) -> list[web.RouteDef]:
        """What this host serves."""
        return [
            web.post(_CONVERSATION, answering(self._send)),
            web.post(f"{_CONVERSATION}/{{aid}}", answering(self._send)),
            web.put(f"{_CONVERSATION}/{{aid}}", answering(self._update)),
            web.delete(f"{_CONVERSATION}/{{aid}}", answering(self._delete)),
            web.put(_REACTION, answering(self._react)),
            web.delete(_REACTION, answering(self._unreact)),
        ]

    async def _send(self, request: web.Request) -> web.Response:
        received_at = time.monotonic_ns()
        speaker = self._callers.speaker(request)
        activity = await _activity(request)
        self._callers.place(request, speaker)
        act, words = _act(activity), text(activity, "text", "")
        if act is Act.MESSAGE and not (words or activity.get("attachments")):
            raise ConnectorError(400, "BadSyntax", "Activity must have text or attachments")
        made = self._transcript.stamp()
        line = Line(
            conversation=request.match_info["cid"],
            id=made,
            act=act,
            author=speaker,
            text=words,
            reply_to=request.match_info.get("aid") or text(activity, "replyToId", "") or None,
            cards=_cards(activity),
            received_at=received_at,
            style=_style(activity),
            via="connector",
        )
        self._transcript.append(line)
        _log.info("connector: %s %s", act.value, made)
        return web.json_response({"id": made} if act is Act.MESSAGE else {}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        speaker = self._callers.speaker(request)
        activity = await _activity(request)
        line = self._own_message(request, speaker)
        changed = replace(
            line,
            act=Act.UPDATE,
            author=speaker,
            text=text(activity, "text", ""),
            cards=_cards(activity),
            style=_style(activity),
            html=None,
            via="connector",
        )
        self._transcript.append(changed)
        return web.json_response({"id": line.id})

    async def _delete(self, request: web.Request) -> web.Response:
        speaker = self._callers.speaker(request)
        line = self._own_message(request, speaker)
        gone = Line(line.conversation, line.id, Act.DELETE, speaker, via="connector")
        self._transcript.append(gone)
        return web.json_response({})

    async def _react(self, request: web.Request) -> web.Response:
        return self._set(request, Act.REACTION)

    async def _unreact(self, request: web.Request) -> web.Response:
        return self._set(request, Act.UNREACTION)

    def _set(self, request: web.Request, act: Act) -> web.Response:
        speaker, kind = self._callers.speaker(request), request.match_info["type"]
        line = self._message(request, speaker)
        if kind not in _REACTIONS:
            raise ConnectorError(400, "BadArgument", "Unknown reaction type")
        found = self._messages.find(line.conversation, line.id)
        reactions = found.reactions if found else ()
        is_set = any((r.type, r.author.oid) == (kind, speaker.oid) for r in reactions)
        # What is so already is no news: the same call again leaves no second trace.
        if is_set is not (act is Act.REACTION):
            said = Line(line.conversation, line.id, act, speaker, kind, line.id, via="connector")
            self._transcript.append(said)
        return web.json_response({})

    def _message(self, request: web.Request, speaker: Author) -> Line:
        place = self._callers.place(request, speaker)
        line = self._transcript.find(request.match_info["aid"])
        if line is None or home(line.conversation) != place.id:
            raise ConnectorError(404, "ActivityNotFoundInConversation", "Activity not found.")
        return line

    def _own_message(self, request: web.Request, speaker: Author) -> Line:
        line = self._message(request, speaker)
        if line.conversation != request.match_info["cid"]:
            raise ConnectorError(404, "ActivityNotFoundInConversation", "Activity not found.")
        if line.author.oid != speaker.oid:
            raise ConnectorError(403, "Forbidden", "The message is somebody else's")
        return line


def _style(activity: Json) -> Style:
    return _STYLES.get(text(activity, "textFormat", ""), Style.MARKDOWN)


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
