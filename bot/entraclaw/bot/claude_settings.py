"""Put our plugin into a user's settings of Claude Code, and take exactly that out again.

What was put in is kept as a list of changes, each with what stood there before. Taking out
goes by that list alone: what a person changed since then, or had before, stays.

Contract: https://code.claude.com/docs/en/settings
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

Json = dict[str, Any]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was put in.

    Attributes:
        path: The names that lead to it.
        value: What stands there now; of a list, what was added to it.
        before: ``[value]`` that stood there, or empty; of a list always empty.
        in_list: It was added to a list.
    """

    path: Path
    value: Any
    before: tuple[Any, ...] = ()
    in_list: bool = False


class NotOurs(ValueError):
    """The settings have something else where an object or a list must be."""


def wanted(marketplace: str, folder: str, plugin: str, allow: Iterable[str]) -> list[Change]:
    """List what makes *plugin*, in the *marketplace* in *folder*, known and enabled."""
    source = {"source": {"source": "directory", "path": folder}}
    return [
        Change(("extraKnownMarketplaces", marketplace), source),
        Change(("enabledPlugins", plugin), value=True),
        *(Change(("permissions", "allow"), rule, in_list=True) for rule in allow),
    ]


def by_hand(own: Mapping[str, Any], server: str) -> list[str]:
    """Say where *server* was added by hand: "everywhere", or the folder of a project.

    Args:
        own: What Claude Code keeps for itself, in ``.claude.json``.
        server: Its name.
    """
    projects = own.get("projects")
    found: dict[str, object] = {"everywhere": own}
    if isinstance(projects, dict):
        found |= cast("dict[str, object]", projects)
    return [name for name, holder in found.items() if _has(holder, server)]


def put_in(settings: Json, changes: Sequence[Change]) -> tuple[Json, list[Change]]:
    """Make *changes*; gives the new settings, and what was needed for that, in order.

    Raises:
        NotOurs: Something else stands in the way.
    """
    document, made = deepcopy(settings), list[Change]()
    for change in changes:
        holder = _holder(document, change.path[:-1], made)
        if change.in_list:
            _add(holder, change, made)
        elif not _is(holder, change):
            made.append(_set(holder, change.path, change.value))
    return document, made


def take_out(settings: Json, made: Sequence[Change]) -> Json:
    """Undo *made*, the last one first, where it still stands as it was put in."""
    document = deepcopy(settings)
    for change in reversed(made):
        holder = document
        for name in change.path[:-1]:
            found = holder.get(name)
            holder = cast("Json", found) if isinstance(found, dict) else {}
        if change.path[-1] in holder:
            _restore(holder, change)
    return document


def _restore(holder: Json, change: Change) -> None:
    name = change.path[-1]
    if change.in_list:
        if isinstance(holder[name], list):
            holder[name] = [one for one in holder[name] if one != change.value]
    elif _is(holder, change):
        del holder[name]
        for value in change.before:
            holder[name] = value


def merged(old: Iterable[Change], new: Iterable[Change]) -> list[Change]:
    """Join two lists of what was put in, one after the other.

    Of one place, the later value counts, and what stood there before the first.
    """
    kept = {_key(change): change for change in old}
    for change in new:
        first = kept.get(_key(change), change)
        kept[_key(change)] = Change(change.path, change.value, first.before, change.in_list)
    return list(kept.values())


def to_json(changes: Iterable[Change]) -> list[Json]:
    """Write changes down."""
    return [
        {
            "path": list(one.path),
            "value": one.value,
            "before": list(one.before),
            "in_list": one.in_list,
        }
        for one in changes
    ]


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Read changes back.

    Raises:
        KeyError: Some field is missing.
    """
    return [
        Change(tuple(row["path"]), row["value"], tuple(row["before"]), bool(row["in_list"]))
        for row in rows
    ]


def _has(holder: object, server: str) -> bool:
    servers = cast("Json", holder).get("mcpServers") if isinstance(holder, dict) else None
    return isinstance(servers, dict) and server in servers


def _key(change: Change) -> tuple[Path, str]:
    return change.path, str(change.value) if change.in_list else ""


def _holder(document: Json, path: Path, made: list[Change]) -> Json:
    """Find the object at *path*, making what is missing on the way."""
    here = document
    for length, name in enumerate(path, 1):
        if name not in here:
            made.append(_set(here, path[:length], {}))
        found = here[name]
        if not isinstance(found, dict):
            raise NotOurs(f"{'.'.join(path[:length])} is no object")
        here = cast("Json", found)
    return here


def _is(holder: Json, change: Change) -> bool:
    """Tell whether it stands there so; for Python 1 is true, for JSON it is not."""
    missing = object()
    found = holder.get(change.path[-1], missing)
    return type(found) is type(change.value) and bool(found == change.value)


def _add(holder: Json, change: Change, made: list[Change]) -> None:
    name = change.path[-1]
    if name not in holder:
        made.append(_set(holder, change.path, []))
    if not isinstance(holder[name], list):
        raise NotOurs(f"{'.'.join(change.path)} is no list")
    rules: list[Any] = holder[name]
    if change.value not in rules:
        rules.append(change.value)
        made.append(change)


def _set(holder: Json, path: Path, value: Any) -> Change:  # noqa: ANN401 - any JSON
    name = path[-1]
    before = (holder[name],) if name in holder else ()
    holder[name] = deepcopy(value)
    return Change(path, value, before)
