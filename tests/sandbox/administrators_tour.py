"""A visit to every address at which an administrator makes, changes and unmakes an agent."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from entraclaw.sandbox.sponsors import GROUPS
from sandbox.administrator import EVERYTHING, Administrator
from sandbox.scene import Json, Scene
from sandbox.tenant import BLUEPRINT, IDENTITY, PRINCIPAL, USER, Made, Making

_Name: TypeAlias = Callable[[Made], str]
_GRAPH = "00000003-0000-0000-c000-000000000000"
_ROLE = "97235f07-e226-4f63-ace3-39588e11d3a1"  # User.ReadBasic.All
_GRACE = "grace@contoso.example"

_APPLICATIONS: tuple[_Name, ...] = (
    lambda made: f"applications/{made.blueprint['id']}",
    lambda made: f"applications/{made.blueprint['id']}/{BLUEPRINT}",
    lambda made: f"applications/{BLUEPRINT}/{made.blueprint['id']}",
    lambda made: f"applications(appId='{made.blueprint['appId']}')",
    lambda made: f"applications(appId='{made.blueprint['appId']}')/{BLUEPRINT}",
)
_PRINCIPALS: tuple[_Name, ...] = (
    lambda made: f"servicePrincipals/{made.principal['id']}",
    lambda made: f"servicePrincipals(appId='{made.principal['appId']}')",
    lambda made: f"servicePrincipals/{made.principal['id']}/{PRINCIPAL}",
    lambda made: f"servicePrincipals/{PRINCIPAL}/{made.principal['id']}",
)
_IDENTITIES: tuple[_Name, ...] = (
    lambda made: f"servicePrincipals/{made.identity['id']}",
    lambda made: f"servicePrincipals/{made.identity['id']}/{IDENTITY}",
    lambda made: f"servicePrincipals/{IDENTITY}/{made.identity['id']}",
)
_USERS: tuple[_Name, ...] = (
    lambda made: f"users/{made.user['id']}",
    lambda made: f"users/{made.user['id']}/{USER}",
    lambda made: f"users/{USER}/{made.user['id']}",
)


def visit(scene: Scene) -> None:
    """Go to each of them, by each of its addresses."""
    admin = Administrator.sign_in(scene, scopes=(*EVERYTHING, "GroupMember.Read.All"))
    making = Making(admin)
    _tenant(admin)
    _makes(making)
    _each(making, "blueprint", _APPLICATIONS, {"displayName": "Claw 2"})
    _each(making, "principal", _PRINCIPALS, {"accountEnabled": False})
    _each(making, "identity", _IDENTITIES, {"accountEnabled": False})
    _each(making, "user", _USERS, {"usageLocation": "NL", "jobTitle": "Agent"})
    _communication(admin, making.through("identity"))
    _grants(admin, making.through("user"))
    _inheritance(admin, making.through("blueprint"))
    _licences(admin, making.through("user"))
    _bin(admin, making)


def _tenant(admin: Administrator) -> None:
    [own] = admin.get("organization")["value"]
    admin.get(f"organization/{own['id']}")
    admin.get("organization", select="id,verifiedDomains")
    for select in ("", "id,displayName"):
        admin.get(f"groups/{GROUPS[0].id}", **({"select": select} if select else {}))
    for place in ("memberOf", "transitiveMemberOf"):
        admin.get(f"me/{place}")
        admin.get(f"me/{place}/microsoft.graph.directoryRole")
        admin.get(f"me/{place}/graph.directoryRole")


def _makes(making: Making) -> None:
    """Make each kind at the address of its base, too, and list all."""
    admin, made = making.admin, making.through("identity", tags=["claw"])
    named = [
        ("applications", BLUEPRINT, {"displayName": "Claw"}),
        ("servicePrincipals", IDENTITY, _child(made)),
        ("users", USER, _user(made)),
    ]
    for every, cast, body in named:
        answer = admin.call("POST", every, {"@odata.type": f"#{cast}", **body})
        assert answer.status_code == 201, answer.text
    for every, cast in (
        *((every, cast) for every, cast, _ in named),
        ("servicePrincipals", PRINCIPAL),
    ):
        for place in (every, f"{every}/{cast}"):
            page = admin.get(place, top="1")
            assert "@odata.nextLink" in page, place
            admin.get(place, select="id,displayName")
    admin.get(f"applications/{BLUEPRINT}", filter="tags/any(t:t eq 'claw')")


def _child(made: Made) -> Json:
    return {"displayName": "Claw", "agentIdentityBlueprintId": made.blueprint["appId"]}


def _user(made: Made) -> Json:
    return {
        "accountEnabled": True,
        "displayName": "Claw",
        "mailNickname": "claw-at-users",
        "userPrincipalName": "claw-at-users@contoso.example",
        "identityParentId": made.identity["id"],
    }


def _each(making: Making, step: str, names: Iterable[_Name], change: Json) -> None:
    for name in names:
        made = making.through(step)
        place, admin = name(made), making.admin
        admin.get(place)
        admin.get(place, select="id,displayName")
        changed = admin.call("PATCH", place, change)
        assert changed.status_code == 204, changed.text
        _sponsors(admin, place, getattr(made, step)["id"])
        assert admin.call("DELETE", place).status_code == 204


def _sponsors(admin: Administrator, place: str, name: str) -> None:
    listed = admin.call("GET", f"{place}/sponsors")
    if not listed.ok:
        return  # this address has none, and says so
    grace = admin.get(f"users/{_GRACE}", select="id")["id"]
    body = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{grace}"}
    assert admin.call("POST", f"{place}/sponsors/$ref", body).status_code == 204, name
    admin.get(f"{place}/sponsors")
    admin.get(f"{place}/sponsors", select="id,displayName")
    assert admin.call("DELETE", f"{place}/sponsors/{grace}/$ref").status_code == 204, name


def _communication(admin: Administrator, made: Made) -> None:
    mine = f"../beta/applications/{made.blueprint['id']}/{BLUEPRINT}/communicationConfiguration"
    mode = {"messageNotificationMode": "allMessages"}
    body = {
        "isOverridableAtAgentIdLevel": True,
        "endpointConfiguration": {
            "configurationType": "apiBased",
            "apiBased": {"callbackUri": "https://agent.example/api/messages"},
        },
        "teamworkConfiguration": {"oneOnOneChatConfiguration": mode},
    }
    assert admin.call("GET", mine).ok
    assert admin.call("PUT", mine, body).ok
    for place in (f"{made.identity['id']}/{IDENTITY}", f"{IDENTITY}/{made.identity['id']}"):
        own = f"../beta/servicePrincipals/{place}/communicationConfiguration"
        assert admin.call("GET", own).ok
        assert admin.call("PUT", own, {"endpointConfiguration": body["endpointConfiguration"]}).ok
        assert admin.call("POST", f"{own}/reset").ok


def _grants(admin: Administrator, made: Made) -> None:
    agent = made.identity["id"]
    body = {
        "clientId": agent,
        "consentType": "Principal",
        "principalId": made.user["id"],
        "resourceId": admin.get(f"servicePrincipals(appId='{_GRAPH}')")["id"],
        "scope": "User.Read",
        "startTime": "2026-01-01T00:00:00Z",
    }
    everybody = {**body, "consentType": "AllPrincipals", "principalId": None}
    for asked in (body, everybody):
        assert admin.call("POST", "oauth2PermissionGrants", asked).status_code == 201
    [first, _] = admin.get("oauth2PermissionGrants", filter=f"clientId eq '{agent}'")["value"]
    admin.get(f"servicePrincipals/{agent}/oauth2PermissionGrants", select="id,scope")
    one = f"oauth2PermissionGrants/{first['id']}"
    admin.get(one)
    assert admin.call("PATCH", one, {"scope": "User.Read Chat.Read"}).status_code == 204
    assert admin.call("DELETE", one).status_code == 204
    role = {"principalId": agent, "resourceId": body["resourceId"], "appRoleId": _ROLE}
    place = f"servicePrincipals/{agent}/appRoleAssignments"
    assigned = admin.call("POST", place, role)
    assert assigned.status_code == 201, assigned.text
    admin.get(place)
    admin.get(f"{place}/{assigned.json()['id']}")
    assert admin.call("DELETE", f"{place}/{assigned.json()['id']}").status_code == 204


def _inheritance(admin: Administrator, made: Made) -> None:
    scopes = "#microsoft.graph.{}Scopes"
    some = {
        "@odata.type": scopes.format("enumerated"),
        "kind": "enumerated",
        "scopes": ["Chat.Read"],
    }
    everything = {"@odata.type": scopes.format("allAllowed"), "kind": "allAllowed"}
    nothing = {"@odata.type": scopes.format("no"), "kind": "none"}
    name = made.blueprint["id"]
    for start in (f"applications/{BLUEPRINT}/{name}", f"applications/{name}/{BLUEPRINT}"):
        place = f"{start}/inheritablePermissions"
        body = {"resourceAppId": _GRAPH, "inheritableScopes": some}
        assert admin.call("POST", place, body).status_code == 201
        admin.get(place)
        for rule in (everything, nothing):
            assert admin.call("PATCH", f"{place}/{_GRAPH}", {"inheritableScopes": rule}).ok
        admin.get(f"{place}/{_GRAPH}")
        assert admin.call("DELETE", f"{place}/{_GRAPH}").status_code == 204


def _licences(admin: Administrator, made: Made) -> None:
    place = f"users/{made.user['id']}"
    skus = admin.get("subscribedSkus")["value"]
    admin.get(f"subscribedSkus/{skus[0]['id']}")
    admin.call("PATCH", place, {"usageLocation": "NL"})
    change = {"addLicenses": [{"skuId": skus[0]["skuId"]}], "removeLicenses": []}
    assert admin.call("POST", f"{place}/assignLicense", change).ok
    admin.get(f"{place}/licenseDetails")
    admin.get(place, select="id,assignedLicenses")


def _bin(admin: Administrator, making: Making) -> None:
    made, deleted = making.through("user"), "directory/deletedItems"
    for name in (_USERS[0], _IDENTITIES[0], _PRINCIPALS[0], _APPLICATIONS[0]):
        admin.call("DELETE", name(made))
    for kind in ("application", "servicePrincipal", "user"):
        admin.get(f"{deleted}/microsoft.graph.{kind}")
        admin.get(f"{deleted}/graph.{kind}", select="id,displayName")
    for number, one in enumerate((made.user, made.identity, made.principal, made.blueprint)):
        admin.get(f"{deleted}/{one['id']}")
        word = "restore" if number % 2 else "microsoft.graph.restore"
        assert admin.call("POST", f"{deleted}/{one['id']}/{word}").ok
    admin.call("DELETE", _USERS[0](made))
    assert admin.call("DELETE", f"{deleted}/{made.user['id']}").status_code == 204
