"""Read what Teams sends, forgivingly: a clean document for the SDK, a sender for the gate.

The Agents SDK's models raise on nulls, empty strings and entities without a type, all of
which Teams sends. `normalise` takes exactly those out; the inbox keeps the bytes as they
came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import orjson

from entraclaw.bot.fields import text

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who an activity says it is from.

    Attributes:
        oid: Entra object id, lower case; empty when the activity names none.
        tenant: The sender's directory, lower case; empty when the activity names none.
    """

    oid: str
    tenant: str


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


def _clean(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: _clean(inner) for name, inner in items if inner is not None and inner != ""}
    if isinstance(value, list):
        return [_clean(inner) for inner in cast("list[object]", value) if inner is not None]
    return value
