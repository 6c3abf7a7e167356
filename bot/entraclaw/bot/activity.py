"""Read what Teams sends, forgivingly: a clean document for the SDK, a sender for the gate.

The Agents SDK's models raise on nulls, empty strings and entities without a type, all of
which Teams sends. `normalise` takes exactly those out; the inbox keeps the bytes as they
came.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import cast

import orjson

from entraclaw.bot.fields import text
from entraclaw.bot.gate import Sender

Json = dict[str, object]

NAME_LIMIT = 64
_UNSEEN = {"Cc", "Cf", "Cs"}

# Blank though their category says otherwise: joiners, Hangul, Khmer and Mongolian fillers,
# the empty Braille cell, and variation selectors, which can carry any bytes. The selectors
# 15 and 16 stay: they choose between a sign and its emoji.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_FILLER = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164"
    "\ufe00-\ufe0d\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def parse(body: bytes) -> Json:
    """Read the bytes of an admitted activity, which admission has checked to be an object."""
    return cast("Json", orjson.loads(body))


def normalise(activity: Mapping[str, object]) -> Json:
    """Copy *activity* without nulls, empty strings and entities that have no type.

    ``text`` stays even when empty: an empty message is a message.
    """
    clean = cast("Json", _clean(activity))
    entities = clean.get("entities")
    if isinstance(entities, list):
        clean["entities"] = [
            entity for entity in cast("list[object]", entities) if text(entity, "type")
        ]
    if activity.get("text") == "":
        clean["text"] = ""
    return clean


def sender(activity: Mapping[str, object]) -> Sender:
    """Tell who *activity* is from, by the ids of the directory only."""
    origin = activity.get("from")
    return Sender(
        oid=text(origin, "aadObjectId").lower(),
        tenant=text(origin, "tenantId").lower(),
    )


def reference(activity: Mapping[str, object]) -> bytes:
    """Take what an answer to this place will need; empty if it names no service."""
    if not text(activity, "serviceUrl"):
        return b""
    kept = ("id", "channelId", "serviceUrl", "conversation", "from", "recipient")
    return orjson.dumps({"type": "message", **{name: activity.get(name) for name in kept}})


def plain_name(name: str, limit: int = NAME_LIMIT) -> str:
    """Make a display name safe to show: no control or invisible characters, *limit* at most."""
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C" and not _FILLER.match(c))
    return " ".join(kept.split())[:limit]


def plain_text(words: str) -> str:
    """Take out of *words* what a person would not see: control, zero-width, bidi and filler.

    Line feeds and tabs stay; so do unassigned characters, which may be newer than Python.
    """
    unified = words.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in unified if c in "\n\t" or not _is_unseen(c))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or bool(_FILLER.match(character))


def _clean(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: _clean(inner) for name, inner in items if inner is not None and inner != ""}
    if isinstance(value, list):
        return [_clean(inner) for inner in cast("list[object]", value) if inner is not None]
    return value
