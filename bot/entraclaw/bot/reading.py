"""Read an admitted activity: what it asks of us, what was said, to whom, with what attached.

Pure and total: any JSON document becomes a `Content`, never an exception. What Teams sends
and this version does not know is named in it. Rules follow the Activity schema and what
Teams is seen to send; whoever may speak is decided elsewhere (`entraclaw.bot.gate`).

https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime

from entraclaw.bot.agent_lifecycle import is_lifecycle
from entraclaw.bot.attached import attached, html_of, unknown_types
from entraclaw.bot.content import Attachment, Content, ConversationKind, Kind, Mention
from entraclaw.bot.fields import Json, first, identifier, items, mapping, text
from entraclaw.bot.html_text import HtmlQuote, visible
from entraclaw.bot.mentions import Mentioned, mentioned, our_ids, write_mention
from entraclaw.bot.plain import plain_name, plain_text
from entraclaw.bot.quotes import find_quote
from entraclaw.identity.values import AgentIds

TEXT_LIMIT = 28_000  # characters
LIST_LIMIT = 20  # mentions, attachments, reactions, unknown types: each

_KINDS: Mapping[str, Kind] = {
    "message": Kind.MESSAGE,
    "messageupdate": Kind.EDIT,
    "messagedelete": Kind.DELETE,
    "messagereaction": Kind.REACTION,
    "conversationupdate": Kind.MEMBERSHIP,
    "installationupdate": Kind.INSTALLATION,
    "typing": Kind.TYPING,
    "invoke": Kind.INVOKE,
}
_UPDATES: Mapping[str, Kind] = {
    "undeletemessage": Kind.UNDELETE,
    "softdeletemessage": Kind.DELETE,
}
_NOTICES: Mapping[str, Kind] = {
    "emailnotification": Kind.EMAIL,
    "wpxcomment": Kind.COMMENT,
}
_CONVERSATIONS: Mapping[str, ConversationKind] = {
    kind.value.lower(): kind for kind in ConversationKind
}
_KNOWN_ENTITIES = frozenset(
    {*_NOTICES, "mention", "clientinfo", "productinfo", "clientcapabilities", "quotedreply"}
)
_AGENTS = "agents"  # the channel of Microsoft 365's notices to agents
_MEETING = "19:meeting_"

# In plain text Teams marks mentions and quotes; everything else in it is what was typed.
_AT = re.compile(r"<at\b[^<>]{0,256}>([^<]{0,256})</at\s{0,16}>", re.IGNORECASE)
_QUOTED = re.compile(r"<quoted\b[^<>]{0,1024}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Body:
    """The text of a message and what its HTML told besides."""

    text: str = ""
    quotes: tuple[HtmlQuote, ...] = ()
    images: tuple[str, ...] = ()


def read(document: Json, agent: AgentIds) -> Content:
    """Read the activity *document*, sent to *agent*."""
    ours = our_ids(document, agent)
    people = mentioned(document, ours)
    body = _body(document, people)
    quote = find_quote(document, body.quotes, ours)
    attachments = attached(document, body.images)
    kind, conversation = kind_of(document), _conversation_kind(document)
    others = [Mention(one.name, one.oid) for one in people if not one.is_agent]
    return Content(
        kind=kind,
        text=_cut(body.text),
        addressed=conversation is ConversationKind.PERSONAL
        or any(one.is_agent for one in people)
        or (quote is not None and quote.is_ours),
        mentions=tuple(others[:LIST_LIMIT]),
        more_mentions=len(others[LIST_LIMIT:]),
        quote=quote.quote if quote else None,
        reply_to=identifier(document, "replyToId"),
        attachments=attachments[:LIST_LIMIT],
        more_attachments=len(attachments[LIST_LIMIT:]),
        edited=kind is Kind.EDIT or bool(text(document, "lastEditedDateTime")),
        reactions_added=_reactions(document, "reactionsAdded"),
        reactions_removed=_reactions(document, "reactionsRemoved"),
        target=_target(document, kind),
        conversation_kind=conversation,
        is_meeting=_is_meeting(document),
        place_name=_place_name(document),
        sent_at=_moment(text(document, "timestamp")),
        unknown=_unknown(document, attachments),
    )


def kind_of(document: Json) -> Kind:
    """Tell what an activity asks of us, by its type and what it carries."""
    kind = text(document, "type").lower()
    is_notice = text(document, "channelId").lower().partition(":")[0] == _AGENTS
    if is_lifecycle(document):
        return Kind.LIFECYCLE
    if kind == "message" and is_notice:
        names = [text(document, "name").lower(), *_entity_types(document)]
        return next((_NOTICES[name] for name in names if name in _NOTICES), Kind.MESSAGE)
    if kind == "messageupdate":
        event = text(document, "channelData", "eventType").lower()
        return _UPDATES.get(event, Kind.EDIT)
    return _KINDS.get(kind, Kind.OTHER)


def _body(document: Json, people: tuple[Mentioned, ...]) -> _Body:
    def name(number: str, shown: str) -> str:
        return write_mention(people, number, shown)

    # The HTML is what Teams shows; beside it the plain text repeats even what it hides.
    html = html_of(document)
    if html:
        seen = visible(html, name)
        return _Body(plain_text(seen.text).strip(), seen.quotes, seen.images)
    html = _mail_html(document)
    if html or text(document, "textFormat").lower() in {"xml", "html"}:
        # A quote in here was written by whoever wrote the words: it addresses nobody.
        seen = visible(html or text(document, "text"), name)
        return _Body(plain_text(seen.text).strip(), (), seen.images)
    words = _QUOTED.sub("", text(document, "text")).replace("&nbsp;", " ")
    words = _AT.sub(lambda found: name("", found[1]), words)
    return _Body(plain_text(words).strip())


def _mail_html(document: Json) -> str:
    for entity in items(document, "entities"):
        if text(entity, "type").lower() == "emailnotification":
            return first(entity, "htmlBody", "html_body")
    return ""


def _cut(words: str) -> str:
    if len(words) <= TEXT_LIMIT:
        return words
    mark = f"\n[cut here: the message has {len(words)} characters]"
    return words[: TEXT_LIMIT - len(mark)] + mark


def _conversation_kind(document: Json) -> ConversationKind:
    """Tell whose rules hold; where Teams says nothing clear, the stricter ones of a group."""
    told = _CONVERSATIONS.get(text(document, "conversation", "conversationType").lower())
    number = text(document, "conversation", "id")
    is_group = mapping(document, "conversation").get("isGroup") is True
    if told is None:
        told = _guess(number)
    if told is ConversationKind.PERSONAL and (is_group or _is_meeting(document)):
        return ConversationKind.GROUP
    return told


def _guess(number: str) -> ConversationKind:
    if "@thread.tacv2" in number:
        return ConversationKind.CHANNEL
    if number.startswith("a:") or number.endswith("@unq.gbl.spaces"):
        return ConversationKind.PERSONAL
    return ConversationKind.GROUP


def _is_meeting(document: Json) -> bool:
    return text(document, "conversation", "id").startswith(_MEETING)


def _place_name(document: Json) -> str:
    topic = text(document, "conversation", "name")
    team, channel = (text(document, "channelData", part, "name") for part in ("team", "channel"))
    names = (team, channel or topic) if team or channel else (topic,)
    return " / ".join(plain for one in names if (plain := plain_name(one)))


def _target(document: Json, kind: Kind) -> str:
    match kind:
        case Kind.EDIT | Kind.UNDELETE | Kind.DELETE:
            return identifier(document, "id") or identifier(document, "replyToId")
        case Kind.REACTION:
            return identifier(document, "replyToId") or identifier(document, "id")
        case _:
            return ""


def _reactions(document: Json, field: str) -> tuple[str, ...]:
    named = (plain_name(text(one, "type")) for one in items(document, field))
    return tuple(one for one in named if one)[:LIST_LIMIT]


def _moment(told: str) -> str:
    try:
        moment = datetime.fromisoformat(told)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""


def _entity_types(document: Json) -> Iterator[str]:
    return (text(entity, "type").lower() for entity in items(document, "entities"))


def _unknown(document: Json, attachments: Iterable[Attachment]) -> tuple[str, ...]:
    entities = (text(entity, "type") for entity in items(document, "entities"))
    strange = (
        plain_name(one) or "entity without a type"
        for one in entities
        if one.lower() not in _KNOWN_ENTITIES
    )
    found: AbstractSet[str] = dict.fromkeys([*strange, *unknown_types(attachments)]).keys()
    return tuple(found)[:LIST_LIMIT]
