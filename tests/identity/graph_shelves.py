"""What a directory holds, and from when on it shows what was made a moment ago."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from entraclaw.identity.provisioning.calls import Reply

Json = dict[str, Any]

ADA = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa"
BLUEPRINT = "microsoft.graph.agentIdentityBlueprint"
IDENTITY = "microsoft.graph.agentIdentity"
USER = "microsoft.graph.agentUser"


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def refused(status: int, code: str, message: str = "") -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})


UNKNOWN = refused(404, "Request_ResourceNotFound")


@dataclass(slots=True)
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(slots=True)
class Shelves:
    """The objects of a tenant; each is shown *lag* seconds after it was made."""

    clock: Clock
    lag: float = 0.0
    objects: dict[str, Json] = field(default_factory=dict[str, Json])
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def of(self, kind: str) -> list[Json]:
        return [one for one in self.objects.values() if one["kind"] == kind]

    def put(self, kind: str, body: Json) -> Json:
        return self.keep(guid(next(self.numbers)), kind, body)

    def keep(self, name: str, kind: str, body: Json) -> Json:
        typed = {"@odata.type": f"#{kind}"} if "." in kind else {}
        nobody: list[str] = []
        one: Json = {"sponsors": nobody, **body, **typed, "id": name, "kind": kind}
        one["known"] = self.clock() + self.lag
        self.objects[name] = one
        return one

    def find(self, collection: str, name: str) -> Json | None:
        keyed = collection.partition("(appId='")[2] or name.partition("appId='")[2]
        wanted = keyed.rstrip("')")
        kinds = (
            {BLUEPRINT, "application"}
            if collection.startswith("app")
            else {"principal", IDENTITY, "servicePrincipal"}
        )
        if collection == "users":
            kinds = {USER, "user"}
        if collection == "groups":
            kinds = {"group"}
        for one in self.objects.values():
            names = {one.get("appId")} if wanted else {one["id"], one.get("userPrincipalName")}
            if one["kind"] in kinds and (wanted or name) in names and self.is_known(one):
                return one
        return None

    def matching(self, kind: str, rule: str) -> Iterable[Json]:
        name, value = rule.partition(" eq ")[0], quoted(rule)
        for one in self.of(kind):
            has = (
                value in one.get("tags", ()) if name.startswith("tags") else one.get(name) == value
            )
            if has and self.is_known(one):
                yield one

    def is_known(self, one: Json) -> bool:
        return bool(self.clock() >= one["known"])


def quoted(rule: str) -> str:
    return rule.split("'")[1]


def listed(found: Iterable[Json]) -> Reply:
    return Reply(200, {"value": [dict(one) for one in found]})


def hired(tenant: Shelves, name: str = "Hired") -> Json:
    """An agent that the admin centre made, and no mark is on; gives its user."""
    sponsor = {"sponsors@odata.bind": ["x"]}
    blueprint = tenant.put(BLUEPRINT, {"displayName": name, "appId": guid(next(tenant.numbers))})
    tenant.put("principal", {"appId": blueprint["appId"]})
    parent = {"agentIdentityBlueprintId": blueprint["appId"]}
    identity = tenant.put(IDENTITY, {"displayName": name, **parent, **sponsor})
    address = {"userPrincipalName": f"{name.lower()}@contoso.example"}
    return tenant.put(USER, {"displayName": name, "identityParentId": identity["id"], **address})
