"""What licences a tenant has left, and which of them would let an agent chat.

Pure. https://learn.microsoft.com/graph/api/resources/subscribedsku
Plans: https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import cast

from entraclaw.errors import EntraclawError
from entraclaw.identity.provisioning.calls import Document, text

# Chatting in Teams, in the public cloud and in the ones of governments.
_TEAMS = frozenset({"TEAMS1", "TEAMS_GOV", "TEAMS_AR_GCCHIGH", "TEAMS_AR_DOD"})
_MAILBOX = "EXCHANGE_S_"
_USABLE = frozenset({"Enabled", "Warning"})  # Warning: it has ended, and still works
_ON = frozenset({"Success", "PendingInput", "PendingActivation", "PendingProvisioning"})
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Pool:
    """One product of the tenant's.

    Attributes:
        sku: Its GUID.
        name: Its part number, as people write it: ``SPE_E5``.
        total: Seats that are paid for.
        used: Seats that somebody has.
        plans: The services in it, by name.
        is_usable: Whether seats of it can be given at all.
    """

    sku: str
    name: str
    total: int
    used: int
    plans: frozenset[str]
    is_usable: bool

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return max(0, self.total - self.used) if self.is_usable else 0

    @property
    def has_teams(self) -> bool:
        """Whether whoever has it can chat in Teams."""
        return bool(self.plans & _TEAMS)

    @property
    def has_mailbox(self) -> bool:
        """Whether it comes with a mailbox."""
        return any(plan.startswith(_MAILBOX) for plan in self.plans)


class LicenceRefused(EntraclawError):
    """No licence can be given: none is named, none is left, or nobody says where."""


def pool_of(shown: Document) -> Pool:
    """Read one subscribedSku."""
    units = shown.get("prepaidUnits")
    prepaid: Mapping[str, object] = cast("Document", units) if isinstance(units, dict) else {}
    return Pool(
        sku=text(shown, "skuId").lower(),
        name=text(shown, "skuPartNumber"),
        # Seats in warning have run out and still work.
        total=_number(prepaid.get("enabled")) + _number(prepaid.get("warning")),
        used=_number(shown.get("consumedUnits")),
        plans=plans_of(shown),
        is_usable=str(shown.get("capabilityStatus")) in _USABLE,
    )


def plans_of(shown: Document) -> frozenset[str]:
    """Name the services that are on in a subscribedSku, or in one's licenseDetails."""
    listed = shown.get("servicePlans")
    plans = cast("list[Document]", listed) if isinstance(listed, list) else []
    return frozenset(
        str(plan.get("servicePlanName"))
        for plan in plans
        if str(plan.get("provisioningStatus")) in _ON and plan.get("appliesTo") != "Company"
    )


def chosen(pools: Iterable[Pool], name: str, held: AbstractSet[str]) -> Pool:
    """Find the pool that *name* names, or the one there is to take where it names none.

    Args:
        pools: The tenant's.
        name: A part number or a GUID; empty to take the only one that has Teams and seats.
        held: GUIDs of what the agent has already.

    Raises:
        LicenceRefused: There is no such pool, it is empty, or there is more than one to take.
    """
    known = sorted(pools, key=lambda pool: pool.name.lower())
    if name:
        pool = named(known, name)
        if not pool.free and pool.sku not in held:
            raise LicenceRefused(
                f"no seat of {pool.name} is left ({pool.used} of {pool.total} are taken)",
                hint="buy one in the Microsoft 365 admin centre, or take one from somebody",
            )
        return pool
    return _only(known, held)


def named(pools: Iterable[Pool], name: str) -> Pool:
    """Find the pool with the part number or GUID *name*.

    Raises:
        LicenceRefused: There is none.
    """
    known = list(pools)
    for pool in known:
        if name.lower() in {pool.sku, pool.name.lower()}:
            return pool
    raise LicenceRefused(f"the tenant has no product {name}", hint=f"it has {_names(known)}")


def _only(pools: list[Pool], held: AbstractSet[str]) -> Pool:
    having = [pool for pool in pools if pool.has_teams]
    held_already = [pool for pool in having if pool.sku in held]
    free = held_already or [pool for pool in having if pool.free]
    if len(free) == 1:
        return free[0]
    if free:
        raise LicenceRefused(
            "more than one product would do, and none is named", hint=f"name one: {_names(free)}"
        )
    if having:
        raise LicenceRefused(
            f"no seat with Teams is left (of {_names(having)})",
            hint="buy one in the Microsoft 365 admin centre, or take one from somebody",
        )
    raise LicenceRefused(
        "the tenant has no product with Teams",
        hint="buy one in the Microsoft 365 admin centre: without it nobody can write to the agent",
    )


def country(asked: str, own: str, tenants: str) -> str:
    """Say in which country the agent uses its licence: asked for, its own, or the tenant's.

    Raises:
        LicenceRefused: None of them is a country.
    """
    found = asked.upper() or own or tenants
    if _COUNTRY.fullmatch(found):
        return found
    reason = f"{asked} is no country" if asked else "nobody says in which country the agent is"
    raise LicenceRefused(reason, hint="give --location two letters, such as DE (ISO 3166)")


def _names(pools: Iterable[Pool]) -> str:
    return ", ".join(pool.name for pool in pools) or "none"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
