"""What a change of somebody's licences makes of them, and when it cannot be.

https://learn.microsoft.com/graph/api/user-assignlicense
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from entraclaw.sandbox.documents import Json, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.licences import Licence, by_sku


@dataclass(frozen=True, slots=True)
class Change:
    """Which licences somebody is to get, and to lose."""

    added: tuple[Licence, ...]
    removed: tuple[Licence, ...]


def read_change(body: Json) -> Change:
    """Read `addLicenses` and `removeLicenses`, both of which must be there.

    Raises:
        GraphError: They name what there is not, or one licence twice.
    """
    added = tuple(_licence(_sku(one)) for one in _list(body, "addLicenses"))
    removed = tuple(_licence(one) for one in _list(body, "removeLicenses"))
    both = [one.sku for one in (*added, *removed)]
    if len(both) != len(set(both)):
        raise _bad("License assignment cannot contain duplicate licenses.")
    return Change(added, removed)


def changed(
    held: Sequence[str], change: Change, *, country: str, free: Mapping[str, int]
) -> tuple[str, ...]:
    """What becomes of the licences *held* in *country*; *free* is how many of each are left.

    Raises:
        GraphError: It cannot be: no country, nothing left, or nothing there to lose.
    """
    if not country:
        message = "License assignment cannot be done for user with invalid usage location."
        raise _bad(message)
    for one in change.removed:
        if one.name not in held:
            raise _bad("User does not have a corresponding license.")
    new = [one for one in change.added if one.name not in held]
    for one in new:
        if free[one.name] < 1:
            raise _bad(f"Subscription with SKU {one.sku} does not have any available licenses.")
    gone = {one.name for one in change.removed}
    return (*(name for name in held if name not in gone), *(one.name for one in new))


def _licence(sku: object) -> Licence:
    found = by_sku(sku) if isinstance(sku, str) else None
    if found is None:
        raise _bad(f"License {sku} does not correspond to a valid company License.")
    return found


def _sku(one: object) -> str:
    if not isinstance(one, dict):
        raise _bad("Invalid value specified for property 'addLicenses' of resource 'User'.")
    assigned = cast("Json", one)
    if assigned.get("disabledPlans"):
        # Real ones can switch off single plans of a licence; no account here knows plans.
        raise _bad("disabledPlans is not supported by this emulated tenant.")
    return text(assigned, "skuId", "")


def _list(body: Json, name: str) -> list[object]:
    value: object = body.get(name)
    if not isinstance(value, list):
        raise _bad(f"One of the provided arguments is null or empty: {name}.")
    return cast("list[object]", value)


def _bad(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
