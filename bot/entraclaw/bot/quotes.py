"""Find the message that an activity replies to by quoting it.

Teams tells it in three ways, by client and path: an entity, a reference among the
attachments, or a quotation in the HTML of the text.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson

from entraclaw.bot.content import Quote
from entraclaw.bot.fields import Json, first, identifier, items, mapping, text
from entraclaw.bot.html_text import HtmlQuote
from entraclaw.bot.mentions import object_id
from entraclaw.bot.plain import plain_name, plain_text

TEXT_LIMIT = 2000  # characters; Teams itself cuts a quotation after some two hundred
_NAME_LIMIT = 256
_REFERENCE = "messagereference"


@dataclass(frozen=True, slots=True)
class Found:
    """A quoted message, and whether the agent wrote it."""

    quote: Quote
    is_ours: bool


def find_quote(
    document: Json, in_html: Iterable[HtmlQuote], ours: AbstractSet[str]
) -> Found | None:
    """Find the first quoted message; *ours* are the ids of the agent, lower case."""
    found = [*_in_entities(document), *_in_attachments(document), *in_html]
    if not found:
        return None
    best = found[0]
    # One way tells who, another what was said: as long as they mean the same message.
    words = next((one.text for one in found if one.text and one.message == best.message), "")
    quote = Quote(
        message=identifier(best.message),
        name=plain_name(best.name[:_NAME_LIMIT]),
        oid=object_id(best.author),
        text=_cut(plain_text(words)),
    )
    return Found(quote, best.author.lower() in ours)


def reference_content(attachment: Json) -> Json:
    """Read the content of an attachment, which is an object or JSON in a string."""
    content = attachment.get("content")
    if not isinstance(content, str):
        return mapping(content)
    try:
        return mapping(orjson.loads(content))
    except ValueError:
        return {}


def is_reference(attachment: object) -> bool:
    """Tell whether *attachment* is a reference to a quoted message."""
    return text(attachment, "contentType").lower() == _REFERENCE


def _in_entities(document: Json) -> Iterator[HtmlQuote]:
    for entity in items(document, "entities"):
        if text(entity, "type").lower() == "quotedreply":
            inner = mapping(entity, "quotedReply") or mapping(entity)
            yield HtmlQuote(
                message=text(inner, "messageId"),
                author=text(inner, "senderId"),
                name=text(inner, "senderName"),
                text=text(inner, "preview"),
            )


def _in_attachments(document: Json) -> Iterator[HtmlQuote]:
    attachments: Sequence[object] = items(document, "attachments")
    for attachment in filter(is_reference, attachments):
        content = reference_content(mapping(attachment))
        author = mapping(content, "messageSender")
        person = mapping(author, "user") or mapping(author, "application")
        yield HtmlQuote(
            message=first(content, "messageId") or text(attachment, "id"),
            author=text(person, "id"),
            name=text(person, "displayName"),
            text=text(content, "messagePreview"),
        )


def _cut(words: str) -> str:
    return words if len(words) <= TEXT_LIMIT else f"{words[: TEXT_LIMIT - 1]}…"
