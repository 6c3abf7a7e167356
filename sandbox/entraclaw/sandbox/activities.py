"""The activities a person's acts become on their way to an agent.

Plain functions of who, where, what and when. The body is what Teams sends for
an agentic user: the recipient names agent user, agent identity, blueprint and
tenant, and none of it is signed. For a classic bot it names the bot alone.

Activity: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
Edits, deletions, reactions: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.conversations import Conversation, Kind
from entraclaw.sandbox.directory import Person
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.holdings import Holding
from entraclaw.sandbox.markup import html_of_plain

# A zone that is on UTC all year, so that local and universal time can be told from one clock.
_ZONE = "Atlantic/Reykjavik"


@dataclass(frozen=True, slots=True)
class Quotation:
    """The message that another one quotes, as its reader sees it there."""

    id: str
    oid: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one person says to one agent, and where; *thread* is a channel thread's first id.

    *html* is the body as it was formatted, if it was.
    """

    person: Person
    agent: Agent
    conversation: Conversation
    text: str
    mention: bool
    thread: str | None = None
    html: str | None = None
    quotation: Quotation | None = None
    holdings: tuple[Holding, ...] = ()

    def address(self, message: str) -> str:
        """The conversation id for *message*, which begins a thread unless it is in one."""
        return self.conversation.address(self.thread or message)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What Teams writes on an activity: its id, its time (seconds since 1970), its reply address.

    *name* is the message that the activity makes or is about.
    """

    id: str
    name: str
    at: float
    service_url: str


def message(said: Utterance, stamp: Stamp) -> Json:
    """Write the message activity for *said*."""
    return {
        "type": "message",
        **_envelope(said, stamp),
        "text": f"{_at(said.agent)} {said.text}" if said.mention else said.text,
        "textFormat": "plain",
        "locale": "en-US",
        "attachments": list(_attachments(said, stamp.service_url)),
        "entities": _entities(said),
        "channelData": _channel_data(said.conversation),
    }


def edit(said: Utterance, stamp: Stamp, *, event: str) -> Json:
    """Write that the message *stamp* names now says this; *event* is Teams' word for why."""
    data = {**_channel_data(said.conversation), "eventType": event}
    return {**message(said, stamp), "type": "messageUpdate", "channelData": data}


def deletion(said: Utterance, stamp: Stamp) -> Json:
    """Write that the message *stamp* names is gone."""
    data = {**_channel_data(said.conversation), "eventType": "softDeleteMessage"}
    return {"type": "messageDelete", **_envelope(said, stamp), "channelData": data}


def reaction(
    said: Utterance, stamp: Stamp, *, added: Sequence[str], removed: Sequence[str]
) -> Json:
    """Write what somebody thinks of the message *stamp* names."""
    body: Json = {
        "type": "messageReaction",
        **_envelope(said, stamp),
        "replyToId": stamp.name,
        "channelData": _channel_data(said.conversation),
    }
    if added:
        body["reactionsAdded"] = [{"type": kind} for kind in added]
    if removed:
        body["reactionsRemoved"] = [{"type": kind} for kind in removed]
    return body


def recipient(agent: Agent) -> Json:
    """The agent, or the bot, as the addressee of an activity."""
    if agent.is_bot:
        return {"id": f"28:{agent.bot}", "name": agent.name}
    return {
        "id": mri(agent.user),
        "name": agent.name,
        "role": "agenticUser",
        "agenticUserId": agent.user,
        "agenticAppId": agent.identity,
        "agenticAppBlueprintId": agent.blueprint,
        "tenantId": agent.tenant,
    }


def mri(oid: str) -> str:
    """The name of an organisation's account in Teams."""
    return f"8:orgid:{oid}"


def _envelope(said: Utterance, stamp: Stamp) -> Json:
    at = dt.datetime.fromtimestamp(stamp.at, dt.UTC)
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    return {
        "id": stamp.id,
        "timestamp": f"{moment}Z",
        "localTimestamp": f"{moment}+00:00",
        "localTimezone": _ZONE,
        "channelId": "msteams",
        "serviceUrl": stamp.service_url,
        "from": {
            "id": said.person.teams_id,
            "name": said.person.name,
            "aadObjectId": said.person.oid,
        },
        "conversation": _conversation(said, stamp.name),
        "recipient": recipient(said.agent),
    }


def _conversation(said: Utterance, message_id: str) -> Json:
    conversation = said.conversation
    body: Json = {
        "id": said.address(message_id),
        "conversationType": conversation.kind.value,
        "tenantId": conversation.tenant,
    }
    if conversation.kind is not Kind.PERSONAL:
        body["isGroup"] = True
        body["name"] = conversation.name
    return body


def _attachments(said: Utterance, service_url: str) -> Iterator[Json]:
    for holding in said.holdings:
        if holding.url:
            # A person's client gets no download address for an agentic user's file.
            yield {
                "id": holding.id,
                "contentType": "reference",
                "contentUrl": holding.url,
                "name": holding.name,
            }
        else:
            yield {
                "contentType": holding.content_type,
                "contentUrl": f"{service_url}v3/attachments/{holding.id}/views/original",
                "name": holding.name,
            }
    if said.html or said.quotation or said.holdings:
        yield {"contentType": "text/html", "content": _html(said)}


def _html(said: Utterance) -> str:
    words = said.html or html_of_plain(said.text)
    quoted = said.quotation
    if quoted is None:
        return words
    return (
        '<blockquote itemscope itemtype="http://schema.skype.com/Reply" '
        f'itemid="{escape(quoted.id)}">\n'
        f'<strong itemprop="mri" itemid="{mri(quoted.oid)}">{escape(quoted.name)}</strong>'
        f'<span itemprop="time" itemid="{escape(quoted.id)}"></span>\n'
        f'<p itemprop="preview">{escape(quoted.text, quote=False)}</p>\n</blockquote>\n{words}'
    )


def _entities(said: Utterance) -> list[Json]:
    client: Json = {
        "type": "clientInfo",
        "locale": "en-US",
        "country": "US",
        "platform": "Windows",
        "timezone": _ZONE,
    }
    if not said.mention:
        return [client]
    who = recipient(said.agent)
    mention: Json = {
        "type": "mention",
        "mentioned": {"id": who["id"], "name": said.agent.name},
        "text": _at(said.agent),
    }
    return [mention, client]


def _channel_data(conversation: Conversation) -> Json:
    body: Json = {"tenant": {"id": conversation.tenant}}
    if conversation.kind is Kind.CHANNEL:
        body["team"] = {"id": conversation.team}
        body["channel"] = {"id": conversation.id}
    return body


def _at(agent: Agent) -> str:
    return f"<at>{agent.name}</at>"
