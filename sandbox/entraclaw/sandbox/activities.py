"""The activities a person's words become on their way to an agent.

Plain functions of who, where, what and when. The body is what Teams sends for
an agentic user: the recipient names agent user, agent identity, blueprint and
tenant, and none of it is signed.

Activity: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import datetime as dt
from dataclasses import dataclass

from entraclaw.sandbox.conversations import Conversation, Kind
from entraclaw.sandbox.directory import Agent, Person
from entraclaw.sandbox.documents import Json

# A zone that is on UTC all year, so that local and universal time can be told from one clock.
_ZONE = "Atlantic/Reykjavik"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one person says to one agent, and where; *thread* is a channel thread's first id."""

    person: Person
    agent: Agent
    conversation: Conversation
    text: str
    mention: bool
    thread: str | None = None

    def address(self, message: str) -> str:
        """The conversation id for *message*, which begins a thread unless it is in one."""
        return self.conversation.address(self.thread or message)


def message(said: Utterance, *, id: str, service_url: str, now: float) -> Json:  # noqa: A002
    """Write the message activity for *said*; *id* is the platform's own word for its key."""
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    return {
        "type": "message",
        "id": id,
        "timestamp": f"{stamp}Z",
        "localTimestamp": f"{stamp}+00:00",
        "localTimezone": _ZONE,
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {
            "id": said.person.teams_id,
            "name": said.person.name,
            "aadObjectId": said.person.oid,
        },
        "conversation": _conversation(said, id),
        "recipient": recipient(said.agent),
        "text": f"{_at(said.agent)} {said.text}" if said.mention else said.text,
        "textFormat": "plain",
        "locale": "en-US",
        "attachments": [],
        "entities": _entities(said),
        "channelData": _channel_data(said.conversation),
    }


def recipient(agent: Agent) -> Json:
    """The agent as the addressee of an activity."""
    return {
        "id": f"8:orgid:{agent.user}",
        "name": agent.name,
        "role": "agenticUser",
        "agenticUserId": agent.user,
        "agenticAppId": agent.identity,
        "agenticAppBlueprintId": agent.blueprint,
        "tenantId": agent.tenant,
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
