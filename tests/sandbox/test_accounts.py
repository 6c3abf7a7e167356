"""What an agent user reads of its own account, and what an administrator takes from it."""

import pytest

from sandbox.reader import Reader, refusal
from sandbox.scene import BOUND_S, GRAPH, Credential, Hired, Json, Scene
from sandbox.test_control import complain


def change(scene: Scene, agent: Hired, **changes: object) -> Json:
    return scene.ask("PUT", f"agents/{agent.user}/account", changes)


def test_licence_lists_its_service_plans_as_graph_does(reader: Reader) -> None:
    [licence] = reader.get("me/licenseDetails").json()["value"]

    assert (licence["skuPartNumber"], len(licence["id"])) == ("SPE_E5", 43)
    plans = {plan["servicePlanName"]: plan for plan in licence["servicePlans"]}
    assert plans["TEAMS1"] == {
        "servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929",
        "servicePlanName": "TEAMS1",
        "provisioningStatus": "Success",
        "appliesTo": "User",
    }


def test_licence_that_was_taken_is_gone_and_its_mailbox_with_it(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    assert reader.get("me/mailFolders/inbox").json()["displayName"] == "Inbox"

    change(scene, agent, licences=[])

    assert reader.get("me/licenseDetails").json()["value"] == []
    assert refusal(reader.get("me/mailFolders/inbox")) == (404, "MailboxNotEnabledForRESTAPI")


def test_mailbox_comes_some_time_after_its_licence(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    change(scene, agent, mailbox_in_s=60)
    assert refusal(reader.get("me/mailFolders/inbox")) == (404, "MailboxNotEnabledForRESTAPI")

    change(scene, agent, mailbox_in_s=-1)
    assert reader.get("me/mailFolders/inbox").ok


def test_settings_of_the_mailbox_want_a_permission_of_their_own(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    assert refusal(reader.get("me/mailboxSettings")) == (403, "ErrorAccessDenied")

    grants = {"https://graph.microsoft.com": ["MailboxSettings.Read"]}
    scene.ask("PUT", f"agents/{agent.user}", {"grants": grants})

    own = Reader(scene, agent)
    assert own.get("me/mailboxSettings").json()["userPurpose"] == "user"
    assert refusal(own.get("me/mailFolders/inbox")) == (403, "ErrorAccessDenied")
    assert refusal(own.get("me/licenseDetails")) == (403, "Authorization_RequestDenied")


def test_parent_is_told_only_to_who_asks_for_it(agent: Hired, reader: Reader) -> None:
    assert "identityParentId" not in reader.get("me").json()
    assert reader.get("me", select="id,identityParentId").json()["identityParentId"] == agent.agent


def test_deleted_user_gets_no_token_and_is_not_found(
    scene: Scene, agent: Hired, reader: Reader
) -> None:
    first, second = scene.walk(agent)

    change(scene, agent, deleted=True)

    refused = scene.grant(agent, scene.user_form(agent, first, second, scope=GRAPH))
    assert refused["error_codes"] == [50034]
    assert refusal(reader.get("me")) == (404, "Request_ResourceNotFound")
    assert refusal(reader.get("me/licenseDetails")) == (404, "Request_ResourceNotFound")


def test_blueprint_without_a_principal_is_not_of_the_tenant(scene: Scene, agent: Hired) -> None:
    change(scene, agent, principal=False)

    refused = scene.grant(agent, scene.blueprint_form(agent))

    assert refused["error_codes"] == [7000229]
    assert f"{agent.blueprint} is missing service principal" in refused["error_description"]


def test_certificates_of_a_blueprint_can_be_written_over(
    scene: Scene, agent: Hired, stranger: Credential
) -> None:
    change(scene, agent, certificates=[stranger.certificate])

    assert scene.grant(agent, scene.blueprint_form(agent))["error_codes"] == [700027]


def test_login_host_can_be_down_in_one_path(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", "faults", {"login": {"status": 503, "path": "/discovery/"}})
    keys = f"{scene.cloud['login']}/{agent.tenant}/discovery/v2.0/keys"

    answer = scene.session.get(keys, timeout=BOUND_S)
    first, _ = scene.walk(agent)
    scene.ask("PUT", "faults", {"login": None})

    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert first
    assert scene.session.get(keys, timeout=BOUND_S).json()["keys"]


@pytest.mark.parametrize(
    ("body", "word"),
    [({"mood": 1}, "mood"), ({"licences": ["E9"]}, "E9"), ({"deleted": 1}, "true")],
)
def test_nonsense_changes_nothing(scene: Scene, agent: Hired, body: Json, word: str) -> None:
    assert word in complain(scene, "PUT", f"agents/{agent.user}/account", body)
