"""An agent that an administrator makes at Graph: its objects, their rules, and that it lives."""

import uuid
from dataclasses import replace

import pytest

from sandbox.administrator import EVERYTHING, HOME, Administrator
from sandbox.scene import CHANNEL, GRAPH, Credential, Hired, Json, Scene
from sandbox.tenant import BLUEPRINT, IDENTITY, PRINCIPAL, USER, Made, Making, code, shaped

AGENT_CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
ADA = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa"
GRACE = "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
MALLORY = "c0c0c0c0-3333-4333-8333-cccccccccccc"
TEAM = "d1d1d1d1-4444-4444-8444-dddddddddddd"
SECURITY = "d2d2d2d2-5555-4555-8555-dddddddddddd"
ASSIGNABLE = "d3d3d3d3-6666-4666-8666-dddddddddddd"
NOBODY = "00000000-0000-4000-8000-000000000000"

ALLOWED = {GRAPH.removesuffix("/.default"): ["User.Read"], AGENT_CHANNEL: ["AgentData.ReadWrite"]}


def users(*names: str) -> list[str]:
    return [f"https://graph.microsoft.com/v1.0/users/{name}" for name in names]


@pytest.fixture(scope="module")
def admin(scene: Scene) -> Administrator:
    return Administrator.sign_in(scene)


@pytest.fixture(scope="module")
def making(admin: Administrator) -> Making:
    return Making(admin)


@pytest.fixture(scope="module")
def made(making: Making) -> Made:
    """One whole agent."""
    return making.through("user")


def app_token(scene: Scene, agent: Hired) -> str:
    """The blueprint's own token for Graph."""
    form = scene.blueprint_form(agent, scope=GRAPH)
    del form["fmi_path"]
    token: str = scene.grant(agent, form)["access_token"]
    return token


def test_agent_made_by_calls_walks_all_hops(
    scene: Scene, making: Making, made: Made, credential: Credential
) -> None:
    making.certify(made, credential)
    agent = made.hired(credential)
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second, scope=GRAPH)
    assert scene.grant(agent, form)["error_codes"] == [65001]

    scene.ask("PUT", f"agents/{agent.user}", {"grants": ALLOWED})

    assert scene.user_token(agent, GRAPH)
    assert scene.user_token(agent, CHANNEL)


def test_objects_are_shown_as_they_were_made(admin: Administrator, made: Made) -> None:
    app, own = made.blueprint["appId"], made.identity["id"]

    assert made.blueprint["@odata.type"] == f"#{BLUEPRINT}"
    assert made.blueprint["identifierUris"] == []
    assert made.principal["appId"] == app != made.principal["id"]
    assert made.identity["appId"] == own
    assert made.identity["servicePrincipalType"] == "ServiceIdentity"
    assert made.identity["createdByAppId"] == admin.scene.cloud["admin_client"]
    assert made.user["identityParentId"] == own
    assert admin.get(f"applications/{made.blueprint['id']}")["appId"] == app
    assert admin.get(f"applications(appId='{app}')/{BLUEPRINT}")["id"] == made.blueprint["id"]
    assert admin.get(f"servicePrincipals(appId='{app}')")["id"] == made.principal["id"]
    assert admin.get(f"servicePrincipals/{own}/{IDENTITY}")["agentIdentityBlueprintId"] == app
    assert admin.get(f"servicePrincipals/{IDENTITY}/{own}")["id"] == own
    shown = admin.get(f"users/{made.user['userPrincipalName']}", select="id,usageLocation")
    assert (shown["id"], shown["usageLocation"]) == (made.user["id"], None)


def test_untyped_address_takes_the_type_from_the_body(making: Making, admin: Administrator) -> None:
    body = {"@odata.type": "Microsoft.Graph.AgentIdentityBlueprint", "displayName": "Claw"}
    blueprint = admin.call("POST", "applications", body).json()
    principal = {"@odata.type": f"#{PRINCIPAL}", "appId": blueprint["appId"]}
    assert admin.call("POST", "servicePrincipals", principal).status_code == 201
    identity = making.identity(Made(blueprint)).json()

    other = making.identity(Made(blueprint), **{"@odata.type": f"#{IDENTITY}"})
    assert other.status_code == 201
    named = {
        "@odata.type": USER,
        "accountEnabled": False,
        "displayName": "Claw",
        "mailNickname": "claw",
        "userPrincipalName": f"claw-{uuid.uuid4().hex}@contoso.example",
        # As the previews had it.
        "identityParent": {"id": identity["id"]},
    }
    assert admin.call("POST", "users", named).json()["identityParentId"] == identity["id"]


@pytest.mark.parametrize("place", ["applications", "servicePrincipals", "users"])
def test_nothing_else_is_made_here(admin: Administrator, place: str) -> None:
    body = {"displayName": "x", "appId": NOBODY, "identityParentId": NOBODY}

    assert code(admin.call("POST", place, body)) == (400, "Request_BadRequest")


def test_type_in_a_body_wants_the_version_told(scene: Scene, admin: Administrator) -> None:
    body = {"@odata.type": f"#{BLUEPRINT}", "displayName": "Claw"}
    url = f"{scene.cloud['graph']}/v1.0/applications"

    assert code(scene.post(url, admin.token, body)) == (400, "Request_BadRequest")


def test_lists_are_filtered(making: Making, admin: Administrator) -> None:
    tag = f"claw:{uuid.uuid4()}"
    made = making.through("blueprint", tags=[tag])
    made = Made(made.blueprint, making.principal(made).json())
    own = making.identity(made, tags=["mine"]).json()

    found = admin.get("applications", filter=f"tags/any(t:t eq '{tag}')")["value"]
    assert [one["id"] for one in found] == [made.blueprint["id"]]
    found = admin.get("applications", filter=f"appId eq '{made.blueprint['appId']}'")["value"]
    assert found[0]["tags"] == [tag]
    parent = f"agentIdentityBlueprintId eq '{made.blueprint['appId']}'"
    [one] = admin.get(f"servicePrincipals/{IDENTITY}", filter=parent)["value"]
    assert one["id"] == own["id"]
    # The identity's own, and its blueprint's.
    assert one["tags"] == ["mine", tag]
    [one] = admin.get(
        f"servicePrincipals/{PRINCIPAL}", filter=f"appId eq '{made.blueprint['appId']}'"
    )["value"]
    assert one["id"] == made.principal["id"]
    found = admin.get("servicePrincipals", filter=f"tags/any(t:t eq '{tag}')", top="1")
    assert found["@odata.nextLink"].startswith(f"{admin.scene.cloud['graph']}/v1.0/")


def test_agent_users_are_found_by_their_parent_and_only_among_agent_users(
    admin: Administrator, made: Made
) -> None:
    parent = f"identityParentId eq '{made.identity['id']}'"

    [one] = admin.get(f"users/{USER}", filter=parent)["value"]
    assert one["id"] == made.user["id"]
    refused = admin.call("GET", "users", filter=parent)
    assert code(refused) == (400, "Request_UnsupportedQuery")


def test_everybody_is_listed_by_name(admin: Administrator, made: Made) -> None:
    for name in ("ada@contoso.example", made.user["userPrincipalName"]):
        [one] = admin.get("users", filter=f"userPrincipalName eq '{name}'")["value"]
        assert one["userPrincipalName"] == name
    assert code(admin.call("GET", f"users/{ADA}/{USER}")) == (404, "Request_ResourceNotFound")


def test_identity_wants_its_blueprints_principal(making: Making) -> None:
    """Nothing makes it by itself."""
    made = making.through("blueprint")
    missing = (400, "AgentIdentity_AgentBlueprintPrincipalDoesNotExist")

    assert code(making.identity(made)) == missing
    assert code(making.identity(Made({"appId": NOBODY}))) == missing

    assert making.principal(made).status_code == 201
    assert making.identity(made).status_code == 201


def test_tenant_has_one_principal_of_a_blueprint(making: Making) -> None:
    made = making.through("principal")

    again = making.principal(made)

    assert code(again) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_principal_wants_a_blueprint(scene: Scene, making: Making, credential: Credential) -> None:
    unknown = making.principal(Made({"appId": NOBODY}))
    assert code(unknown) == (400, "Request_BadRequest")
    assert "does not reference a valid application object" in unknown.text
    bot = {"name": "Bot", "certificate": credential.certificate, "endpoint": None}
    other = Made({"appId": scene.ask("POST", "bots", bot)["bot"]})

    assert code(making.principal(other)) == (400, "AgentBlueprintPrincipal_RequireAgentBlueprint")
    assert code(making.identity(other)) == (400, "AgentIdentity_IncompatibleParentType")


@pytest.mark.parametrize(
    ("step", "body", "expected", "said"),
    [
        ("blueprint", {"displayName": " "}, "Request_BadRequest", "displayName"),
        ("blueprint", {"tags": "red"}, "BadRequest", "tags"),
        ("principal", {"x": 1}, "AgentBlueprintPrincipal_IncompatibleProperty", "'x'"),
        ("identity", {"keyCredentials": []}, "AgentIdentity_CredentialsNotSupported", "blueprint"),
        ("user", {"mailNickname": "a b"}, "Request_BadRequest", "mailNickname"),
        ("user", {"identityParentId": NOBODY}, "Request_BadRequest", NOBODY),
        ("user", {"userPrincipalName": "a@x.example"}, "Request_BadRequest", "verified domain"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_made(
    making: Making, made: Made, step: str, body: Json, expected: str, said: str
) -> None:
    make = getattr(making, step)
    answer = make(**body) if step == "blueprint" else make(made, **body)

    assert code(answer) == (400, expected)
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("whose", ["a person", "an agent"])
def test_address_that_somebody_has_is_taken(making: Making, made: Made, whose: str) -> None:
    taken = made.user["userPrincipalName"] if whose == "an agent" else "ADA@contoso.example"
    fresh = making.identity(made).json()

    answer = making.user(Made(identity=fresh), userPrincipalName=taken)

    assert code(answer) == (400, "Request_BadRequest")
    assert "userPrincipalName already exists" in answer.text


def test_agent_identity_has_one_user(making: Making, made: Made) -> None:
    again = making.user(made)

    assert code(again) == (400, "Request_BadRequest")
    assert "already linked to another agent user" in again.text


def test_whoever_makes_it_is_its_sponsor_if_nobody_is_named(
    making: Making, admin: Administrator
) -> None:
    made = making.through("identity")

    for address in (
        f"applications/{made.blueprint['id']}/{BLUEPRINT}",
        f"servicePrincipals/{made.identity['id']}/{IDENTITY}",
    ):
        [sponsor] = admin.get(f"{address}/sponsors")["value"]
        assert (sponsor["@odata.type"], sponsor["id"]) == ("#microsoft.graph.user", ADA)


def test_sponsors_come_and_go_and_one_stays(making: Making, admin: Administrator) -> None:
    made = making.through("identity", **{"sponsors@odata.bind": users(GRACE)})
    place = f"servicePrincipals/{IDENTITY}/{made.identity['id']}/sponsors"

    def sponsors() -> list[str]:
        return [one["id"] for one in admin.get(place, select="id")["value"]]

    assert sponsors() == [GRACE]
    added = {"@odata.id": f"https://graph.microsoft.com/v1.0/groups/{TEAM}"}
    assert admin.call("POST", f"{place}/$ref", added).status_code == 204
    assert sponsors() == [GRACE, TEAM]
    assert code(admin.call("POST", f"{place}/$ref", added)) == (400, "Request_BadRequest")
    assert admin.call("DELETE", f"{place}/{GRACE}/$ref").status_code == 204
    assert sponsors() == [TEAM]
    assert code(admin.call("DELETE", f"{place}/{TEAM}/$ref")) == (400, "Request_BadRequest")
    gone = admin.call("DELETE", f"{place}/{GRACE}/$ref")
    assert code(gone) == (404, "Request_ResourceNotFound")


def test_agent_users_sponsors_are_who_its_agent_reads(
    scene: Scene, making: Making, admin: Administrator, credential: Credential
) -> None:
    made = making.through("user")
    place = f"users/{made.user['id']}/sponsors"
    assert admin.get(place)["value"] == []
    for name in (ADA, GRACE):
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{name}"}
        assert admin.call("POST", f"{place}/$ref", body).status_code == 204
    assert admin.call("DELETE", f"{place}/{ADA}/$ref").status_code == 204
    making.certify(made, credential)
    agent = made.hired(credential)
    scene.ask("PUT", f"agents/{agent.user}", {"grants": ALLOWED})

    own = Administrator(scene, scene.user_token(agent, GRAPH))

    assert [one["id"] for one in own.get(place)["value"]] == [GRACE]
    denied = own.call("DELETE", f"{place}/{GRACE}/$ref")
    assert code(denied) == (403, "Authorization_RequestDenied")


def test_people_have_no_sponsors_and_principals_none_of_their_own(
    admin: Administrator, made: Made
) -> None:
    assert admin.get(f"users/{ADA}/sponsors")["value"] == []
    body = {"@odata.id": users(GRACE)[0]}
    answer = admin.call("POST", f"users/{ADA}/sponsors/$ref", body)
    assert code(answer) == (400, "Request_BadRequest")
    answer = admin.call("GET", f"users/{NOBODY}/sponsors")
    assert code(answer) == (404, "Request_ResourceNotFound")
    answer = admin.call("GET", f"servicePrincipals/{made.principal['id']}/sponsors")
    assert code(answer) == (400, "BadRequest")


@pytest.mark.parametrize("name", [SECURITY, ASSIGNABLE, MALLORY, NOBODY, "itself", "user", "words"])
def test_not_everything_can_be_a_sponsor(making: Making, made: Made, name: str) -> None:
    """https://learn.microsoft.com/graph/api/agentidentity-post-sponsors."""
    known = {"itself": made.identity["id"], "user": made.user["id"]}
    bound = users(known.get(name, name))

    answer = making.identity(made, **{"sponsors@odata.bind": bound})

    assert code(answer) == (400, "Request_BadRequest")


def test_blueprint_makes_its_agents_and_nobody_elses(
    scene: Scene, making: Making, made: Made, credential: Credential, stranger: Credential
) -> None:
    making.certify(made, credential)
    agent = made.hired(credential)
    own = Making(Administrator(scene, app_token(scene, agent)))
    other = scene.hire(stranger)

    assert code(own.identity(made)) == (400, "Request_BadRequest")  # no sponsor of its own
    bound = {"sponsors@odata.bind": users(ADA)}
    child = own.identity(made, **bound)
    assert child.json()["createdByAppId"] == agent.blueprint
    listed = own.admin.get(f"servicePrincipals/{IDENTITY}")["value"]
    assert {one["agentIdentityBlueprintId"] for one in listed} == {agent.blueprint}
    assert own.admin.get(f"servicePrincipals/{child.json()['id']}")["displayName"] == "Claw"
    foreign = own.identity(Made({"appId": other.blueprint}), **bound)
    assert code(foreign) == (403, "Error_AgentBlueprintCannotCreateAssociatedIdentity")
    assert code(own.user(Made(identity=child.json()))) == (403, "Authorization_RequestDenied")

    first, _ = scene.walk(agent)
    form = scene.agent_form(agent, first, scope=GRAPH)
    itself = Making(Administrator(scene, scene.grant(agent, form)["access_token"]))
    refused = itself.identity(made, **bound)
    assert code(refused) == (403, "Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed")


def test_blueprint_with_the_permission_makes_the_users_of_its_own_agents(
    scene: Scene, making: Making, made: Made, credential: Credential, stranger: Credential
) -> None:
    agent, other = made.hired(credential), scene.hire(stranger)
    fresh = making.identity(made).json()

    def token(blueprint: str) -> Making:
        claims = {
            "aud": "https://graph.microsoft.com",
            "iss": f"https://sts.windows.net/{HOME}/",
            "appid": blueprint,
            "oid": blueprint,
            "idtyp": "app",
            "roles": ["AgentIdUser.ReadWrite.IdentityParentedBy"],
        }
        forged = scene.ask("POST", "tokens", {"agent": other.user, "claims": claims})["token"]
        return Making(Administrator(scene, forged))

    refused = token(other.blueprint).user(Made(identity=fresh))
    assert code(refused) == (403, "Authorization_RequestDenied")
    assert token(agent.blueprint).user(Made(identity=fresh)).status_code == 201


def test_changes_are_kept_and_what_is_not_of_the_body_stays(
    making: Making, admin: Administrator, credential: Credential
) -> None:
    made = making.through("user")
    app, place = made.blueprint["appId"], f"applications/{made.blueprint['id']}"
    scope = {"id": str(uuid.uuid4()), "value": "access_agent", "type": "User", "isEnabled": True}
    api = {"oauth2PermissionScopes": [scope]}

    body = {"identifierUris": [f"api://{app}"], "api": api, "keyCredentials": [shaped(credential)]}
    assert admin.call("PATCH", place, body).status_code == 204
    assert admin.call("PATCH", place, {"displayName": "New"}).status_code == 204

    shown = admin.get(place)
    assert (shown["displayName"], shown["identifierUris"]) == ("New", [f"api://{app}"])
    assert shown["api"] == api
    assert len(shown["keyCredentials"]) == 1
    own = f"servicePrincipals/{made.identity['id']}"
    assert admin.call("PATCH", own, {"accountEnabled": False, "tags": ["a"]}).status_code == 204
    assert admin.get(own, select="accountEnabled")["accountEnabled"] is False
    principal = f"servicePrincipals/{made.principal['id']}"
    assert admin.call("PATCH", principal, {"accountEnabled": False}).status_code == 204
    assert admin.get(principal)["accountEnabled"] is False
    user = f"users/{made.user['id']}"
    change = {"usageLocation": "DE", "jobTitle": "Agent"}
    assert admin.call("PATCH", user, change).status_code == 204
    shown = admin.get(user, select="usageLocation,jobTitle,userPrincipalName")
    assert (shown["usageLocation"], shown["jobTitle"]) == ("DE", "Agent")
    assert shown["userPrincipalName"] == made.user["userPrincipalName"]
    parent = admin.call("PATCH", user, {"identityParentId": NOBODY})
    assert code(parent) == (400, "Request_BadRequest")
    taken = admin.call("PATCH", user, {"userPrincipalName": "grace@contoso.example"})
    assert code(taken) == (400, "Request_BadRequest")
    assert code(admin.call("PATCH", f"users/{ADA}", {})) == (404, "Request_ResourceNotFound")


def test_switched_off_agent_gets_no_token_and_is_on_again(
    scene: Scene, making: Making, admin: Administrator, credential: Credential
) -> None:
    made = making.through("user")
    making.certify(made, credential)
    agent = made.hired(credential)
    scene.ask("PUT", f"agents/{agent.user}", {"grants": ALLOWED})
    first, second = scene.walk(agent)

    def refusal(place: str) -> int:
        assert admin.call("PATCH", place, {"accountEnabled": False}).status_code == 204
        form = scene.user_form(agent, first, second, scope=GRAPH)
        number: int = scene.grant(agent, form)["error_codes"][0]
        assert admin.call("PATCH", place, {"accountEnabled": True}).status_code == 204
        return number

    assert refusal(f"servicePrincipals/{agent.agent}") == 7000112
    assert refusal(f"servicePrincipals/{made.principal['id']}") == 7000112
    assert refusal(f"users/{agent.user}") == 50057
    assert scene.user_token(agent, GRAPH)


def test_two_agents_of_one_blueprint_live_side_by_side(
    scene: Scene, making: Making, credential: Credential
) -> None:
    made = making.through("user")
    making.certify(made, credential)
    sibling = replace(made, identity=making.identity(made).json())
    sibling = replace(sibling, user=making.user(sibling).json())

    for one in (made, sibling):
        agent = one.hired(credential)
        scene.ask("PUT", f"agents/{agent.user}", {"grants": ALLOWED})
        assert scene.user_token(agent, GRAPH)
    agent = made.hired(credential)
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second, scope=GRAPH, user_id=sibling.user["id"])
    assert scene.grant(agent, form)["error_codes"] == [50034]


@pytest.mark.parametrize("step", ["blueprint", "principal", "identity", "user"])
def test_without_a_role_nothing_is_made(scene: Scene, made: Made, step: str) -> None:
    """Somebody else has consented for everybody, so that the token has the permissions."""
    grace = Making(Administrator(scene, token_of_grace(scene, made)))
    make = getattr(grace, step)

    answer = make() if step == "blueprint" else make(made)

    assert code(answer) == (403, "Authorization_RequestDenied")


def test_developer_writes_what_they_made_and_nothing_else(scene: Scene, made: Made) -> None:
    developer = "adb2368d-a9be-41b5-8667-d96778e081b0"
    grace = Making(Administrator(scene, token_of_grace(scene, made, developer)))

    mine = grace.blueprint()
    assert mine.status_code == 201
    own, other = mine.json()["id"], made.blueprint["id"]
    change = {"displayName": "Mine"}
    assert grace.admin.call("PATCH", f"applications/{own}", change).status_code == 204
    foreign = grace.admin.call("PATCH", f"applications/{other}", change)
    assert code(foreign) == (403, "Authorization_RequestDenied")


def token_of_grace(scene: Scene, made: Made, *roles: str) -> str:
    claims = {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{HOME}/",
        "appid": scene.cloud["admin_client"],
        "oid": GRACE,
        "idtyp": "user",
        "scp": " ".join(EVERYTHING),
        "wids": roles,
    }
    body = {"agent": made.user["id"], "claims": claims}
    token: str = scene.ask("POST", "tokens", body)["token"]
    return token
