"""What a host is shown of a message: a small document, without what is empty.

Pure. docs/messages.md lists the fields. Everything in one is somebody else's words.
"""

from collections.abc import Sequence
from typing import Any

from entraclaw.bot.content import Attachment, Content, Kind, Quote

View = dict[str, Any]


def view(
    content: Content, name: str, relation: str, *, seq: int, marks: Sequence[str] = ()
) -> View:
    """Describe a message that starts or amends a turn.

    Args:
        content: What it holds.
        name: Its sender's, safe to show.
        relation: What its sender is to the agent, as the gate found.
        seq: Its entry's number, which tells its attachments from those of other messages.
        marks: What makes it less than a fresh message: late, backdated …
    """
    document: View = {
        "kind": content.conversation_kind.value,
        "sender": name,
        "relation": relation,
        "sent_at": content.sent_at,
        "text": content.text,
    }
    document |= _filled(
        place=content.place_name,
        meeting=content.is_meeting,
        quote=content.quote and _quote(content.quote),
        mentions=[mention.name for mention in content.mentions],
        more_mentions=content.more_mentions,
        attachments=[_attachment(one, seq) for one in content.attachments],
        more_attachments=content.more_attachments,
        edited=content.edited or content.kind is Kind.EDIT,
        deleted=content.kind is Kind.DELETE,
        marks=marks,
        unknown=list(content.unknown),
    )
    return document


def glimpse(content: Content, name: str) -> View:
    """Describe what was observed: shown with the next turn, as context only."""
    document: View = {"name": name, "sent_at": content.sent_at}
    match content.kind:
        case Kind.REACTION:
            document |= {"message": content.target}
            document |= _filled(
                reacted=list(content.reactions_added), took_back=list(content.reactions_removed)
            )
        case Kind.DELETE:
            document |= {"deleted": True, "message": content.target}
        case _:
            document |= {"text": content.text}
            document |= _filled(
                edited=content.edited or content.kind is Kind.EDIT,
                quote=content.quote and _quote(content.quote),
                attachments=[one.name or one.content_type for one in content.attachments],
            )
    return document


def _quote(quote: Quote) -> View:
    return _filled(name=quote.name, text=quote.text, message=quote.message)


def _attachment(one: Attachment, seq: int) -> View:
    return {"id": f"{seq}-{one.id}", "kind": one.kind.value} | _filled(
        name=one.name, type=one.content_type, size=one.size
    )


def _filled(**fields: object) -> View:
    return {name: value for name, value in fields.items() if value}
