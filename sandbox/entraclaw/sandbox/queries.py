"""Graph's query options for a list of directory objects: which of them, and what of each.

Reads what administrators' tools ask for and refuses the rest in Graph's own words. It looks
at the documents that are listed and knows nothing else of them.

Options: https://learn.microsoft.com/graph/query-parameters
Directory objects: https://learn.microsoft.com/graph/aad-advanced-queries
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.odata import next_link, start

LARGEST_PAGE = 999
_USUAL_PAGE = 100

_Test: TypeAlias = Callable[[Json], bool]

_AND = re.compile(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", re.IGNORECASE)
_TEXT = r"'((?:[^']|'')*)'"
_EQUAL = re.compile(rf"(\w+)\s+eq\s+(?:{_TEXT}|(true|false))")
_STARTS = re.compile(rf"startswith\(\s*(\w+)\s*,\s*{_TEXT}\s*\)", re.IGNORECASE)
_ANY = re.compile(rf"(\w+)/any\(\s*(\w+)\s*:\s*(\w+)\s+eq\s+{_TEXT}\s*\)")
_KNOWN = frozenset({"$filter", "$select", "$top", "$skiptoken", "$count"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: its documents, and the address of the next page."""

    value: Sequence[Json]
    next: str | None


def listing(
    url: str, query: Mapping[str, str], everything: Iterable[Json], filterable: frozenset[str]
) -> Listing:
    """Choose the page that *query* asks for of *everything*; *filterable* are property names.

    Raises:
        GraphError: An option is malformed, unknown or not supported here.
    """
    if unknown := {name for name in query if name.startswith("$")} - _KNOWN:
        raise _bad(f"Query option '{min(unknown)}' is not allowed.")
    tests = _tests(query.get("$filter", ""), filterable)
    found = [one for one in everything if all(test(one) for test in tests)]
    begin, top = start(query) or 0, _top(query)
    end = begin + top
    more = next_link(url, query, end) if end < len(found) else None
    return Listing([selected(one, query) for one in found[begin:end]], more)


def selected(whole: Json, query: Mapping[str, str], hidden: frozenset[str] = frozenset()) -> Json:
    """Choose the properties that `$select` names; without one, all that are not *hidden*.

    Raises:
        GraphError: It names one that there is not.
    """
    names = _names(query)
    if not names:
        return {name: value for name, value in whole.items() if name not in hidden}
    if unknown := [name for name in names if name not in whole]:
        raise _bad(
            "Parsing OData Select and Expand failed: Could not find a property named "
            f"'{unknown[0]}' on the type of this object."
        )
    notes = {name: value for name, value in whole.items() if name.startswith("@")}
    return {**notes, **{name: whole[name] for name in names}}


def narrowed(context: str, query: Mapping[str, str]) -> str:
    """Say in a *context* which properties `$select` names.

    https://docs.oasis-open.org/odata/odata-json-format/v4.01: contexts of projected entities
    """
    names = _names(query)
    return f"{context}({','.join(names)})" if names else context


def _names(query: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in query.get("$select", "").split(",") if name.strip()]


def _tests(text: str, filterable: frozenset[str]) -> list[_Test]:
    conditions = _AND.split(text.strip()) if text.strip() else []
    return [_test(condition.strip(), filterable) for condition in conditions]


def _test(condition: str, filterable: frozenset[str]) -> _Test:
    if found := _EQUAL.fullmatch(condition):
        name, wanted, truth = found.groups()
        _check(name, filterable)
        if truth:
            return lambda one: one.get(name) is (truth == "true")
        return lambda one: _folded(one.get(name)) == _literal(wanted)
    if found := _STARTS.fullmatch(condition):
        name, wanted = found.groups()
        _check(name, filterable)
        return lambda one: _folded(one.get(name)).startswith(_literal(wanted))
    if (found := _ANY.fullmatch(condition)) and found[2] == found[3]:
        name, wanted = found[1], found[4]
        _check(name, filterable)
        return lambda one: _literal(wanted) in map(_folded, one.get(name) or ())
    raise _bad(f"Invalid filter clause: {condition}")


def _check(name: str, filterable: frozenset[str]) -> None:
    if name not in filterable:
        message = f"Unsupported or invalid query filter clause specified for property '{name}'."
        raise GraphError(400, "Request_UnsupportedQuery", message)


def _literal(text: str) -> str:
    return text.replace("''", "'").lower()


def _folded(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _top(query: Mapping[str, str]) -> int:
    shown = query.get("$top", str(_USUAL_PAGE))
    if not (shown.isascii() and shown.isdigit()) or not 1 <= int(shown[:6]) <= LARGEST_PAGE:
        raise _bad(f"Invalid page size specified: '{shown}'. Must be between 1 and 999 inclusive.")
    return int(shown)


def _bad(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)
