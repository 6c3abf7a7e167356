"""List what is attached to a message: what it is and where, never what is in it."""

import re
from collections.abc import Iterable, Iterator

from entraclaw.bot.content import Attachment, AttachmentKind
from entraclaw.bot.fields import Json, first, items, mapping, text
from entraclaw.bot.plain import NAME_LIMIT, plain_name
from entraclaw.bot.quotes import is_reference, reference_content

_URL_LIMIT = 4096  # characters
_SUFFIX_LIMIT = 8  # characters
_SIZE_LIMIT = 2**53  # above it JSON numbers are no longer exact

_HTML = "text/html"
_FILES = frozenset({"reference", "application/vnd.microsoft.teams.file.download.info"})
_CARDS = ("application/vnd.microsoft.card.", "application/vnd.microsoft.teams.card.")
# Each half of a media type holds 127 characters at most: RFC 6838, section 4.2.
_PLAIN_TYPE = re.compile(r"[\w.+*/-]{1,255}", re.ASCII)
_MEDIA_TYPE = re.compile(r"(?:application|audio|font|message|model|text|video)/[\w.+-]+")
_URL = re.compile(r"https://[^\s\\\x00-\x20][^\\\x00-\x1f]*", re.IGNORECASE)
_HOSTED = "/hostedcontents/"


def html_of(document: Json) -> str:
    """Give the HTML of the message's own text, empty when there is none."""
    parts = (text(one, "content") for one in items(document, "attachments") if _is_body(one))
    return "\n".join(part for part in parts if part.strip())


def attached(document: Json, images: Iterable[str]) -> tuple[Attachment, ...]:
    """List the attachments of *document*, and those of its *images* that Teams hosts.

    Pictures in a message that came by Graph are told only in its HTML.
    """
    listed = items(document, "attachments")
    found = [
        _attachment(str(number), mapping(one))
        for number, one in enumerate(listed)
        if not (_is_body(one) or is_reference(one))
    ]
    return (*found, *_hosted(images, len(listed)))


def unknown_types(attachments: Iterable[Attachment]) -> Iterator[str]:
    """Give the types of attachments that are only shown, not understood."""
    for one in attachments:
        if one.kind in {AttachmentKind.LINK, AttachmentKind.OTHER}:
            yield one.content_type or "attachment without a type"


def _is_body(attachment: object) -> bool:
    # A text/html file has an address; the text of the message has none.
    return text(attachment, "contentType").lower() == _HTML and not text(attachment, "contentUrl")


def _attachment(number: str, document: Json) -> Attachment:
    content = reference_content(document)
    told = text(document, "contentType").lower()
    if not _PLAIN_TYPE.fullmatch(told):
        told = plain_name(told[:_URL_LIMIT])
    url = _url(first(document, "contentUrl") or first(content, "downloadUrl"))
    return Attachment(
        id=number,
        name=_file_name(text(document, "name")[:_URL_LIMIT]),
        content_type=told,
        kind=_kind(told, url),
        url=url,
        size=_size(content.get("fileSize", document.get("size"))),
    )


def _hosted(images: Iterable[str], start: int) -> Iterator[Attachment]:
    for number, url in enumerate(one for one in images if _HOSTED in one.lower() and _url(one)):
        yield Attachment(str(start + number), "", "image/*", AttachmentKind.IMAGE, url, None)


def _kind(content_type: str, url: str) -> AttachmentKind:
    if content_type.startswith("image/"):
        return AttachmentKind.IMAGE
    if content_type.startswith(_CARDS):
        return AttachmentKind.CARD
    if content_type in _FILES or (url and _MEDIA_TYPE.fullmatch(content_type)):
        return AttachmentKind.FILE
    return AttachmentKind.LINK if url else AttachmentKind.OTHER


def _file_name(told: str) -> str:
    """Make a file's name safe to show; a long one keeps its suffix, which tells what it is."""
    name = plain_name(told, len(told))
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= NAME_LIMIT or not dot or len(suffix) > _SUFFIX_LIMIT:
        return name[:NAME_LIMIT]
    return f"{stem[: NAME_LIMIT - len(suffix) - 2]}….{suffix}"


def _url(told: str) -> str:
    return told if len(told) <= _URL_LIMIT and _URL.fullmatch(told) else ""


def _size(told: object) -> int | None:
    is_size = isinstance(told, int) and not isinstance(told, bool) and 0 <= told < _SIZE_LIMIT
    return int(told) if is_size and isinstance(told, int) else None
