"""What is deleted lies in the bin, comes out of it again, and is gone after thirty days."""

from collections.abc import Generator

import pytest

from sandbox.administrator import Administrator
from sandbox.scene import GRAPH, Credential, Scene
from sandbox.tenant import USER, Made, Making, code

BIN = "directory/deletedItems"
NOT_FOUND = (404, "Request_ResourceNotFound")
DAY_S = 24 * 3600
SCOPES = {GRAPH.removesuffix("/.default"): ["User.Read"]}


@pytest.fixture
def making(scene: Scene) -> Generator[Making]:
    yield Making(Administrator.sign_in(scene))
    scene.ask("PUT", "clock", {"ahead_s": 0})


def later(making: Making, days: float) -> Administrator:
    """The same administrator, who signs in again some days later."""
    making.admin.scene.ask("PUT", "clock", {"ahead_s": days * DAY_S})
    return Administrator.sign_in(making.admin.scene)


def bin_of(admin: Administrator, kind: str) -> list[str]:
    return [one["id"] for one in admin.get(f"{BIN}/microsoft.graph.{kind}", top="999")["value"]]


def delete(admin: Administrator, place: str) -> None:
    assert admin.call("DELETE", place).status_code == 204


@pytest.mark.parametrize(
    ("kind", "step", "place"),
    [
        ("application", "blueprint", "applications"),
        ("agentIdentityBlueprint", "blueprint", "applications"),
        ("servicePrincipal", "principal", "servicePrincipals"),
        ("servicePrincipal", "identity", "servicePrincipals"),
        ("agentIdentity", "identity", "servicePrincipals"),
        ("user", "user", "users"),
    ],
)
def test_deleted_object_is_in_the_bin_and_comes_back(
    making: Making, kind: str, step: str, place: str
) -> None:
    admin, made = making.admin, making.through(step)
    own = getattr(made, step)["id"]

    delete(admin, f"{place}/{own}")

    assert code(admin.call("GET", f"{place}/{own}")) == NOT_FOUND
    assert code(admin.call("DELETE", f"{place}/{own}")) == NOT_FOUND
    assert own in bin_of(admin, kind)
    assert admin.get(f"{BIN}/{own}")["deletedDateTime"] is not None
    restored = admin.call("POST", f"{BIN}/{own}/restore")
    assert (restored.status_code, restored.json()["id"]) == (200, own)
    assert admin.get(f"{place}/{own}")["id"] == own
    assert own not in bin_of(admin, kind)


@pytest.mark.parametrize("step", ["blueprint", "identity", "user"])
def test_deleted_for_good_is_gone(making: Making, step: str) -> None:
    admin, made = making.admin, making.through(step)
    places = {"blueprint": "applications", "identity": "servicePrincipals", "user": "users"}
    own = getattr(made, step)["id"]
    delete(admin, f"{places[step]}/{own}")

    delete(admin, f"{BIN}/{own}")

    assert code(admin.call("GET", f"{BIN}/{own}")) == NOT_FOUND
    assert code(admin.call("POST", f"{BIN}/{own}/restore")) == NOT_FOUND


def test_principal_cannot_be_deleted_for_good(making: Making) -> None:
    admin, made = making.admin, making.through("principal")
    delete(admin, f"servicePrincipals/{made.principal['id']}")

    refused = admin.call("DELETE", f"{BIN}/{made.principal['id']}")

    assert code(refused) == (400, "Request_BadRequest")


def test_deleted_application_takes_its_principal_along_and_brings_it_not_back(
    making: Making,
) -> None:
    admin, made = making.admin, making.through("principal")
    delete(admin, f"applications/{made.blueprint['id']}")
    assert made.principal["id"] in bin_of(admin, "agentIdentityBlueprintPrincipal")

    assert admin.call("POST", f"{BIN}/{made.blueprint['id']}/restore").ok

    place = f"servicePrincipals/{made.principal['id']}"
    assert code(admin.call("GET", place)) == NOT_FOUND
    assert admin.call("POST", f"{BIN}/{made.principal['id']}/restore").ok
    assert admin.get(place)["displayName"] == "Claw"


def test_agents_follow_the_principal_of_their_blueprint_a_day_later(making: Making) -> None:
    admin, made = making.admin, making.through("user")
    delete(admin, f"servicePrincipals/{made.principal['id']}")
    place = f"servicePrincipals/{made.identity['id']}"
    assert admin.get(place)["id"] == made.identity["id"]

    admin = later(making, 1.1)

    assert code(admin.call("GET", place)) == NOT_FOUND
    assert admin.get(f"users/{made.user['id']}")["id"] == made.user["id"]
    assert admin.call("POST", f"{BIN}/{made.principal['id']}/restore").ok
    assert code(admin.call("GET", place)) == NOT_FOUND
    assert admin.call("POST", f"{BIN}/{made.identity['id']}/restore").ok
    assert admin.get(place)["accountEnabled"] is True


def test_bin_is_emptied_after_thirty_days(making: Making) -> None:
    admin, made = making.admin, making.through("principal")
    delete(admin, f"servicePrincipals/{made.principal['id']}")

    admin = later(making, 31)

    assert code(admin.call("GET", f"{BIN}/{made.principal['id']}")) == NOT_FOUND


def test_what_has_taken_its_place_keeps_it_from_coming_back(making: Making) -> None:
    admin, made = making.admin, making.through("user")
    conflict = (409, "Request_MultipleObjectsWithSameKeyValue")
    delete(admin, f"users/{made.user['id']}")
    delete(admin, f"servicePrincipals/{made.principal['id']}")
    upn = made.user["userPrincipalName"]
    again = making.user(made, userPrincipalName=upn)
    assert again.status_code == 201
    other = making.principal(made).json()

    assert code(admin.call("POST", f"{BIN}/{made.user['id']}/restore")) == conflict
    assert code(admin.call("POST", f"{BIN}/{made.principal['id']}/restore")) == conflict
    by_app = admin.get(f"servicePrincipals(appId='{made.blueprint['appId']}')")
    assert by_app["id"] == other["id"]


def test_deleted_agent_gets_no_token_and_restored_it_does(
    scene: Scene, making: Making, credential: Credential
) -> None:
    admin, made = making.admin, making.through("user")
    making.certify(made, credential)
    agent = made.hired(credential)
    scene.ask("PUT", f"agents/{agent.user}", {"grants": SCOPES})
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second, scope=GRAPH)

    def refusal(place: str) -> int:
        delete(admin, place)
        number: int = scene.grant(agent, {**form})["error_codes"][0]
        name = place.rpartition("/")[2]
        assert admin.call("POST", f"{BIN}/{name}/restore").ok
        return number

    assert refusal(f"users/{agent.user}") == 50034
    assert refusal(f"servicePrincipals/{agent.agent}") == 700016
    delete(admin, f"servicePrincipals/{made.principal['id']}")
    assert scene.grant(agent, scene.blueprint_form(agent))["error_codes"] == [7000229]
    delete(admin, f"applications/{made.blueprint['id']}")
    assert scene.grant(agent, scene.blueprint_form(agent))["error_codes"] == [700016]


def test_kind_that_has_no_bin_is_refused(making: Making) -> None:
    refused = making.admin.call("GET", f"{BIN}/microsoft.graph.group")

    assert code(refused) == (400, "Request_BadRequest")


def test_bin_is_not_for_everybody(scene: Scene, making: Making) -> None:
    made = making.through("user")
    delete(making.admin, f"users/{made.user['id']}")
    reader = Administrator.sign_in(
        scene, scopes=["AgentIdUser.ReadWrite.All"], client=_client(scene)
    )
    other = Administrator.sign_in(scene, scopes=["User.Read"], client=_client(scene))

    assert made.user["id"] in bin_of(reader, "agentUser")
    for path in (f"{BIN}/microsoft.graph.user", f"{BIN}/{made.user['id']}"):
        assert code(other.call("GET", path)) == (403, "Authorization_RequestDenied")
    for method, path in (("POST", "/restore"), ("DELETE", "")):
        refused = other.call(method, f"{BIN}/{made.user['id']}{path}")
        assert code(refused) == (403, "Authorization_RequestDenied")


def _client(scene: Scene) -> str:
    """A client that nobody has consented to anything for."""
    own: str = scene.ask("POST", "clients", {"name": "Tools"})["id"]
    return own


def test_deleted_agent_user_frees_its_agent_and_its_address(making: Making) -> None:
    admin, made = making.admin, making.through("user")
    upn = made.user["userPrincipalName"]
    delete(admin, f"users/{made.user['id']}")
    assert admin.get(f"users/{USER}", filter=f"userPrincipalName eq '{upn}'")["value"] == []

    again = making.user(Made(identity=made.identity), userPrincipalName=upn)

    assert again.status_code == 201
