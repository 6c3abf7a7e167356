"""Read a field of a JSON document, whatever stands there.

Admission checks the type and the conversation of an activity; everything else may be
absent, null or of another type, and reads as empty then.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

Json: TypeAlias = Mapping[str, object]

_ID_LIMIT = 1024  # characters; ids of channels, with a thread's id behind them, stay below 300


def mapping(value: object, *path: str) -> Json:
    """Read the object at *path*; anything else that stands there reads as an empty one."""
    for name in path:
        value = mapping(value).get(name)
    return cast("Json", value) if isinstance(value, Mapping) else {}


def items(value: object, *path: str) -> Sequence[object]:
    """Read the array at *path*; anything else that stands there reads as an empty one."""
    value = _at(value, path)
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def text(value: object, *path: str) -> str:
    """Read the string at *path*; anything else that stands there reads as empty."""
    value = _at(value, path)
    return value if isinstance(value, str) else ""


def first(value: object, *names: str) -> str:
    """Read the first of the fields *names* that holds a string which is not empty."""
    return next((found for name in names if (found := text(value, name))), "")


def identifier(value: object, *path: str) -> str:
    """Read an id: what is longer than an id can be, or does not print, is none."""
    found = text(value, *path)
    return found if len(found) <= _ID_LIMIT and found.isprintable() else ""


def _at(value: object, path: tuple[str, ...]) -> object:
    if not path:
        return value
    return mapping(value, *path[:-1]).get(path[-1])
