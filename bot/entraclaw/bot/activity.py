"""Read what Teams sends, forgivingly: a clean document for the SDK, a sender for the gate.

The Agents SDK's models raise on nulls, empty strings and entities without a type, all of
which Teams sends. `normalise` takes exactly those out; the inbox keeps the bytes as they
came.
"""

import unicodedata
from collections.abc import Mapping
from typing import cast

import orjson

from entraclaw.bot.gate import Sender

Json = dict[str, object]

_NAME_LIMIT = 64


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
            entity for entity in cast("list[object]", entities) if _text(entity, "type")
        ]
    if activity.get("text") == "":
        clean["text"] = ""
    return clean


def sender(activity: Mapping[str, object]) -> Sender:
    """Tell who *activity* is from, by the ids of the directory only."""
    origin = activity.get("from")
    return Sender(
        oid=_text(origin, "aadObjectId").lower(),
        tenant=_text(origin, "tenantId").lower(),
    )


def plain_name(name: str) -> str:
    """Make a display name safe to show: no control or invisible characters, 64 at most."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else "" for c in name)
    return " ".join(kept.split())[:_NAME_LIMIT]


def _clean(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: _clean(inner) for name, inner in items if inner is not None and inner != ""}
    if isinstance(value, list):
        return [_clean(inner) for inner in cast("list[object]", value) if inner is not None]
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, Mapping):
        return ""
    inner = cast("Mapping[str, object]", value).get(name)
    return inner if isinstance(inner, str) else ""
