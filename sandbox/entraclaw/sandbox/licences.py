"""Licences: what an administrator assigns, and which services each one turns on.

Names and ids are Microsoft's own, so that a reader who knows them finds them here.

https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference
"""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from entraclaw.sandbox.documents import Json

_PLANS: Mapping[str, str] = MappingProxyType(
    {
        "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
        "EXCHANGE_S_ENTERPRISE": "efb87545-963c-4e0d-99df-69c6916d9eb0",
        "EXCHANGE_S_STANDARD": "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
        "SHAREPOINTENTERPRISE": "5dbe027f-2339-4123-9542-606e4d348a72",
        "M365_COPILOT_TEAMS": "b95945de-b3bd-46db-8437-f2beb6ea2347",
    }
)


@dataclass(frozen=True, slots=True)
class Licence:
    """A product: its id, its part number, and the service plans in it."""

    sku: str
    name: str
    plans: tuple[str, ...]

    def document(self, tenant: str) -> Json:
        """The licenseDetails of somebody in *tenant* who has it."""
        own = uuid.UUID(tenant).bytes_le + uuid.UUID(self.sku).bytes_le
        return {
            "id": urlsafe_b64encode(own).decode().rstrip("="),
            "skuId": self.sku,
            "skuPartNumber": self.name,
            "servicePlans": self._plans(),
        }

    def pool(self, tenant: str, account: str, *, bought: int, used: int) -> Json:
        """The subscribedSku of *tenant*, whose *account* is its name."""
        return {
            "id": f"{tenant}_{self.sku}",
            "accountId": tenant,
            "accountName": account,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": used,
            "prepaidUnits": {"enabled": bought, "suspended": 0, "warning": 0, "lockedOut": 0},
            "skuId": self.sku,
            "skuPartNumber": self.name,
            "subscriptionIds": [str(uuid.uuid5(uuid.UUID(tenant), self.sku))],
            "servicePlans": self._plans(),
        }

    def _plans(self) -> list[Json]:
        return [
            {
                "servicePlanId": _PLANS[plan],
                "servicePlanName": plan,
                "provisioningStatus": "Success",
                "appliesTo": "User",
            }
            for plan in self.plans
        ]


USUAL = "SPE_E5"
_BOUGHT = 10_000

LICENCES: Mapping[str, Licence] = MappingProxyType(
    {
        licence.name: licence
        for licence in (
            Licence(
                "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
                USUAL,
                ("TEAMS1", "EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE"),
            ),
            Licence(
                "7e31c0d9-9551-471d-836f-32ee72be4a01",
                "Microsoft_Teams_Enterprise_New",
                ("TEAMS1",),
            ),
            Licence(
                "18a4bd3f-0b5b-4887-b04f-61dd0ee15f5e",
                "Microsoft_365_E5_(no_Teams)",
                ("EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE"),
            ),
            Licence(
                "639dec6b-bb19-468b-871c-c5c441c4b0cb",
                "Microsoft_365_Copilot",
                ("M365_COPILOT_TEAMS",),
            ),
            Licence(
                "4b9405b0-7788-4568-add1-99614e613b69", "EXCHANGESTANDARD", ("EXCHANGE_S_STANDARD",)
            ),
        )
    }
)


def has_mailbox(licences: tuple[str, ...]) -> bool:
    """Whether one of the *licences* comes with a mailbox."""
    return any(plan.startswith("EXCHANGE_S_") for name in licences for plan in LICENCES[name].plans)


def has_teams(licences: tuple[str, ...]) -> bool:
    """Whether one of the *licences* comes with Teams."""
    return any("TEAMS1" in LICENCES[name].plans for name in licences)


def by_sku(sku: str) -> Licence | None:
    """Find a licence by its id."""
    wanted = sku.lower()
    return next((one for one in LICENCES.values() if one.sku == wanted), None)


class Pools:
    """The tenant's own, by the name of the licence."""

    def __init__(self) -> None:
        self._bought = dict.fromkeys(LICENCES, _BOUGHT)

    def buy(self, name: str, number: int) -> None:
        """Have *number* of them, be it fewer than are in use."""
        self._bought[name] = number

    def bought(self, name: str) -> int:
        """How many there are; 0 for one that the tenant never subscribed to."""
        return self._bought[name]
