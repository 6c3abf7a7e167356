"""Where an agent's messages go, as Graph's beta is told it; and what the tenant says of itself."""

from collections.abc import Generator

import pytest
import requests

from sandbox.administrator import HOME, Administrator, appoint
from sandbox.scene import BOUND_S, Credential, Endpoint, Json, Listen, Scene
from sandbox.tenant import BLUEPRINT, IDENTITY, Made, Making, code

DENIED = (403, "Authorization_RequestDenied")
NO_SEGMENT = (400, "BadRequest")
GLOBAL = "62e90394-69f5-4237-9190-012177145e10"


@pytest.fixture
def making(scene: Scene) -> Generator[Making]:
    yield Making(Administrator.sign_in(scene))
    scene.ask("PUT", "settings", {"takes_endpoints": True})


def beta(admin: Administrator, method: str, place: str, body: object = None) -> requests.Response:
    url = f"{admin.scene.cloud['graph']}/beta/{place}/communicationConfiguration"
    return admin.scene.session.request(
        method,
        url,
        json=body,
        headers={"Authorization": f"Bearer {admin.token}"},
        timeout=BOUND_S,
    )


def of_blueprint(made: Made) -> str:
    return f"applications/{made.blueprint['id']}/{BLUEPRINT}"


def of_identity(made: Made) -> str:
    return f"servicePrincipals/{IDENTITY}/{made.identity['id']}"


def posted_to(url: str, **more: object) -> Json:
    bound = {"configurationType": "apiBased", "apiBased": {"callbackUri": url}}
    return {"endpointConfiguration": bound, **more}


async def test_registered_endpoint_is_told_what_people_say(
    scene: Scene, making: Making, credential: Credential, listen: Listen
) -> None:
    url = await listen(endpoint := Endpoint())
    made = making.through("user")
    assert beta(making.admin, "PUT", of_blueprint(made), posted_to(url)).status_code == 200

    agent = made.hired(credential)
    message = {"from": "ada", "agent": agent.user, "text": "hello"}
    await scene.ask_async("POST", "messages", message)

    [arrival] = endpoint.arrivals
    assert arrival.activity["text"] == "hello"
    assert arrival.activity["recipient"]["agenticUserId"] == agent.user


def test_configuration_is_replaced_as_a_whole(making: Making) -> None:
    made, admin = making.through("blueprint"), making.admin
    place, mode = of_blueprint(made), {"messageNotificationMode": "allMessages"}
    empty = beta(admin, "GET", place).json()
    assert (empty["endpointConfiguration"], empty["isOverridableAtAgentIdLevel"]) == (None, False)
    body = posted_to(
        "https://claw.example/api", teamworkConfiguration={"groupChatConfiguration": mode}
    )

    answer = beta(admin, "PUT", place, body).json()

    assert answer == beta(admin, "GET", place).json()
    assert answer["endpointConfiguration"] == {**body["endpointConfiguration"], "botBased": None}
    assert answer["teamworkConfiguration"]["groupChatConfiguration"] == mode
    assert answer["teamworkConfiguration"]["channelConfiguration"] is None
    bound = {"configurationType": "botBased", "botBased": {"botId": HOME}}
    other = beta(admin, "PUT", place, {"endpointConfiguration": bound}).json()
    assert (other["teamworkConfiguration"], other["endpointConfiguration"]["apiBased"]) == (
        None,
        None,
    )


def test_identity_has_its_own_where_its_blueprint_allows_it(scene: Scene, making: Making) -> None:
    made, admin = making.through("user"), making.admin
    own, parent = posted_to("https://own.example"), posted_to("https://parent.example")
    place = of_identity(made)
    beta(admin, "PUT", of_blueprint(made), parent)
    assert code(beta(admin, "PUT", place, own)) == (400, "Request_BadRequest")
    beta(admin, "PUT", of_blueprint(made), {**parent, "isOverridableAtAgentIdLevel": True})

    def address(answer: requests.Response) -> str:
        bound: Json = answer.json()["endpointConfiguration"]["apiBased"]
        return str(bound["callbackUri"])

    assert address(beta(admin, "GET", place)) == "https://parent.example"
    assert address(beta(admin, "PUT", place, own)) == "https://own.example"
    assert address(beta(admin, "GET", place)) == "https://own.example"
    url = f"{place}/communicationConfiguration/reset"
    reset = scene.post(f"{scene.cloud['graph']}/beta/{url}", admin.token, None)
    assert address(reset) == "https://parent.example"
    assert address(beta(admin, "GET", place)) == "https://parent.example"


@pytest.mark.parametrize(
    "body",
    [
        {"endpoint": "x"},
        {"endpointConfiguration": {"configurationType": "smoke"}},
        {"endpointConfiguration": {"configurationType": "apiBased", "smoke": {}}},
        posted_to("ftp://claw.example"),
        posted_to("https://"),
        {"teamworkConfiguration": {"party": {}}},
        {"teamworkConfiguration": {"channelConfiguration": {"messageNotificationMode": "never"}}},
        {"teamworkConfiguration": {"channelConfiguration": {"mode": "never"}}},
    ],
)
def test_configuration_that_makes_no_sense_is_refused(making: Making, body: Json) -> None:
    made = making.through("blueprint")

    answer = beta(making.admin, "PUT", of_blueprint(made), body)

    assert code(answer) == (400, "Request_BadRequest")


@pytest.mark.parametrize("body", [{"isOverridableAtAgentIdLevel": 1}, posted_to(""), []])
def test_configuration_of_another_type_is_refused(making: Making, body: object) -> None:
    made = making.through("blueprint")

    assert beta(making.admin, "PUT", of_blueprint(made), body).status_code == 400


def test_tenant_that_takes_no_endpoints_says_so(scene: Scene, making: Making) -> None:
    made = making.through("identity")
    scene.ask("PUT", "settings", {"takes_endpoints": False})

    for place in (of_blueprint(made), of_identity(made)):
        assert code(beta(making.admin, "PUT", place, {})) == NO_SEGMENT


def test_endpoint_wants_a_permission_of_its_own(scene: Scene, making: Making) -> None:
    made = making.through("identity")
    client = scene.ask("POST", "clients", {"name": "Tools"})["id"]
    scopes = ["AgentIdentityBlueprint.ReadWrite.All"]
    other = Administrator.sign_in(scene, scopes=scopes, client=client)

    for place in (of_blueprint(made), of_identity(made)):
        assert code(beta(other, "PUT", place, {})) == DENIED
    principal = f"servicePrincipals/{IDENTITY}/{made.principal['id']}"
    assert beta(making.admin, "GET", principal).status_code == 404


def test_tenant_tells_its_domains(scene: Scene, making: Making) -> None:
    [own] = making.admin.get("organization")["value"]

    assert (own["id"], own["displayName"]) == (HOME, "Contoso")
    [domain] = own["verifiedDomains"]
    assert (domain["name"], domain["isDefault"]) == ("contoso.example", True)
    shown = making.admin.get(f"organization/{HOME}", select="verifiedDomains")
    assert shown["verifiedDomains"] == [domain]
    other = making.admin.call("GET", "organization/c2b8a0f4-93d7-4e0c-8f36-7d1e6b4a9f22")
    assert code(other) == (404, "Request_ResourceNotFound")
    client = scene.ask("POST", "clients", {"name": "Tools"})["id"]
    blind = Administrator.sign_in(scene, scopes=["AgentIdUser.ReadWrite.All"], client=client)
    assert code(blind.call("GET", "organization")) == DENIED
    assert code(blind.call("GET", "me/memberOf")) == DENIED


def test_administrator_knows_their_own_roles(scene: Scene, making: Making) -> None:
    """Without a permission of its own a role is shown, and not which."""
    [role] = making.admin.get("me/memberOf")["value"]
    assert role["@odata.type"] == "#microsoft.graph.directoryRole"
    assert (role["roleTemplateId"], role["displayName"]) == (None, None)

    client = scene.ask("POST", "clients", {"name": "Tools"})["id"]
    scopes = ["User.Read", "RoleManagement.Read.Directory"]
    seeing = Administrator.sign_in(scene, scopes=scopes, client=client)

    [role] = seeing.get("me/transitiveMemberOf/microsoft.graph.directoryRole")["value"]
    assert (role["roleTemplateId"], role["displayName"]) == (GLOBAL, "Global Administrator")
    appoint(scene, "grace")
    grace = Administrator.sign_in(scene, "grace", ["User.Read"])
    assert grace.get("me/memberOf")["value"] == []
    assert grace.get("me")["userPrincipalName"] == "grace@contoso.example"


def test_application_is_a_member_of_nothing(
    scene: Scene, making: Making, credential: Credential
) -> None:
    agent = scene.hire(credential)
    form = scene.blueprint_form(agent, scope="https://graph.microsoft.com/.default")
    del form["fmi_path"]
    own = Administrator(scene, scene.grant(agent, form)["access_token"])
    del making

    assert code(own.call("GET", "me/memberOf")) == NO_SEGMENT
