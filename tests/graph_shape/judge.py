"""What Graph's own CSDL has against an answer.

Pure: an answer goes in, sentences come out, each with the place in the answer; none means
that nothing contradicts it.

JSON: https://docs.oasis-open.org/odata/odata-json-format/v4.01
Errors: https://learn.microsoft.com/graph/errors
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast
from uuid import UUID

from graph_shape.csdl import Csdl, Field, Shape, bare
from graph_shape.paths import NOTHING, RAW, NoSuchAddressError, leads_to, selected

_ERROR = Shape("oDataError")
_ERROR_SAYS = ("code", "message", "innerError")
_INNER_SAYS = ("date", "request-id", "client-request-id")

_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(:\d\d(\.\d{1,12})?)?"
_PATTERNS = {
    "Edm.DateTimeOffset": re.compile(rf"{_DATE}T{_TIME}(Z|[+-]\d\d:\d\d)"),
    "Edm.Date": re.compile(_DATE),
    "Edm.TimeOfDay": re.compile(_TIME),
    "Edm.Duration": re.compile(r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for *method* on *path*, which begins with the version; no body is None."""

    method: str
    path: str
    status: int
    body: object
    select: frozenset[str] = frozenset()


def contradictions(csdl: Csdl, answer: Answer) -> list[str]:
    """Say what *csdl* has against *answer*."""
    return [*_against(csdl, answer)]


def _against(csdl: Csdl, answer: Answer) -> Iterator[str]:
    _, _, path = answer.path.lstrip("/").partition("/")
    try:
        due = leads_to(csdl, path)
    except NoSuchAddressError as nowhere:
        yield f"{answer.path}: {nowhere}"
        return
    if answer.status >= HTTPStatus.BAD_REQUEST:
        yield from _refusal(csdl, answer.body)
    elif answer.status == HTTPStatus.NO_CONTENT or due is NOTHING:
        if answer.body is not None:
            yield "an answer without content has a body"
    elif due is not RAW:
        yield from _document(csdl, answer, due)


def _refusal(csdl: Csdl, body: object) -> Iterator[str]:
    yield from _value(csdl, "", _ERROR, _without_zone(body))
    error = _part(body, "error")
    for said, where, names in (
        (error, "error", _ERROR_SAYS),
        (_part(error, "innerError"), "error.innerError", _INNER_SAYS),
    ):
        for name in names:
            if not said.get(name):
                yield f"{where}.{name} is missing"


def _without_zone(body: object) -> object:
    # The one moment that Graph writes without a zone: it is UTC.
    error, inner = _part(body, "error"), _part(_part(body, "error"), "innerError")
    date = inner.get("date")
    if not isinstance(date, str):
        return body
    zoned = {**inner, "date": f"{date}Z"}
    return {**(_object(body) or {}), "error": {**error, "innerError": zoned}}


def _document(csdl: Csdl, answer: Answer, due: Shape) -> Iterator[str]:
    body = _object(answer.body)
    if not body:
        yield f"an object is due, and the answer is {_told(answer.body)}"
        return
    # What is made is answered with itself, though its address is that of the many.
    one = due.one if answer.method == "POST" and due.is_many else due
    yield from _context(csdl, body, one, answer.select)
    if not one.is_many:
        yield from _structure(csdl, "", one, body, answer.select)
        return
    for name in body:
        if name != "value" and not name.startswith("@"):
            yield f"{name} stands beside the list"
    yield from _value(csdl, "value", one, body.get("value"), answer.select)


def _context(
    csdl: Csdl, body: Mapping[str, object], due: Shape, select: frozenset[str]
) -> Iterator[str]:
    context = body.get("@odata.context")
    if not isinstance(context, str):
        yield "@odata.context is missing"
        return
    base, _, fragment = context.partition("/$metadata#")
    if not base.startswith("https://") or not base.endswith(("/v1.0", "/beta")):
        yield f"@odata.context is not of this service: {context}"
    try:
        told = leads_to(csdl, fragment)
    except NoSuchAddressError as nowhere:
        yield f"@odata.context: {nowhere}"
        return
    if told.is_many != due.is_many or not _related(csdl, told.kind, due.kind):
        yield f"@odata.context tells of {_shape(told)}, and the address of {_shape(due)}"
    if selected(fragment) != select:
        yield f"@odata.context tells of other properties than were selected: {fragment}"


def _related(csdl: Csdl, one: str, other: str) -> bool:
    return csdl.extends(one, other) or csdl.extends(other, one)


def _value(
    csdl: Csdl, at: str, due: Shape, value: object, select: frozenset[str] = frozenset()
) -> Iterator[str]:
    if not due.is_many:
        yield from _single(csdl, at, due, value, select)
    elif isinstance(value, list):
        for number, one in enumerate(cast("list[object]", value)):
            yield from _single(csdl, f"{at}[{number}]", due.one, one, select)
    else:
        yield f"{at}: a list is due, and it is {_told(value)}"


def _single(
    csdl: Csdl, at: str, due: Shape, value: object, select: frozenset[str]
) -> Iterator[str]:
    kind = due.kind
    if kind.startswith("Edm."):
        if not _PRIMITIVES[kind](value):
            yield f"{at}: {kind} is due, and it is {_told(value)}"
    elif (members := csdl.members(kind)) is not None:
        if value not in members:
            yield f"{at}: {kind} has no member {_told(value)}"
    elif (structure := _object(value)) is not None:
        yield from _structure(csdl, at, due, structure, select)
    else:
        yield f"{at}: {kind} is due, and it is {_told(value)}"


def _structure(
    csdl: Csdl, at: str, due: Shape, value: Mapping[str, object], select: frozenset[str]
) -> Iterator[str]:
    kind = _kind(csdl, due.kind, value)
    if kind is None:
        yield f"{_at(at, '@odata.type')}: {_told(value['@odata.type'])} is no {due.kind}"
    elif csdl.kind(kind) is None:
        yield f"{at}: {kind} is not in the excerpt"
    else:
        if due.is_keyed and csdl.is_entity(kind) and not select and "id" not in value:
            yield f"{_at(at, 'id')} is missing"
        for name, one in value.items():
            if not name.startswith("@"):
                yield from _property(csdl, kind, at, name, one)


def _kind(csdl: Csdl, due: str, value: Mapping[str, object]) -> str | None:
    if "@odata.type" not in value:
        return due
    written = value["@odata.type"]
    said = bare(written.removeprefix("#")) if isinstance(written, str) else None
    return said if said and csdl.extends(said, due) else None


def _property(csdl: Csdl, kind: str, at: str, name: str, value: object) -> Iterator[str]:
    declared = csdl.fields(kind).get(name.partition("@")[0])
    if declared is None:
        if not csdl.is_open(kind):
            yield f"{_at(at, name)}: {kind} has no such property"
    elif "@" in name or _is_fine_null(value, declared):
        return
    else:
        yield from _value(csdl, _at(at, name), declared.shape, value)


def _is_fine_null(value: object, declared: Field) -> bool:
    # A list is never null, however empty.
    return value is None and declared.is_nullable and not declared.shape.is_many


def _at(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _shape(shape: Shape) -> str:
    return f"a list of {shape.kind}" if shape.is_many else f"one {shape.kind}"


def _told(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _object(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def _part(value: object, name: str) -> Mapping[str, object]:
    return _object((_object(value) or {}).get(name)) or {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_guid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_binary(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(b64decode(value, validate=True) or not value)
    except Base64Error:
        return False


def _written_as(kind: str) -> Callable[[object], bool]:
    pattern = _PATTERNS[kind]
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_PRIMITIVES: Mapping[str, Callable[[object], bool]] = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int16": _is_whole,
    "Edm.Int32": _is_whole,
    "Edm.Int64": _is_whole,
    "Edm.Double": _is_number,
    "Edm.Single": _is_number,
    "Edm.Decimal": _is_number,
    "Edm.Guid": _is_guid,
    "Edm.Binary": _is_binary,
    "Edm.Stream": _is_binary,
    **{kind: _written_as(kind) for kind in _PATTERNS},
}
