"""What an address of Graph leads to: a type, one or many of it, or no JSON at all.

The same words are read in a request's path and in the `@odata.context` of its answer.

URLs: https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html
Context URLs: https://docs.oasis-open.org/odata/odata-json-format/v4.01
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from graph_shape.csdl import Csdl, Shape, bare

# A name, and what stands in brackets after it: a key, or in a context what was selected.
_SEGMENT = re.compile(r"([^/()]+)(?:\(((?:'[^']*'|[^()']|\([^()]*\))*)\))?")
_KEY = re.compile(r"(?:\w+=)?'[^']*'(?:,\w+='[^']*')*")

NOTHING = Shape("nothing")
RAW = Shape("raw")
_ENDS = {"$ref": NOTHING, "$value": RAW, "content": RAW}


class NoSuchAddressError(Exception):
    """The address leads nowhere; `str()` says at which word."""


def leads_to(csdl: Csdl, path: str) -> Shape:
    """Follow *path*, without its version; `NOTHING` is an answer without a body.

    Raises:
        NoSuchAddressError: A word of it is unknown where it stands.
    """
    words = [*_words(path)]
    shape: Shape | None = None
    for name, brackets in words:
        shape = _step(csdl, shape, name)
        if brackets and _KEY.fullmatch(brackets):
            shape = shape.one
    if shape is None:
        raise NoSuchAddressError("the address is empty")
    return shape


def selected(context: str) -> frozenset[str]:
    """The properties that a context says were selected; none if all were."""
    named = [brackets for _, brackets in _words(context) if brackets and not _KEY.match(brackets)]
    return frozenset(name.strip() for name in ",".join(named).split(",") if name.strip())


def _words(path: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in _SEGMENT.finditer(path):
        if path[at : found.start()].strip("/"):
            raise NoSuchAddressError(f"{path!r} is not made of segments")
        at = found.end()
        yield found[1], found[2] or ""
    if path[at:].strip("/"):
        raise NoSuchAddressError(f"{path!r} is not made of segments")


def _step(csdl: Csdl, shape: Shape | None, name: str) -> Shape:
    if shape is None:
        return _begin(csdl, name)
    if name in _ENDS:
        return _ENDS[name]
    if name == "$entity" or (shape.is_many and bare(name) is None):
        return shape.one  # its own word, or the key of one
    own = bare(name) or name
    for kind in csdl.line(shape.kind):
        if (own, kind.name) in csdl.actions:
            return csdl.actions[own, kind.name] or NOTHING
    if own != name:
        return _cast(csdl, shape, own)
    if field := csdl.fields(shape.kind).get(name):
        return field.shape
    raise NoSuchAddressError(f"{shape.kind} has no {name}")


def _begin(csdl: Csdl, name: str) -> Shape:
    if name in csdl.roots:
        return csdl.roots[name]
    if name == "Collection":
        raise NoSuchAddressError("a collection of what is not an entity set")
    if (kind := bare(name)) and csdl.kind(kind):
        return Shape(kind)
    raise NoSuchAddressError(f"nothing is called {name}")


def _cast(csdl: Csdl, shape: Shape, kind: str) -> Shape:
    if not csdl.extends(kind, shape.kind):
        raise NoSuchAddressError(f"{kind} is no {shape.kind}")
    return replace(shape, kind=kind)
