"""Give an agent user a licence, and take it away.

A licence needs a country first; Graph takes none for a user without one.

https://learn.microsoft.com/graph/api/user-assignlicense
https://learn.microsoft.com/graph/api/subscribedsku-list
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entraclaw.identity.provisioning.calls import Call, Document, Orders, key, text
from entraclaw.identity.provisioning.pools import LicenceRefused, Pool, chosen, country, pool_of
from entraclaw.identity.provisioning.pools import named as pool_named
from entraclaw.identity.provisioning.refused import accepted, listed

READING = frozenset({"LicenseAssignment.Read.All", "User.Read.All"})
WRITING = frozenset(
    {
        "AgentIdUser.ReadWrite.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.Read.All",
        "User.Read.All",
    }
)

_EMPTY = "does not have any available licenses"


@dataclass(frozen=True, slots=True)
class Licences:
    """What the tenant has, and what of it the agent user has.

    Attributes:
        pools: The tenant's.
        held: GUIDs of what the agent user has, of its own or by a group.
        location: Its country; empty where it has none.
    """

    pools: tuple[Pool, ...]
    held: frozenset[str]
    location: str


@dataclass(frozen=True, slots=True)
class Given:
    """What was given.

    Attributes:
        pool: Of which product.
        location: The country it is used in.
        is_new: Whether the agent had none of it.
    """

    pool: Pool
    location: str
    is_new: bool


def look(user: str) -> Orders[Licences]:
    """Read what there is, and what the agent user *user* (an object id) has of it.

    Raises:
        CallRefused: Whoever signed in may not read it.
    """
    shown = accepted((yield Call("GET", f"/v1.0/users/{key(user)}?$select=id,usageLocation")))
    pools = yield from listed("/v1.0/subscribedSkus")
    details = yield from listed(f"/v1.0/users/{key(user)}/licenseDetails")
    return Licences(
        tuple(pool_of(one) for one in pools),
        frozenset(text(one, "skuId").lower() for one in details),
        str(shown.get("usageLocation") or ""),
    )


def assign(user: str, name: str = "", location: str = "", awaits: str = "") -> Orders[Given]:
    """Give *user* a seat of the product *name*; what it has already is left as it is.

    Args:
        user: Object id of the agent user.
        name: A part number or GUID; empty where there is only one to take.
        location: Two letters; empty for the user's own, else the tenant's.
        awaits: As in `Call`, where the user was made a moment ago.

    Raises:
        LicenceRefused: There is none to give.
        CallRefused: It was refused.
    """
    seen = yield from look(user)
    pool = chosen(seen.pools, name, seen.held)
    place = country(location, seen.location, (yield from _home(seen, location)))
    if place != seen.location:
        path = f"/v1.0/users/{key(user)}"
        accepted((yield Call("PATCH", path, {"usageLocation": place}, awaits=awaits)))
    if pool.sku in seen.held:
        return Given(pool, place, is_new=False)
    yield from _change(user, [pool], [], awaits=awaits or "the country of the agent user")
    return Given(pool, place, is_new=True)


def remove(user: str, name: str) -> Orders[Pool]:
    """Take the seat of the product *name* from *user*.

    Raises:
        LicenceRefused: It has none of it.
        CallRefused: It was refused; a seat that came by a group cannot be taken so.
    """
    seen = yield from look(user)
    pool = pool_named(seen.pools, name)
    if pool.sku not in seen.held:
        raise LicenceRefused(f"the agent has no seat of {pool.name}")
    yield from _change(user, [], [pool])
    return pool


def _change(
    user: str, more: Sequence[Pool], fewer: Sequence[Pool], awaits: str = ""
) -> Orders[None]:
    none: list[str] = []
    body: Document = {
        "addLicenses": [{"skuId": pool.sku, "disabledPlans": none} for pool in more],
        "removeLicenses": [pool.sku for pool in fewer],
    }
    path = f"/v1.0/users/{key(user)}/assignLicense"
    reply = yield Call("POST", path, body, awaits=awaits)
    if not reply.is_good and _EMPTY in reply.message:
        raise LicenceRefused(
            f"the last seat of {more[0].name} was taken meanwhile" if more else "no seat is left",
            hint="`entraclaw licences list`",
        )
    accepted(reply)


def _home(seen: Licences, location: str) -> Orders[str]:
    """Read the country of the tenant, where no other is known."""
    if location or seen.location:
        return ""
    for tenant in (yield from listed("/v1.0/organization?$select=id,countryLetterCode")):
        return str(tenant.get("countryLetterCode") or "").upper()
    return ""
