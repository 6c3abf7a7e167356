"""Delegated grants at Graph: made, merged, taken, and what Entra makes of them."""

from collections.abc import Generator

import pytest

from entraclaw.sandbox.apis import APIS
from sandbox.administrator import HOME, Administrator
from sandbox.scene import CHANNEL, GRAPH, Hired, Json, Scene, claims_of
from sandbox.tenant import code

START = "2026-01-01T00:00:00Z"
NOWHERE = "99999999-9999-4999-8999-999999999999"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"


@pytest.fixture(scope="module")
def admin(scene: Scene) -> Administrator:
    return Administrator.sign_in(scene)


@pytest.fixture
def bare(scene: Scene, agent: Hired) -> Hired:
    """An agent that may do nothing at all."""
    grants: dict[str, list[str]] = {
        GRAPH.removesuffix("/.default"): [],
        CHANNEL.removesuffix("/.default"): [],
    }
    grants["https://storage.azure.com"] = []
    scene.ask("PUT", f"agents/{agent.user}", {"grants": grants})
    return agent


@pytest.fixture
def slowly(scene: Scene) -> Generator[None]:
    scene.ask("PUT", "settings", {"propagation_s": 60})
    yield
    scene.ask("PUT", "settings", {"propagation_s": 0})
    scene.ask("PUT", "clock", {"ahead_s": 0})


def resource(admin: Administrator, app: str = GRAPH_APP) -> str:
    """The object id of an API's service principal."""
    found: str = admin.get(f"servicePrincipals(appId='{app}')")["id"]
    return found


def asked(admin: Administrator, agent: Hired, **changes: object) -> Json:
    body = {
        "clientId": agent.agent,
        "consentType": "Principal",
        "principalId": agent.user,
        "resourceId": resource(admin),
        "scope": "User.Read Chat.Read",
        "startTime": START,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def grant(admin: Administrator, agent: Hired, **changes: object) -> Json:
    answer = admin.call("POST", "oauth2PermissionGrants", asked(admin, agent, **changes))
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def refused(scene: Scene, agent: Hired, scope: str = GRAPH) -> list[int]:
    first, second = scene.walk(agent)
    codes: list[int] = scene.grant(agent, scene.user_form(agent, first, second, scope=scope))[
        "error_codes"
    ]
    return codes


def scopes(scene: Scene, agent: Hired, scope: str = GRAPH) -> set[str]:
    return set(claims_of(scene.user_token(agent, scope))["scp"].split())


def test_grant_is_what_the_agents_token_says(
    scene: Scene, admin: Administrator, bare: Hired
) -> None:
    assert refused(scene, bare) == [65001]
    made = grant(admin, bare)

    assert made["scope"] == "User.Read Chat.Read"
    assert (made["consentType"], made["principalId"]) == ("Principal", bare.user)
    assert "startTime" not in made
    assert scopes(scene, bare) == {"User.Read", "Chat.Read"}
    assert refused(scene, bare, CHANNEL) == [65001]


def test_grants_for_one_and_for_everybody_add_up(
    scene: Scene, admin: Administrator, bare: Hired
) -> None:
    grant(admin, bare, scope="User.Read")
    everybody = {"consentType": "AllPrincipals", "principalId": None, "scope": "Mail.Send"}
    made = grant(admin, bare, **everybody)

    assert scopes(scene, bare) == {"User.Read", "Mail.Send"}
    assert len(made["id"]) == 43
    assert made["principalId"] is None
    listed = admin.get("oauth2PermissionGrants", filter=f"clientId eq '{bare.agent}'")["value"]
    assert {one["scope"] for one in listed} == {"User.Read", "Mail.Send"}
    mine = f"clientId eq '{bare.agent}' and principalId eq '{bare.user}'"
    [one] = admin.get("oauth2PermissionGrants", filter=mine)["value"]
    assert (one["scope"], len(one["id"])) == ("User.Read", 64)
    own = admin.get(f"servicePrincipals/{bare.agent}/oauth2PermissionGrants")["value"]
    assert own == listed


def test_grant_is_widened_and_taken_back(scene: Scene, admin: Administrator, bare: Hired) -> None:
    path = f"oauth2PermissionGrants/{grant(admin, bare)['id']}"
    wide = {"scope": "User.Read Chat.Read ChatMessage.Send"}
    assert admin.call("PATCH", path, wide).status_code == 204
    assert admin.get(path)["scope"] == wide["scope"]
    assert "ChatMessage.Send" in scopes(scene, bare)

    assert admin.call("DELETE", path).status_code == 204

    assert code(admin.call("GET", path)) == (404, "Request_ResourceNotFound")
    assert refused(scene, bare) == [65001]


def test_second_grant_for_the_same_is_refused(admin: Administrator, bare: Hired) -> None:
    grant(admin, bare)
    answer = admin.call("POST", "oauth2PermissionGrants", asked(admin, bare, scope="Mail.Send"))

    assert code(answer) == (400, "Request_BadRequest")
    assert answer.json()["error"]["message"] == "Permission entry already exists."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"startTime": ...}, "Missing property: startTime"),
        ({"clientId": ...}, "Missing property: clientId"),
        ({"scope": " "}, "Missing property: scope"),
        ({"consentType": "Everybody"}, "consentType"),
        ({"principalId": None}, "must name the user"),
        ({"consentType": "AllPrincipals"}, "must be null"),
        ({"scope": "User.Read Directory.AccessAsUser.All"}, "cannot be granted to agents"),
        ({"scope": "User.ReadWrite.All"}, "cannot be granted to agents"),
    ],
)
def test_grant_that_makes_no_sense_is_refused(
    admin: Administrator, bare: Hired, changes: Json, words: str
) -> None:
    answer = admin.call("POST", "oauth2PermissionGrants", asked(admin, bare, **changes))

    assert code(answer) == (400, "Request_BadRequest")
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize("party", ["clientId", "resourceId", "principalId"])
def test_party_that_does_not_exist_is_not_found(
    admin: Administrator, bare: Hired, party: str
) -> None:
    body = asked(admin, bare, **{party: NOWHERE})

    answer = admin.call("POST", "oauth2PermissionGrants", body)

    assert code(answer) == (404, "Request_ResourceNotFound")


def test_api_is_no_client_and_a_person_may_be_the_one(admin: Administrator, bare: Hired) -> None:
    graph = resource(admin)
    answer = admin.call("POST", "oauth2PermissionGrants", asked(admin, bare, clientId=graph))
    assert code(answer) == (404, "Request_ResourceNotFound")

    ada = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa"
    assert grant(admin, bare, principalId=ada)["principalId"] == ada


def test_widening_is_held_to_the_same_rules(admin: Administrator, bare: Hired) -> None:
    path = f"oauth2PermissionGrants/{grant(admin, bare)['id']}"

    for body in ({"scope": ""}, {"scope": "Directory.ReadWrite.All"}, {"clientId": NOWHERE}):
        assert code(admin.call("PATCH", path, body)) == (400, "Request_BadRequest")


def test_consent_counts_some_time_later(
    scene: Scene, admin: Administrator, bare: Hired, slowly: None
) -> None:
    del slowly
    path = f"oauth2PermissionGrants/{grant(admin, bare)['id']}"
    assert admin.get(path)["scope"]
    assert refused(scene, bare) == [65001]

    scene.ask("PUT", "clock", {"ahead_s": 61})

    assert scopes(scene, bare) == {"User.Read", "Chat.Read"}


def test_reading_and_writing_need_rights_of_their_own(
    scene: Scene, admin: Administrator, bare: Hired
) -> None:
    body = asked(admin, bare)
    weak = Administrator.fresh(scene, "grace", ["User.Read"])

    assert code(weak.call("POST", "oauth2PermissionGrants", body))[0] == 403
    assert code(weak.call("GET", "oauth2PermissionGrants"))[0] == 403
    made = f"oauth2PermissionGrants/{grant(admin, bare)['id']}"
    assert code(weak.call("PATCH", made, {"scope": "Mail.Send"}))[0] == 403
    assert code(weak.call("DELETE", made))[0] == 403


def test_apis_are_found_by_application_id_and_by_filter(admin: Administrator) -> None:
    listed = admin.get("servicePrincipals", filter=f"appId eq '{GRAPH_APP}'")["value"]

    [graph] = listed
    assert graph["displayName"] == "Microsoft Graph"
    known = {one["value"]: one["id"] for one in graph["oauth2PermissionScopes"]}
    assert known["User.Read"] == "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
    assert admin.get(f"servicePrincipals/{graph['id']}")["appId"] == GRAPH_APP
    for api in APIS:
        assert admin.get(f"servicePrincipals(appId='{api.app}')")["id"] == api.id(HOME)


def test_api_that_the_tenant_lacks_is_not_there_for_anybody(
    scene: Scene, admin: Administrator, bare: Hired
) -> None:
    word = "c2d0c2b6-8013-4346-9f8b-b81d3b754a29"
    own = resource(admin, word)
    grant(admin, bare, resourceId=own, scope="Tools.ListInvoke.All")
    assert scopes(scene, bare, f"{word}/.default") == {"Tools.ListInvoke.All"}
    scene.ask("PUT", f"apis/{word}", {"present": False})
    try:
        answer = admin.call("GET", f"servicePrincipals(appId='{word}')")
        assert code(answer) == (404, "Request_ResourceNotFound")
        body = asked(admin, bare, resourceId=own, scope="Tools.ListInvoke.All")
        assert code(admin.call("POST", "oauth2PermissionGrants", body))[0] == 404
        listed = admin.get("oauth2PermissionGrants", filter=f"clientId eq '{bare.agent}'")
        assert listed["value"] == []
        assert refused(scene, bare, f"{word}/.default") == [500011]
    finally:
        scene.ask("PUT", f"apis/{word}", {"present": True})
    assert scopes(scene, bare, f"{word}/.default") == {"Tools.ListInvoke.All"}


def test_token_exchange_is_no_api_to_be_granted(admin: Administrator) -> None:
    app = "fb60f99c-7a34-4190-8149-302f77469936"

    assert code(admin.call("GET", f"servicePrincipals(appId='{app}')"))[0] == 404
