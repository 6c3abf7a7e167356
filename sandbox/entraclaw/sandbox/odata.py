"""Graph's query options: how many, in which order, which, and where to go on.

Reads what the chat calls support, with their quirks, and refuses the rest in
Graph's own words. Knows nothing of what is listed.

Options: https://learn.microsoft.com/graph/query-parameters
Chat messages: https://learn.microsoft.com/graph/api/chat-list-messages
"""

import datetime as dt
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.messages import Order

LARGEST_PAGE = 50
_USUAL_PAGE = 20

_CONDITION = re.compile(r"(\w+)\s+(\w+)\s+(\S+)")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_OPERATORS = {Order.CREATED: {"lt"}, Order.MODIFIED: {"lt", "gt"}}


@dataclass(frozen=True, slots=True)
class Window:
    """One page of messages; *since* and *until* are milliseconds, both excluded."""

    order: Order
    top: int
    start: int | None
    since: int | None = None
    until: int | None = None


def window(query: Mapping[str, str]) -> Window:
    """Read the options of a list of chat messages.

    Raises:
        GraphError: An option is malformed, unknown or not supported here.
    """
    _only(query, {"$top", "$orderby", "$filter", "$skiptoken"})
    order = _order(query.get("$orderby"))
    page = Window(order or Order.MODIFIED, top(query), start(query))
    # A filter on a property that the list is not ordered by is ignored, without a word.
    conditions = _AND.split(query.get("$filter", "").strip()) if order else []
    for condition in filter(None, conditions):
        page = _narrow(page, condition)
    return page


def top(query: Mapping[str, str]) -> int:
    """Read `$top`."""
    shown = query.get("$top", str(_USUAL_PAGE))
    if not (shown.isascii() and shown.isdigit()) or int(shown[:6]) < 1:
        raise _bad(f"Invalid value '{shown}' for $top query option found.")
    if int(shown[:6]) > LARGEST_PAGE:
        raise _bad(f"The limit of '{LARGEST_PAGE}' for Top query has been exceeded.")
    return int(shown)


def start(query: Mapping[str, str]) -> int | None:
    """Read `$skiptoken`, which only this service can have written."""
    shown = query.get("$skiptoken")
    if shown is None:
        return None
    try:
        number = urlsafe_b64decode(shown + "=" * (-len(shown) % 4)).decode()
    except (Base64Error, ValueError):
        number = ""
    if not re.fullmatch(r"at:\d{1,15}", number):
        raise _bad("Invalid continuation token")
    return int(number.removeprefix("at:"))


def expand(query: Mapping[str, str], known: frozenset[str]) -> frozenset[str]:
    """Read `$expand`, which may name only what is *known*."""
    names = frozenset(filter(None, re.split(r"\s*,\s*", query.get("$expand", "").strip())))
    if unknown := names - known:
        raise _bad(f"Could not find a property named '{min(unknown)}'.")
    return names


def nothing_but(query: Mapping[str, str], *names: str) -> None:
    """Refuse every option that is not one of *names*."""
    _only(query, set(names))


def next_link(url: str, query: Mapping[str, str], position: int) -> str:
    """Write the address of the next page, which begins at *position*."""
    token = urlsafe_b64encode(f"at:{position}".encode()).decode().rstrip("=")
    kept = {**query, "$skiptoken": token}
    return f"{url}?{'&'.join(f'{name}={quote(value)}' for name, value in kept.items())}"


def _only(query: Mapping[str, str], names: set[str]) -> None:
    for name in query:
        if name.startswith("$") and name not in names:
            raise _bad(f"Query option '{name[1:].capitalize()}' is not allowed.")


def _order(shown: str | None) -> Order | None:
    if shown is None:
        return None
    name, _, direction = shown.strip().partition(" ")
    if name not in {order.value for order in Order}:
        raise _bad(f"QueryOptions to order by '{name}' is not supported.")
    if direction.strip() != "desc":
        raise _bad(f"QueryOptions to order by '{name}' in 'Ascending' direction is not supported.")
    return Order(name)


def _narrow(page: Window, condition: str) -> Window:
    found = _CONDITION.fullmatch(condition.strip())
    if not found:
        raise _bad(f"Invalid filter clause: {condition}")
    name, operator, shown = found.groups()
    if name != page.order.value:
        return page
    if operator not in _OPERATORS[page.order]:
        raise _bad(f"Filter operator '{operator}' is not supported on '{name}'.")
    at = _instant(shown)
    if operator == "gt":
        return replace(page, since=max(at, page.since or 0))
    return replace(page, until=at if page.until is None else min(at, page.until))


def _instant(shown: str) -> int:
    try:
        at = dt.datetime.fromisoformat(shown)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _bad(f"Invalid date or time in the filter clause: {shown}")
    return int(at.timestamp() * 1000)


def _bad(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)
