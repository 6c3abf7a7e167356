"""Write what Graph tells of a message as the activity that would have been pushed.

Pure. A late message passes the same door as a pushed one, so it has the same shape, as
far as Graph tells; what makes it less than a fresh one is marked.
"""

from datetime import UTC, datetime

from entraclaw.bot.activity import parse
from entraclaw.bot.fields import items, text
from entraclaw.bot.inbox import Entry
from entraclaw.bot.places import Place
from entraclaw.identity import AgentIds
from entraclaw.tools import Chat, ChatMessage

_TURNED_S = 300.0


def place_of(chat: Chat, agent: AgentIds) -> Place:
    """Name *chat* as a place; in a 1:1 its person tells its other name."""
    others = [member.oid for member in chat.members if member.oid != agent.user]
    is_personal = chat.kind == "personal" and len(others) == 1
    return Place(
        id=chat.id,
        tenant=agent.tenant,
        kind=chat.kind,
        person=others[0] if is_personal else "",
        name=chat.topic,
    )


def activity(
    message: ChatMessage, at: Place, agent: AgentIds, *, is_edit: bool
) -> dict[str, object]:
    """Write *message*, said *at* a place, for *agent*; as an edit of what is known, or whole."""
    document: dict[str, object] = {
        "type": "messageUpdate" if is_edit else "message",
        "id": message.id,
        "timestamp": _iso(message.edited if is_edit else message.created),
        "channelId": "msteams",
        "from": _sender(message),
        "conversation": {"id": at.id, "conversationType": at.kind, "tenantId": agent.tenant},
        "recipient": {
            "id": f"8:orgid:{agent.user}",
            "role": "agenticUser",
            "agenticUserId": agent.user,
            "agenticAppId": agent.agent,
            "agenticAppBlueprintId": agent.blueprint,
            "tenantId": agent.tenant,
        },
        "entities": _mentions(message),
        "channelData": {
            "tenant": {"id": agent.tenant},
            **({"eventType": "editMessage"} if message.edited else {}),
        },
        "entraclaw": {"marks": marks(message)},
        "attachments": list(items(message.document, "attachments")),
        "text": message.content,
    }
    if message.content_type == "html":
        body = {"contentType": "text/html", "content": message.content}
        document["attachments"] = [body, *items(message.document, "attachments")]
        document["textFormat"] = "xml"
    if at.reference:
        document["serviceUrl"] = text(parse(at.reference), "serviceUrl")
    return document


def marks(message: ChatMessage) -> list[str]:
    """Say what makes a late message less than a fresh one."""
    found = ["late"]
    if message.edited:
        found.append("edited")
    if message.application:
        found.append("sent by an application")
    if is_backdated(message):
        found.append("backdated")
    return found


def is_backdated(message: ChatMessage) -> bool:
    """Tell whether it claims another time than that of its making.

    It was changed long after that, and yet neither edited nor reacted to.
    """
    is_touched = message.edited or items(message.document, "reactions")
    return not is_touched and abs(message.changed - message.created) > _TURNED_S


def moment(entry: Entry) -> float:
    """Tell when *entry* was said by Teams' own clock, seconds since the epoch.

    Not later than it came to us: what claims the future is not believed.
    """
    arrival = entry.arrival
    told = _read_iso(text(parse(arrival.body), "timestamp")) if arrival.body else None
    return arrival.received if told is None else min(told, arrival.received)


def _read_iso(told: str) -> float | None:
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None


def _sender(message: ChatMessage) -> dict[str, object]:
    if message.application:
        return {"id": "28:application", "name": message.name, "role": "bot"}
    return {
        "id": f"8:orgid:{message.sender}",
        "name": message.name,
        "aadObjectId": message.sender,
        **({"tenantId": message.tenant} if message.tenant else {}),
    }


def _mentions(message: ChatMessage) -> list[dict[str, object]]:
    return [
        {
            "type": "mention",
            "mentioned": {
                "id": f"8:orgid:{text(one, 'mentioned', 'user', 'id')}",
                "name": text(one, "mentionText"),
            },
            "text": f"<at>{text(one, 'mentionText')}</at>",
        }
        for one in items(message.document, "mentions")
    ]


def _iso(moment: float) -> str:
    # As the channel writes it: an edit that comes both ways has one name.
    said = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return said.replace("+00:00", "Z")
