"""A tenant's Graph as far as a setup sees it, by Microsoft's documents: calls in, replies out."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from entraclaw.identity.cloud import BUILT_IN
from entraclaw.identity.features import Feature, wanted
from entraclaw.identity.provisioning.calls import Call, Reply
from entraclaw.identity.provisioning.consistency import Heard
from identity.graph_shelves import (
    ADA,
    BLUEPRINT,
    IDENTITY,
    UNKNOWN,
    USER,
    Json,
    Shelves,
    guid,
    listed,
    quoted,
    refused,
)

CLOUD = BUILT_IN["public"]
TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
WANTS = wanted([Feature.CHAT], CLOUD)


@dataclass(slots=True)
class Tenant(Shelves):
    """Graph, as Microsoft documents it; what was made is shown *lag* seconds later."""

    roles: tuple[str, ...] = (GLOBAL,)
    domains: tuple[str, ...] = ("contoso.example",)
    seats: int = 1
    takes_endpoints: bool = True
    country: str = "GB"
    plan: str = "TEAMS1"
    is_nowhere: bool = False
    loses_credentials: bool = False
    hides_credentials: bool = False
    hides_users: bool = False
    hides_sponsors: bool = False
    takes_address: bool = False
    denied: frozenset[str] = frozenset()  # beginnings of "METHOD /path" that get 403
    broken: frozenset[str] = frozenset()  # the same, that get 400
    grants: dict[str, Json] = field(default_factory=dict[str, Json])
    made: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        people = {"ada": ADA, "grace": guid(0xB0)}
        for name, oid in people.items():
            upn = f"{name}@contoso.example"
            self.keep(oid, "user", {"displayName": name.title(), "userPrincipalName": upn})
        for want in WANTS:
            app = GRAPH_APP if want.name == "Graph" else want.resource
            scopes = [{"value": one} for one in want.scopes]
            more = {"appId": app, "displayName": want.name, "oauth2PermissionScopes": scopes}
            self.keep(guid(next(self.numbers) + 0xF00), "servicePrincipal", more)
        for one in self.objects.values():
            one["known"] = 0.0

    def send(self, call: Call) -> Heard:
        return Heard(self._answer(call))

    def _answer(self, call: Call) -> Reply:
        parts = urlsplit(call.path)
        path = unquote(parts.path).removeprefix("/v1.0").removeprefix("/beta")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if any(f"{call.method} {path}".startswith(one) for one in self.denied):
            return refused(403, "Authorization_RequestDenied")
        if any(f"{call.method} {path}".startswith(one) for one in self.broken):
            return refused(400, "Request_BadRequest")
        body: Json = json.loads(json.dumps(call.body)) if call.body else {}
        match [call.method, *path.strip("/").split("/")]:
            case ["GET", *where]:
                return self._get(where, query)
            case ["POST", *where]:
                return self._post(where, body)
            case ["PATCH" | "PUT", *where]:
                return self._change(where, body)
            case ["DELETE", *where]:
                return self._delete(where)
            case _:
                raise AssertionError(call)

    def _get(self, where: list[str], query: dict[str, str]) -> Reply:  # noqa: PLR0911 - a path each
        match where:
            case ["me"]:
                return self._one(self.objects[ADA])
            case ["me", "memberOf"]:
                role = "#microsoft.graph.directoryRole"
                return listed({"@odata.type": role, "roleTemplateId": one} for one in self.roles)
            case ["organization"]:
                domains = [{"name": one, "isDefault": True} for one in self.domains]
                about = {"displayName": "Contoso", "countryLetterCode": self.country}
                return listed(
                    [] if self.is_nowhere else [{"id": TENANT, "verifiedDomains": domains, **about}]
                )
            case ["subscribedSkus"]:
                return listed([self._pool()])
            case ["oauth2PermissionGrants"]:
                client = quoted(query["$filter"])
                return listed(one for one in self.grants.values() if one["clientId"] == client)
            case [_, kind] if kind.startswith("microsoft.graph.") and "$filter" in query:
                return listed(self.matching(kind, query["$filter"]))
            case _:
                return self._about(where)

    def _about(self, where: list[str]) -> Reply:  # noqa: PLR0911 - a path each
        one = self.find(where[0], where[1] if len(where) > 1 else "")
        if one is None:
            return UNKNOWN
        match where[-1]:
            case "sponsors":
                shown: list[str] = [] if self.hides_sponsors else one["sponsors"]
                return listed(self.objects[oid] for oid in shown)
            case "licenseDetails":
                return listed({"skuId": sku} for sku in one.get("licences", ()))
            case "communicationConfiguration":
                if not self.takes_endpoints:
                    return refused(404, "ResourceNotFound")
                return Reply(200, one.get("communication", {}))
            case "appRoleAssignments" | "inheritablePermissions":
                return listed([])
            case _:
                return self._one(one)

    def _post(self, where: list[str], body: Json) -> Reply:  # noqa: C901, PLR0911 - a path each
        match where:
            case ["applications", _]:
                return self._make(BLUEPRINT, {**body, "appId": guid(next(self.numbers))})
            case ["servicePrincipals", "microsoft.graph.agentIdentityBlueprintPrincipal"]:
                return self._principal(body)
            case ["servicePrincipals", _]:
                return self._identity(body)
            case ["users", kind] if kind == USER:
                return self._user(body)
            case ["users", user, "sponsors", "$ref"]:
                oid = str(body["@odata.id"]).rpartition("/")[2]
                return self._sponsor(user, oid)
            case [_, name, _, "communicationConfiguration", "reset"]:
                self.objects[name].pop("communication", None)
                return Reply(200, {})
            case ["users", user, "assignLicense"]:
                return self._assign(user, body)
            case ["oauth2PermissionGrants"]:
                return self._grant(body)
            case _:
                raise AssertionError(where)

    def _principal(self, body: Json) -> Reply:
        if self.find("applications", f"appId='{body['appId']}'") is None:
            words = "appId does not reference a valid application object."
            return refused(400, "Request_BadRequest", words)
        if any(one["appId"] == body["appId"] for one in self.of("principal")):
            return refused(409, "Request_MultipleObjectsWithSameKeyValue")
        return self._make("principal", body)

    def _identity(self, body: Json) -> Reply:
        assert body["sponsors@odata.bind"], "somebody answers for it"
        apps = {one["appId"] for one in self.of("principal") if self.is_known(one)}
        if body["agentIdentityBlueprintId"] not in apps:
            return refused(400, "AgentIdentity_AgentBlueprintPrincipalDoesNotExist")
        return self._make(IDENTITY, body)

    def _user(self, body: Json) -> Reply:
        if self.find("servicePrincipals", body["identityParentId"]) is None:
            return UNKNOWN
        if self.hides_users:
            return refused(400, "Request_BadRequest", "The parent already has a user.")
        if self.takes_address:
            words = "The same value for property userPrincipalName already exists."
            return refused(400, "Request_BadRequest", words)
        for one in (*self.of(USER), *self.of("user")):
            if one.get("identityParentId") == body["identityParentId"]:
                return refused(400, "Request_BadRequest", "The parent already has a user.")
            if one["userPrincipalName"] == body["userPrincipalName"]:
                words = "The same value for property userPrincipalName already exists."
                return refused(400, "Request_BadRequest", words)
        return self._make(USER, body)

    def _sponsor(self, user: str, oid: str) -> Reply:
        one = self.find("users", user)
        if one is None or oid not in self.objects:
            return UNKNOWN
        if oid in one["sponsors"]:
            return refused(400, "Request_BadRequest", "One or more references already exist")
        one["sponsors"].append(oid)
        return Reply(204, {})

    def _assign(self, user: str, body: Json) -> Reply:
        one = self.find("users", user)
        if one is None:
            return UNKNOWN
        if not one.get("usageLocation"):
            words = "License assignment cannot be done for user with invalid usage location."
            return refused(400, "Request_BadRequest", words)
        held = [sku for sku in one.get("licences", []) if sku not in body["removeLicenses"]]
        more = [add["skuId"] for add in body["addLicenses"]]
        if more and self._used() >= self.seats:
            words = "Subscription does not have any available licenses."
            return refused(400, "Request_BadRequest", words)
        one["licences"] = [*held, *more]
        return Reply(200, {})

    def _grant(self, body: Json) -> Reply:
        assert body["startTime"], "without it a grant is refused"
        if any(
            one["clientId"] == body["clientId"] and one["resourceId"] == body["resourceId"]
            for one in self.grants.values()
        ):
            return refused(400, "Request_BadRequest", "Permission entry already exists.")
        name = guid(next(self.numbers))
        self.grants[name] = {**body, "id": name}
        return Reply(201, self.grants[name])

    def _change(self, where: list[str], body: Json) -> Reply:
        if where[0] == "oauth2PermissionGrants":
            self.grants[where[1]].update(body)
            return Reply(204, {})
        one = self.find(where[0], where[1])
        if one is None:
            return UNKNOWN
        if where[-1] == "communicationConfiguration":
            one["communication"] = body
        else:
            for credential in body.get("keyCredentials", ()):
                credential.setdefault("keyId", guid(next(self.numbers)))
            if self.loses_credentials:
                body["keyCredentials"] = body["keyCredentials"][-1:]
            if not self.hides_credentials:
                one.update(body)
        return Reply(204, {})

    def _delete(self, where: list[str]) -> Reply:
        match where:
            case ["oauth2PermissionGrants", name]:
                return Reply(204 if self.grants.pop(name, None) else 404, {})
            case ["users", user, "sponsors", oid, "$ref"]:
                if oid not in self.objects[user]["sponsors"]:
                    return UNKNOWN
                self.objects[user]["sponsors"].remove(oid)
                return Reply(204, {})
            case [kind, name]:
                one = self.find(kind, name)
                if one is None:
                    return UNKNOWN
                del self.objects[one["id"]]
                gone = {name: g for name, g in self.grants.items() if g["clientId"] == one["id"]}
                self.grants = {n: g for n, g in self.grants.items() if n not in gone}
                return Reply(204, {})
            case _:
                raise AssertionError(where)

    def _make(self, kind: str, body: Json) -> Reply:
        one = self.keep(guid(next(self.numbers)), kind, body)
        self.made.append(kind)
        return Reply(201, one)

    def _one(self, one: Json) -> Reply:
        return Reply(200, {"appId": one["id"], **one})

    def _pool(self) -> Json:
        plan = {"servicePlanName": self.plan, "provisioningStatus": "Success", "appliesTo": "User"}
        units = {"enabled": self.seats}
        about = {"skuId": E5, "skuPartNumber": "SPE_E5", "capabilityStatus": "Enabled"}
        return {
            **about,
            "prepaidUnits": units,
            "consumedUnits": self._used(),
            "servicePlans": [plan],
        }

    def _used(self) -> int:
        return sum(len(one.get("licences", ())) for one in self.of(USER))
