"""Activities to read: one as Teams sends it, and any JSON at all in its fields."""

from typing import Any

from hypothesis import strategies as st

from entraclaw.identity import AgentIds

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
USER = "bbbbbbbb-0000-4000-8000-000000000002"
ADA = "cccccccc-0000-4000-8000-000000000003"
AGENT = AgentIds(TENANT, "dddddddd-0000-4000-8000-000000000004", "e" * 36, USER)
RECIPIENT = f"8:orgid:{USER}"

Document = dict[str, Any]

FIELDS = [
    "type",
    "id",
    "name",
    "text",
    "textFormat",
    "timestamp",
    "channelId",
    "replyToId",
    "conversation",
    "conversationType",
    "isGroup",
    "from",
    "aadObjectId",
    "role",
    "properties",
    "userIdentityType",
    "recipient",
    "entities",
    "mentioned",
    "quotedReply",
    "messageId",
    "senderId",
    "attachments",
    "contentType",
    "contentUrl",
    "content",
    "fileSize",
    "messageSender",
    "user",
    "channelData",
    "eventType",
    "team",
    "channel",
    "reactionsAdded",
    "value",
    "valueType",
    "version",
    "manager",
    "action",
    "data",
    "request",
    "htmlBody",
]
WORDS = [
    "message",
    "messageUpdate",
    "event",
    "mention",
    "quotedReply",
    "emailNotification",
    "agents",
    "agentLifecycle",
    "text/html",
    "image/*",
    "messageReference",
    "personal",
    "groupChat",
    "html",
    RECIPIENT,
    USER,
    "https://contoso.sharepoint.com/x",
    "<at>Agent</at> <p hidden>x</p>",
    "<blockquote itemtype='http://schema.skype.com/Reply'><b itemprop=mri>x</b>",
]

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(WORDS)
)
values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
documents = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), values, max_size=12)


def group_message(words: str = "hi", **changes: object) -> Document:
    """A message of Ada's in a group that nobody is mentioned in, with *changes*."""
    document: Document = {
        "type": "message",
        "id": "1763930000000",
        "timestamp": "2026-11-23T19:00:00.000Z",
        "channelId": "msteams",
        "from": {"id": "29:1ada", "name": "Ada", "aadObjectId": ADA},
        "conversation": {
            "id": "19:0123@thread.v2",
            "conversationType": "groupChat",
            "tenantId": TENANT,
            "isGroup": True,
        },
        "recipient": {"id": RECIPIENT, "name": "Agent", "role": "agenticUser"},
        "text": words,
        "textFormat": "plain",
        "entities": [{"type": "clientInfo", "locale": "en-US"}],
        "channelData": {"tenant": {"id": TENANT}},
        "attachments": [],
    }
    return {**document, **changes}


def personal_message(words: str = "hi", **changes: object) -> Document:
    """A message of Ada's to the agent alone, with *changes*."""
    conversation = {"id": "a:1abc", "conversationType": "personal", "tenantId": TENANT}
    return {**group_message(words), "conversation": conversation, **changes}


def mention(who: str, name: str) -> Document:
    """The entity of a mention."""
    return {
        "type": "mention",
        "mentioned": {"id": who, "name": name},
        "text": f"<at>{name}</at>",
    }


def html(content: str) -> Document:
    """The attachment that holds a message's own HTML."""
    return {"contentType": "text/html", "content": content}


def quotation(author: str, words: str = "earlier words") -> str:
    """Teams' own HTML of a quoted reply."""
    return (
        '<blockquote itemscope="" itemtype="http://schema.skype.com/Reply" itemid="1700">\r\n'
        f'<strong itemprop="mri" itemid="{author}">Grace</strong>'
        '<span itemprop="time" itemid="1700"></span>\r\n'
        f'<p itemprop="preview">{words}</p>\r\n</blockquote>\r\n'
    )
