"""Application permissions at Graph, and what agents inherit of their blueprint."""

from dataclasses import dataclass

import pytest

from entraclaw.sandbox.blocked import blocked_roles
from sandbox.administrator import Administrator, appoint
from sandbox.scene import GRAPH, Hired, Json, Scene, claims_of
from sandbox.tenant import BLUEPRINT, PRINCIPAL, code
from sandbox.test_permission_grants import GRAPH_APP, NOWHERE, START, resource

READ = "97235f07-e226-4f63-ace3-39588e11d3a1"  # User.ReadBasic.All
PARENTED = "4aa6e624-eee0-40ab-bdd8-f9639038a614"  # AgentIdUser.ReadWrite.IdentityParentedBy
ALL = {"@odata.type": "#microsoft.graph.allAllowedScopes", "kind": "allAllowed"}
NO_ROLES = {"@odata.type": "#microsoft.graph.noRoles", "kind": "none"}


@dataclass(frozen=True, slots=True)
class Family:
    """An agent, and its blueprint's objects as Graph shows them."""

    scene: Scene
    admin: Administrator
    agent: Hired
    blueprint: str
    principal: str

    def assign(self, client: str, role: str = READ, **changes: str) -> Json:
        answer = self.admin.call(
            "POST",
            f"servicePrincipals/{client}/appRoleAssignments",
            self.body(client, role, **changes),
        )
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    def body(self, client: str, role: str = READ, **changes: str) -> Json:
        own = {"principalId": client, "resourceId": resource(self.admin), "appRoleId": role}
        return {**own, **changes}

    def roles(self) -> list[str]:
        """What the agent's token for itself says."""
        first = self.scene.grant(self.agent, self.scene.blueprint_form(self.agent))
        form = self.scene.agent_form(self.agent, first["access_token"], scope=GRAPH)
        claims = claims_of(self.scene.grant(self.agent, form)["access_token"])
        return list(claims.get("roles", []))

    def own_roles(self) -> list[str]:
        """What the blueprint's token says."""
        form = self.scene.blueprint_form(self.agent, scope=GRAPH)
        del form["fmi_path"]
        return list(claims_of(self.scene.grant(self.agent, form)["access_token"])["roles"])

    def scopes(self) -> set[str]:
        return set(claims_of(self.scene.user_token(self.agent, GRAPH))["scp"].split())

    @property
    def inheritance(self) -> str:
        return f"applications/{BLUEPRINT}/{self.blueprint}/inheritablePermissions"

    def inherit(self, **changes: object) -> Json:
        body = {
            "resourceAppId": GRAPH_APP,
            "inheritableScopes": ALL,
            "inheritableRoles": NO_ROLES,
            **changes,
        }
        answer = self.admin.call("POST", self.inheritance, body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made


@pytest.fixture(scope="module")
def admin(scene: Scene) -> Administrator:
    return Administrator.sign_in(scene)


@pytest.fixture
def family(scene: Scene, admin: Administrator, agent: Hired) -> Family:
    blueprint = admin.get(f"applications(appId='{agent.blueprint}')")["id"]
    principal = admin.get(f"servicePrincipals(appId='{agent.blueprint}')")["id"]
    return Family(scene, admin, agent, blueprint, principal)


def test_assigned_role_is_in_the_agents_own_token_and_goes_with_it(family: Family) -> None:
    assert family.roles() == []
    made = family.assign(family.agent.agent)

    assert (made["appRoleId"], made["principalType"]) == (READ, "ServicePrincipal")
    assert made["resourceDisplayName"] == "Microsoft Graph"
    assert family.roles() == ["User.ReadBasic.All"]
    path = f"servicePrincipals/{family.agent.agent}/appRoleAssignments"
    assert family.admin.get(path)["value"] == [
        {name: value for name, value in made.items() if name != "@odata.context"}
    ]
    assert family.admin.get(f"{path}/{made['id']}")["id"] == made["id"]

    assert family.admin.call("DELETE", f"{path}/{made['id']}").status_code == 204

    assert family.roles() == []
    assert code(family.admin.call("DELETE", f"{path}/{made['id']}"))[0] == 404


def test_blueprint_may_always_make_identities_and_more_once_it_is_assigned(
    family: Family,
) -> None:
    assert family.own_roles() == ["AgentIdentity.CreateAsManager"]

    family.assign(family.principal, PARENTED)

    assert set(family.own_roles()) == {
        "AgentIdentity.CreateAsManager",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    }


def test_role_is_assigned_once(family: Family) -> None:
    family.assign(family.agent.agent)
    path = f"servicePrincipals/{family.agent.agent}/appRoleAssignments"
    answer = family.admin.call("POST", path, family.body(family.agent.agent))

    assert code(answer) == (400, "Request_BadRequest")
    assert "already exists" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"appRoleId": NOWHERE}, "was not found on application"),
        ({"appRoleId": "75359482-378d-4052-8f01-80520e7db3cd"}, "cannot be granted to agents"),
        ({"principalId": NOWHERE}, "principalId"),
    ],
)
def test_role_that_cannot_be_assigned_is_refused(
    family: Family, changes: dict[str, str], words: str
) -> None:
    own = family.agent.agent
    path = f"servicePrincipals/{own}/appRoleAssignments"
    answer = family.admin.call("POST", path, {**family.body(own), **changes})

    assert code(answer) == (400, "Request_BadRequest")
    assert words in answer.json()["error"]["message"]


def test_assignment_needs_parties_a_role_and_the_right(scene: Scene, family: Family) -> None:
    own = family.agent.agent
    path = f"servicePrincipals/{own}/appRoleAssignments"
    nowhere = {**family.body(own), "resourceId": NOWHERE}
    assert code(family.admin.call("POST", path, nowhere))[0] == 404
    nobody = f"servicePrincipals/{NOWHERE}/appRoleAssignments"
    assert code(family.admin.call("POST", nobody, family.body(NOWHERE)))[0] == 404
    assert code(family.admin.call("GET", f"{path}/nothing"))[0] == 404

    appoint(scene, "grace", "Cloud Application Administrator")
    weaker = Administrator.fresh(scene, "grace")
    appoint(scene, "grace")

    assert code(weaker.call("POST", path, family.body(own)))[0] == 403


def test_blocked_roles_are_those_of_the_table() -> None:
    """https://learn.microsoft.com/graph/api/resources/agentid-platform-overview."""
    asked = ["Chat.Read.All", "Mail.Send", "AgentIdentity.CreateAsManager", "User.Read.All"]

    assert blocked_roles(asked) == ["AgentIdentity.CreateAsManager", "Chat.Read.All"]


def test_agent_inherits_what_its_blueprints_principal_was_granted(family: Family) -> None:
    before = family.scopes()
    made = family.inherit()
    assert "inheritableRoles" not in made
    assert family.scopes() == before

    grant = {
        "clientId": family.principal,
        "consentType": "AllPrincipals",
        "resourceId": resource(family.admin),
        "scope": "Team.ReadBasic.All Channel.ReadBasic.All",
        "startTime": START,
    }
    answer = family.admin.call("POST", "oauth2PermissionGrants", grant)
    assert answer.status_code == 201

    assert family.scopes() == before | {"Team.ReadBasic.All", "Channel.ReadBasic.All"}
    mine = f"clientId eq '{family.agent.agent}'"
    listed = family.admin.get("oauth2PermissionGrants", filter=mine)["value"]
    assert not any("Team.ReadBasic.All" in one["scope"] for one in listed)

    some = {"@odata.type": "#microsoft.graph.enumeratedScopes", "scopes": ["Team.ReadBasic.All"]}
    path = f"{family.inheritance}/{GRAPH_APP}"
    changed = family.admin.call("PATCH", path, {"inheritableScopes": some})
    assert (changed.status_code, changed.json()["inheritableScopes"]["kind"]) == (200, "enumerated")
    assert family.scopes() == before | {"Team.ReadBasic.All"}

    assert family.admin.call("DELETE", path).status_code == 204
    assert family.scopes() == before


def test_agent_inherits_roles_apart_from_scopes(family: Family) -> None:
    family.assign(family.principal)
    assert family.roles() == []

    every = {"@odata.type": "#microsoft.graph.allAllowedRoles", "kind": "allAllowed"}
    family.inherit(inheritableRoles=every)

    assert family.roles() == ["User.ReadBasic.All"]


def test_inheritance_is_listed_at_both_addresses_and_goes_with_the_principal(
    family: Family,
) -> None:
    family.inherit()
    other = f"applications/{family.blueprint}/{BLUEPRINT}/inheritablePermissions"

    listed = family.admin.get(family.inheritance)["value"]

    assert listed == family.admin.get(other)["value"]
    assert [one["resourceAppId"] for one in listed] == [GRAPH_APP]
    assert family.admin.get(f"{other}/{GRAPH_APP}")["inheritableScopes"] == ALL
    family.assign(family.agent.agent)
    gone = family.admin.call("DELETE", f"servicePrincipals/{PRINCIPAL}/{family.principal}")
    assert gone.status_code == 204


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"resourceAppId": "graph"}, 400),
        ({"resourceAppId": NOWHERE}, 404),
        ({"inheritableScopes": {"kind": "some"}}, 400),
        ({"inheritableScopes": {**ALL, "kind": "none"}}, 400),
        ({"inheritableScopes": {"kind": "enumerated"}}, 400),
    ],
)
def test_inheritance_that_makes_no_sense_is_refused(
    family: Family, changes: Json, status: int
) -> None:
    body = {"resourceAppId": GRAPH_APP, "inheritableScopes": ALL, **changes}

    assert family.admin.call("POST", family.inheritance, body).status_code == status


def test_inheritance_is_made_once_by_who_may_and_for_ten_apis_at_most(
    scene: Scene, family: Family
) -> None:
    family.inherit()
    body = {"resourceAppId": GRAPH_APP, "inheritableScopes": ALL}
    again = family.admin.call("POST", family.inheritance, body)
    assert code(again) == (409, "Request_MultipleObjectsWithSameKeyValue")
    missing = family.admin.call("GET", f"{family.inheritance}/{NOWHERE}")
    assert code(missing)[0] == 404
    nowhere = f"applications/{BLUEPRINT}/{NOWHERE}/inheritablePermissions"
    assert code(family.admin.call("GET", nowhere))[0] == 404

    weak = Administrator.fresh(scene, "grace", ["User.Read"])
    assert code(weak.call("POST", family.inheritance, body))[0] == 403

    others = [
        one["appId"]
        for one in family.admin.get(
            "servicePrincipals", filter="servicePrincipalType eq 'Application'"
        )["value"]
        if one.get("signInAudience") == "AzureADMultipleOrgs" and one["appId"] != GRAPH_APP
    ]
    answers = [
        family.admin.call("POST", family.inheritance, {**body, "resourceAppId": app})
        for app in others
    ]
    assert [answer.status_code for answer in answers].count(201) == 9
    assert answers[-1].status_code == 400
