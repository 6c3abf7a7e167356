"""What a setup made, step by step, so that another one goes on and `teardown` undoes it.

Before anything is made it says so, with the moment: whoever died in between looks for the
thing by its mark, as long as a copy of the directory may not show it yet. No secret is in it.

Pure: `entraclaw.bot` keeps it in the profile's folder, whole or not at all.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar, cast

_VERSION = 1
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_T = TypeVar("_T")


class Part(StrEnum):
    """What an agent consists of in a tenant, in the order in which it is made."""

    BLUEPRINT = "blueprint"
    PRINCIPAL = "principal"
    IDENTITY = "agent identity"
    USER = "agent user"


@dataclass(frozen=True, slots=True)
class Thing:
    """One of them.

    Attributes:
        id: Its object id.
        is_ours: Whether setup made it, and so `teardown` deletes it.
        at: When that was noted, seconds since the epoch.
    """

    id: str
    is_ours: bool
    at: float


def _none(kind: type[_T]) -> Callable[[], Mapping[str, _T]]:
    del kind
    return lambda: MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Journal:
    """What the setup of one profile did.

    Attributes:
        mark: Of the profile: `entraclaw.identity.provisioning.marks`.
        login: The login host of the cloud.
        tenant: Where it was done.
        begun: When what is not noted yet was about to be made, by part.
        things: What is there, by part.
        app: The blueprint's application id; empty until there is one.
        certificates: Thumbprints that were registered, by the application's object id.
        sponsors: Object ids that were made sponsors of the agent user.
        scopes: Permissions that were granted, by the resource's application id.
        licences: The SKUs that were assigned.
        endpoint: Where messages are sent to since; empty if that was not registered.
        has_key: Whether the profile's key was made for this.
        settings: What was written into ``config.toml``: each value in JSON.
        is_done: Whether a test message arrived.
    """

    mark: str
    login: str
    tenant: str
    begun: Mapping[str, float] = field(default_factory=_none(float))
    things: Mapping[str, Thing] = field(default_factory=_none(Thing))
    app: str = ""
    certificates: Mapping[str, str] = field(default_factory=_none(str))
    sponsors: tuple[str, ...] = ()
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=_none(tuple[str, ...]))
    licences: tuple[str, ...] = ()
    endpoint: str = ""
    has_key: bool = False
    settings: Mapping[str, str] = field(default_factory=_none(str))
    is_done: bool = False

    def beginning(self, part: Part, now: float) -> "Journal":
        """Note that *part* is about to be made."""
        return replace(self, begun={**self.begun, part: now})

    def noting(self, part: Part, thing: Thing) -> "Journal":
        """Note that *part* is there."""
        begun = {name: at for name, at in self.begun.items() if name != part}
        return replace(self, begun=begun, things={**self.things, part: thing})

    def without(self, part: Part) -> "Journal":
        """Forget *part*: it is gone."""
        begun = {name: at for name, at in self.begun.items() if name != part}
        things = {name: one for name, one in self.things.items() if name != part}
        return replace(self, begun=begun, things=things)

    def id_of(self, part: Part) -> str:
        """Give the object id of *part*; empty while there is none."""
        thing = self.things.get(part)
        return thing.id if thing else ""

    def made(self, part: Part) -> bool:
        """Tell whether setup made *part*."""
        thing = self.things.get(part)
        return thing is not None and thing.is_ours

    @property
    def has_all(self) -> bool:
        """Whether all four parts are there."""
        return all(part in self.things for part in Part)


def written(journal: Journal) -> str:
    """Write *journal* as JSON, a line for each thing."""
    document = {
        "version": _VERSION,
        "mark": journal.mark,
        "login": journal.login,
        "tenant": journal.tenant,
        "app": journal.app,
        "begun": dict(journal.begun),
        "things": {
            part: {"id": one.id, "is_ours": one.is_ours, "at": one.at}
            for part, one in journal.things.items()
        },
        "certificates": dict(journal.certificates),
        "sponsors": list(journal.sponsors),
        "scopes": {app: list(scopes) for app, scopes in journal.scopes.items()},
        "licences": list(journal.licences),
        "endpoint": journal.endpoint,
        "has_key": journal.has_key,
        "settings": dict(journal.settings),
        "is_done": journal.is_done,
    }
    return f"{json.dumps(document, indent=1)}\n"


def read(text: str) -> Journal:
    """Read what `written` wrote.

    Raises:
        ValueError: It is not that, or not all of it.
    """
    document = _mapping(json.loads(text))
    if document.get("version") != _VERSION:
        raise ValueError("it is of another version")
    if set(document) != _NAMES:
        raise ValueError("something is missing in it, or does not belong there")
    return Journal(
        mark=_guid(document["mark"]),
        login=_text(document["login"]),
        tenant=_guid(document["tenant"]),
        begun={_part(name): _moment(at) for name, at in _mapping(document["begun"]).items()},
        things={_part(name): _thing(one) for name, one in _mapping(document["things"]).items()},
        app=_guid(document["app"]) if document["app"] else "",
        certificates=_texts_by(document["certificates"]),
        sponsors=_texts(document["sponsors"]),
        scopes={app: _texts(one) for app, one in _mapping(document["scopes"]).items()},
        licences=_texts(document["licences"]),
        endpoint=_text(document["endpoint"]),
        has_key=_truth(document["has_key"]),
        settings=_texts_by(document["settings"]),
        is_done=_truth(document["is_done"]),
    )


_NAMES = json.loads(written(Journal("", "", ""))).keys()


def _thing(value: object) -> Thing:
    one = _mapping(value)
    if set(one) != {"id", "is_ours", "at"}:
        raise ValueError("a thing is not whole")
    return Thing(_guid(one["id"]), _truth(one["is_ours"]), _moment(one["at"]))


def _mapping(value: object) -> Mapping[str, object]:
    if isinstance(value, dict):
        return cast("Mapping[str, object]", value)
    raise ValueError("it is no object where one must be")


def _part(name: str) -> str:
    return Part(name)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("it is no text where one must be")


def _guid(value: object) -> str:
    text = _text(value)
    if _GUID.fullmatch(text):
        return text
    raise ValueError("it has no id where one must be")


def _moment(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("it has no moment where one must be")


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("it is neither true nor false where it must be")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(one) for one in cast("list[object]", value))
    raise ValueError("it is no list where one must be")


def _texts_by(value: object) -> Mapping[str, str]:
    return {name: _text(one) for name, one in _mapping(value).items()}
