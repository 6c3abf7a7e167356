"""Name conversations and senders as a person knows them.

Pure. Names are what Teams says; they are shown, and never taken for somebody's identity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from entraclaw.bot.fields import text
from entraclaw.bot.inbox import Entry
from entraclaw.bot.places import Place
from entraclaw.bot.plain import plain_name

_KINDS: Mapping[str, str] = {
    "personal": "a 1:1",
    "groupChat": "a group chat",
    "channel": "a channel",
}


@dataclass(frozen=True, slots=True)
class Labels:
    """What the conversations are called; make it with `Labels.of`."""

    _names: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, places: Iterable[Place]) -> "Labels":
        """Take the names from *places*; both names of one chat are called the same."""
        known = list(places)
        names = {place.id: _name(place) for place in known}
        for place in known:
            best = names[place.id] or names.get(place.twin, "")
            names[place.id] = best or _KINDS.get(place.kind, "")
            if place.lane:
                names.setdefault(place.lane, names[place.id])
        return cls(names)

    def __contains__(self, conversation: str) -> bool:
        """Tell whether *conversation* has a name."""
        return bool(self._names.get(conversation))

    def __getitem__(self, conversation: str) -> str:
        """Give the name of *conversation*, or its id where there is none."""
        return self._names.get(conversation, "") or plain_name(conversation)


def sender(entry: Entry) -> str:
    """Give the name of who sent *entry*; empty once it is erased, or if it has none."""
    return plain_name(text(_body(entry), "from", "name"))


def said(entry: Entry) -> str:
    """Give the text of *entry* as it came; empty once it is erased, or if it has none."""
    return text(_body(entry), "text")


def _body(entry: Entry) -> object:
    body: object = orjson.loads(entry.arrival.body) if entry.arrival.body else {}
    return body


def _name(place: Place) -> str:
    if place.kind != "personal":
        return plain_name(place.name)
    if not place.reference:
        return ""
    return plain_name(text(orjson.loads(place.reference), "from", "name"))
