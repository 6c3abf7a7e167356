"""What a message may have beside its words: pictures, files, a quotation, an odd origin.

Read once from the body of a control request; whatever does not fit is refused
with a plain sentence.
"""

import datetime as dt
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from typing import cast

from entraclaw.sandbox.documents import DocumentError, Json, flag, part, text


@dataclass(frozen=True, slots=True)
class Enclosure:
    """One thing to attach."""

    name: str
    kind: str
    content: bytes = field(repr=False)
    is_file: bool


@dataclass(frozen=True, slots=True)
class Extras:
    """All of it; as it stands, nothing.

    *deliver* is whether the agent is told, *overrides* are laid over the
    activity, *sent_at* is a time to claim (seconds since 1970), *application*
    the name of the app that sends in the person's place.
    """

    deliver: bool = True
    html: str | None = None
    quote: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    application: str | None = None
    sent_at: float | None = None
    overrides: Json = field(default_factory=dict[str, object])


def read_extras(body: Json) -> Extras:
    """Read them from *body*.

    Raises:
        DocumentError: One of them does not fit.
    """
    return Extras(
        deliver=flag(body, "deliver", default=True),
        html=text(body, "html", "") or None,
        quote=text(body, "quote", "") or None,
        enclosures=tuple(_enclosure(item) for item in _attachments(body)),
        application=text(body, "application", "") or None,
        sent_at=_moment(body),
        overrides=part(body, "activity"),
    )


def _attachments(body: Json) -> list[Json]:
    listed: object = body.get("attachments", [])
    items = cast("list[object]", listed) if isinstance(listed, list) else [None]
    if not all(isinstance(item, dict) for item in items):
        raise DocumentError("attachments must be a list of objects")
    return cast("list[Json]", items)


def _enclosure(item: Json) -> Enclosure:
    kind = text(item, "content_type")
    try:
        content = b64decode(text(item, "bytes"), validate=True)
    except Base64Error:
        raise DocumentError("bytes must be base64") from None
    is_picture = kind.startswith("image/")
    return Enclosure(
        name=text(item, "name"),
        kind=kind,
        content=content,
        # A picture can be attached as a file too, and then is one.
        is_file=flag(item, "file", default=not is_picture),
    )


def _moment(body: Json) -> float | None:
    if body.get("sent_at") is None:
        return None
    try:
        at = dt.datetime.fromisoformat(text(body, "sent_at"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise DocumentError("sent_at must be a date and time with its zone")
    return at.timestamp()
