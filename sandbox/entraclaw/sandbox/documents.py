"""JSON documents, and fields taken out of them with their type checked.

Bytes become a `Json` here, once, at the edge of each listener. The readers
below answer with a plain sentence when a field is not what its reader needs;
that sentence is safe to send back to whoever wrote the document.
"""

from typing import Any, TypeAlias, cast

import orjson

# A document whose shape is somebody else's (an activity, a claim set). Fields leave it through
# the readers below; only such a document may cross a module border as it is.
Json: TypeAlias = dict[str, Any]


class DocumentError(Exception):
    """A document lacks what its reader needs; `str()` is one plain sentence."""


def load(raw: bytes) -> Json:
    """Parse *raw* as one JSON object.

    Raises:
        DocumentError: It is not JSON, or not an object.
    """
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise DocumentError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise DocumentError("the body is not a JSON object")
    return cast("Json", value)


def text(document: Json, name: str, default: str | None = None) -> str:
    """Read a string; *default* stands in when the field is absent or null.

    Raises:
        DocumentError: The field is another type, or absent without a default.
    """
    value: object = document.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise DocumentError(f"{name} must be a string")
    return value


def flag(document: Json, name: str, *, default: bool) -> bool:
    """Read a boolean.

    Raises:
        DocumentError: The field is another type.
    """
    value: object = document.get(name, default)
    if not isinstance(value, bool):
        raise DocumentError(f"{name} must be true or false")
    return value


def number(document: Json, name: str) -> float:
    """Read a number.

    Raises:
        DocumentError: The field is absent or another type.
    """
    value: object = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DocumentError(f"{name} must be a number")
    return float(value)


def texts(document: Json, name: str) -> tuple[str, ...]:
    """Read a list of strings.

    Raises:
        DocumentError: The field is absent or another type.
    """
    value: object = document.get(name)
    if not isinstance(value, list):
        raise DocumentError(f"{name} must be a list of strings")
    items = cast("list[object]", value)
    if not all(isinstance(item, str) for item in items):
        raise DocumentError(f"{name} must be a list of strings")
    return tuple(cast("list[str]", items))


def part(document: Json, name: str) -> Json:
    """Read an object; an absent or null one is empty.

    Raises:
        DocumentError: The field is another type.
    """
    value: object = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DocumentError(f"{name} must be an object")
    return cast("Json", value)


def merge(base: Json, overrides: Json) -> Json:
    """Lay *overrides* over *base*, object by object; null is a value like any other."""
    merged = dict(base)
    for name, value in overrides.items():
        under: object = merged.get(name)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[name] = merge(cast("Json", under), cast("Json", value))
        else:
            merged[name] = value
    return merged


def replace(base: Json, overrides: Json) -> Json:
    """Set the top-level fields of *overrides* in *base*; null takes a field away."""
    changed = {**base, **overrides}
    return {name: value for name, value in changed.items() if value is not None}
