"""What somebody posts into a chat through Graph, read once into a line.

Shape: https://learn.microsoft.com/graph/api/chat-post-messages
"""

from typing import cast

from entraclaw.sandbox.documents import DocumentError, Json, load, part, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.markup import text_of_html
from entraclaw.sandbox.transcript import Act, Author, Line, Style

# Graph's own, approximate, limit of one message.
_LARGEST_UTF16 = 28 * 1024

_CARD = "application/vnd.microsoft.card.adaptive"
_QUOTE = "messageReference"


def read_post(body: Json, *, place: str, author: Author, made: str) -> Line:
    """Read the body of `POST /chats/{id}/messages` into the line it becomes.

    Raises:
        GraphError: It says nothing, or too much.
        DocumentError: A field is another type.
    """
    content, style = _content(part(body, "body"))
    attached = _attachments(body)
    if not (content.strip() or attached):
        raise GraphError(400, "BadRequest", "Missing body content")
    if len(content.encode("utf-16-le", errors="surrogatepass")) > _LARGEST_UTF16:
        raise GraphError(413, "RequestEntityTooLarge", "The message size is too large.")
    quotes = [text(a, "id") for a in attached if a.get("contentType") == _QUOTE]
    quote = quotes[0] if quotes else None
    is_html = style is Style.HTML
    return Line(
        conversation=place,
        id=made,
        act=Act.MESSAGE,
        author=author,
        text=text_of_html(content) if is_html else content,
        reply_to=quote,
        cards=tuple(load(text(a, "content").encode()) for a in attached if _is_card(a)),
        style=style,
        html=content if is_html else None,
        quote=quote,
        via="graph",
    )


def _content(body: Json) -> tuple[str, Style]:
    kind = text(body, "contentType", "text").lower()
    if kind not in {"text", "html"}:
        raise DocumentError("contentType must be text or html")
    return text(body, "content", ""), Style.HTML if kind == "html" else Style.PLAIN


def _attachments(body: Json) -> list[Json]:
    listed: object = body.get("attachments")
    if listed is None:
        return []
    items = cast("list[object]", listed) if isinstance(listed, list) else [None]
    if not all(isinstance(item, dict) for item in items):
        raise DocumentError("attachments must be a list of objects")
    return cast("list[Json]", items)


def _is_card(attachment: Json) -> bool:
    return attachment.get("contentType") == _CARD
