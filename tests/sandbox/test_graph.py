"""The little of Graph an agent needs to know its people."""

import pytest
import requests

from entraclaw.sandbox.sponsors import GROUPS
from sandbox.administrator import Administrator
from sandbox.scene import BOUND_S, CHANNEL, GRAPH, Hired, Scene
from sandbox.tenant import code


def get(scene: Scene, path: str, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "client-request-id": "my-own-id"}
    url = f"{scene.cloud['graph']}/v1.0/{path}"
    return scene.session.get(url, headers=headers, timeout=BOUND_S)


@pytest.fixture
def token(scene: Scene, agent: Hired) -> str:
    return scene.user_token(agent, GRAPH)


def test_me_is_the_agent_user(scene: Scene, agent: Hired, token: str) -> None:
    answer = get(scene, "me", token)

    me = answer.json()
    assert (me["id"], me["userPrincipalName"]) == (agent.user, agent.upn)
    assert me["@odata.context"].startswith(scene.cloud["graph"])
    assert answer.headers["client-request-id"] == "my-own-id"
    assert answer.headers["request-id"]


def test_sponsors_are_listed_as_users(scene: Scene, agent: Hired, token: str) -> None:
    sponsors = get(scene, f"users/{agent.user}/sponsors", token).json()["value"]

    assert [sponsor["displayName"] for sponsor in sponsors] == ["Ada Lovelace"]
    assert sponsors[0]["@odata.type"] == "#microsoft.graph.user"


def test_changed_sponsors_are_listed_at_once(scene: Scene, agent: Hired, token: str) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"sponsors": ["grace"]})

    sponsors = get(scene, f"users/{agent.upn}/sponsors", token).json()["value"]

    assert [sponsor["displayName"] for sponsor in sponsors] == ["Grace Hopper"]


def test_user_is_found_by_id_and_by_upn(scene: Scene, token: str) -> None:
    by_upn = get(scene, "users/ada@contoso.example", token).json()
    by_id = get(scene, f"users/{by_upn['id']}", token).json()

    assert by_id["displayName"] == by_upn["displayName"] == "Ada Lovelace"
    assert get(scene, f"users/{by_upn['id']}/sponsors", token).json()["value"] == []


def test_user_of_another_tenant_does_not_exist(scene: Scene, token: str) -> None:
    answer = get(scene, "users/mallory@fabrikam.example", token)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "Request_ResourceNotFound")
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert error["innerError"]["client-request-id"] == "my-own-id"


def test_graph_answers_for_its_local_name_too(scene: Scene, agent: Hired) -> None:
    """A client that derives the scope from the profile's `graph` gets the same audience."""
    token = scene.user_token(agent, f"{scene.cloud['graph']}/.default")

    assert get(scene, "me", token).ok


def test_token_for_the_connector_is_refused(scene: Scene, agent: Hired) -> None:
    answer = get(scene, "me", scene.user_token(agent, CHANNEL))

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


def test_words_that_are_no_token_are_refused(scene: Scene) -> None:
    assert get(scene, "me", "hello").status_code == 401


def test_missing_scope_is_a_denial(scene: Scene, agent: Hired) -> None:
    grants = {"https://graph.microsoft.com": ["User.Read"]}
    scene.ask("PUT", f"agents/{agent.user}", {"grants": grants})
    token = scene.user_token(agent, GRAPH)

    answer = get(scene, "users/ada@contoso.example", token)

    assert get(scene, "me", token).ok
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Authorization_RequestDenied"


def test_app_only_token_has_no_me(scene: Scene, agent: Hired) -> None:
    first, _ = scene.walk(agent)
    form = scene.agent_form(agent, first, scope=GRAPH)
    token = scene.grant(agent, form)["access_token"]

    assert get(scene, "me", token).status_code == 400


def test_unknown_path_is_answered_in_the_same_envelope(scene: Scene, token: str) -> None:
    assert get(scene, "teams", token).json()["error"]["code"] == "BadRequest"


def test_group_is_read_with_a_permission_of_its_own(scene: Scene, token: str) -> None:
    member = Administrator.sign_in(scene, scopes=["GroupMember.Read.All"])
    group = f"groups/{GROUPS[0].id}"

    assert member.get(group)["displayName"] == GROUPS[0].name
    assert code(member.call("GET", "groups/nowhere")) == (404, "Request_ResourceNotFound")
    assert code(get(scene, group, token)) == (403, "Authorization_RequestDenied")
