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
            "servicePlans": [
                {
                    "servicePlanId": _PLANS[plan],
                    "servicePlanName": plan,
                    "provisioningStatus": "Success",
                    "appliesTo": "User",
                }
                for plan in self.plans
            ],
        }


USUAL = "SPE_E5"

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
