"""Tell who is mentioned in an activity, and which of the mentions are the agent's.

A mention is an entity that Teams made; ``@Agent`` in the text alone is only text.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from entraclaw.bot.fields import Json, first, identifier, items, mapping, text
from entraclaw.bot.plain import plain_name
from entraclaw.bot.principal import BOT
from entraclaw.identity.values import AgentIds

_MRI = "8:orgid:"  # how Teams writes a user of the directory where ids may be anything
_NAME_LIMIT = 256  # characters looked at; far fewer are shown
_TAG = re.compile(r"</?at\b[^<>]{0,256}>", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Mentioned:
    """One mention, as Teams lists it.

    Attributes:
        name: As Teams shows it.
        label: As it stands in the text, which may be shorter.
        oid: Entra object id, lower case; may be empty.
        is_agent: It is the agent who is mentioned.
    """

    name: str
    label: str
    oid: str
    is_agent: bool


def our_ids(document: Json, agent: AgentIds) -> AbstractSet[str]:
    """List the ids by which this activity may name who receives it, lower case.

    That is the bot where there is one, else the agent user: who mentions the agent user in
    a bot's conversation speaks to somebody else.
    """
    recipient = identifier(document, "recipient", "id").lower()
    prefix, own = (BOT, agent.bot) if agent.bot else (_MRI, agent.user)
    return {own, f"{prefix}{own}", recipient} - {"", prefix}


def object_id(teams_id: str) -> str:
    """Take the object id out of an id Teams gives a person; empty if there is none in it."""
    bare = teams_id.lower().removeprefix(_MRI)
    return bare if _GUID.fullmatch(bare) else ""


def mentioned(document: Json, ours: AbstractSet[str]) -> tuple[Mentioned, ...]:
    """Read every mention, in the order that the text counts them in."""
    return tuple(
        _mentioned(mapping(entity), ours)
        for entity in items(document, "entities")
        if text(entity, "type").lower() == "mention"
    )


def write_mention(people: tuple[Mentioned, ...], number: str, shown: str) -> str:
    """Write the mention with *number* that shows *shown*: nothing if it is the agent's."""
    name = plain_name(shown[:_NAME_LIMIT]).removeprefix("@")
    same = [one for one in people if name in {one.name, one.label}]
    counted = _counted(people, number)
    if counted in same:
        same = [one for one in same if one == counted]
    return "" if same and all(one.is_agent for one in same) else f"@{name}"


def _mentioned(entity: Json, ours: AbstractSet[str]) -> Mentioned:
    who = mapping(entity, "mentioned")
    ids = {identifier(who, key).lower() for key in ("id", "aadObjectId", "objectId")}
    told = first(who, "aadObjectId", "objectId", "id")
    label = plain_name(_TAG.sub("", text(entity, "text")[:_NAME_LIMIT])).removeprefix("@")
    name = plain_name(text(who, "name")[:_NAME_LIMIT])
    return Mentioned(name or label, label or name, object_id(told), bool(ids & ours))


def _counted(people: tuple[Mentioned, ...], number: str) -> Mentioned | None:
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(len(people)))):
        return None
    return people[int(number)] if int(number) < len(people) else None
