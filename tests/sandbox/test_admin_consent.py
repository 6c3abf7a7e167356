"""The link to an administrator: what it shows, who may say yes, and what that leaves behind."""

from collections.abc import Generator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from entraclaw.sandbox.directory_roles import DirectoryRole
from sandbox.administrator import HOME, appoint, sign_in
from sandbox.person import Person
from sandbox.scene import CHANNEL, GRAPH, Hired, Json, Scene, claims_of

BACK = "http://localhost:4711/consent"
PORTAL = "https://entra.microsoft.com/TokenAuthorize"
SCOPE = "https://graph.microsoft.com/Team.ReadBasic.All 5a807f24-c9de-44ee-a3a7-329e88a00ffc/X.Y"


@pytest.fixture
def person(scene: Scene) -> Generator[Person]:
    person = Person(scene.ca)
    yield person
    person.close()
    appoint(scene, "grace")


def link(scene: Scene, client: str, **changes: str) -> str:
    query = {"client_id": client, "scope": SCOPE, "redirect_uri": BACK, "state": "a-state"}
    asked = {name: value for name, value in {**query, **changes}.items() if value}
    return f"{scene.cloud['login']}/{HOME}/v2.0/adminconsent?{urlencode(asked)}"


def led(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    address = urlsplit(response.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def test_administrator_allows_an_agent_something_in_two_apis_and_keeps_the_rest(
    scene: Scene, agent: Hired, person: Person
) -> None:
    before = claims_of(scene.user_token(agent, GRAPH))["scp"]
    page = person.open(link(scene, agent.agent))
    back = led(person.choose(page, "ada"))

    assert "Microsoft Graph, as its own account" in page.text
    assert "Messaging Bot API Application" in page.text
    expected = {"admin_consent": "True", "tenant": HOME, "state": "a-state", "scope": SCOPE}
    assert back == expected
    after = claims_of(scene.user_token(agent, GRAPH))["scp"]
    assert set(after.split()) == {*before.split(), "Team.ReadBasic.All"}
    assert "X.Y" in claims_of(scene.user_token(agent, CHANNEL))["scp"].split()


def test_page_is_honest_and_strict(scene: Scene, agent: Hired, person: Person) -> None:
    page = person.open(link(scene, agent.agent))

    assert "This is not Microsoft." in page.text
    assert "for the whole organization" in page.text
    assert "<script" not in page.text
    assert "Global Administrator" in page.text
    assert "no directory role" in page.text
    assert "Mallory" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:4711;" in policy


def test_who_has_no_role_is_told_and_somebody_else_may_still_say_yes(
    scene: Scene, agent: Hired, person: Person
) -> None:
    again = person.choose(person.open(link(scene, agent.agent)), "grace")
    assert "Grace Hopper has no role that may allow this." in again.text
    assert "Team.ReadBasic.All" not in claims_of(scene.user_token(agent, GRAPH))["scp"]

    assert led(person.choose(again, "ada"))["admin_consent"] == "True"


def test_who_says_no_leaves_nothing_and_a_page_is_good_once(
    scene: Scene, agent: Hired, person: Person
) -> None:
    page = person.open(link(scene, agent.agent))
    back = led(person.choose(page, ""))

    assert (back["error"], back["state"]) == ("access_denied", "a-state")
    assert person.choose(page, "ada").status_code == 400
    assert "Team.ReadBasic.All" not in claims_of(scene.user_token(agent, GRAPH))["scp"]


@pytest.mark.parametrize("redirect", ["", PORTAL])
def test_link_that_no_application_waits_for_ends_on_a_page(
    scene: Scene, agent: Hired, person: Person, redirect: str
) -> None:
    page = person.open(link(scene, agent.agent, redirect_uri=redirect))
    done = person.choose(page, "ada")

    assert done.status_code == 200
    assert "Claw may do what was asked, for everybody in Contoso." in done.text


def test_role_needs_more_than_who_may_allow_scopes(
    scene: Scene, agent: Hired, person: Person
) -> None:
    appoint(scene, "grace", DirectoryRole.CLOUD_APPLICATION)
    asked = link(
        scene, agent.agent, scope="", role="https://graph.microsoft.com/User.ReadBasic.All"
    )
    page = person.open(asked)
    assert "with no account" in page.text
    again = person.choose(page, "grace")
    assert "no role that may allow this" in again.text

    led(person.choose(again, "ada"))

    first = scene.grant(agent, scene.blueprint_form(agent))["access_token"]
    token = scene.grant(agent, scene.agent_form(agent, first, scope=GRAPH))["access_token"]
    assert claims_of(token)["roles"] == ["User.ReadBasic.All"]


def test_public_client_is_allowed_for_everybody(scene: Scene, person: Person) -> None:
    client: Json = scene.ask("POST", "clients", {"name": "Tools"})
    scope = "AgentIdentityBlueprint.Create"
    assert sign_in(scene, "grace", [scope], client=client["id"])["error_codes"] == [90094]

    led(person.choose(person.open(link(scene, client["id"], scope=scope)), "ada"))

    assert sign_in(scene, "grace", [scope], client=client["id"])["scope"] == scope


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "nobody"}, "AADSTS700016"),
        ({"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": "http://localhost.evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": "http://localhost@evil.example/"}, "AADSTS50011"),
        ({"scope": ""}, "AADSTS70011"),
        ({"scope": "https://graph.microsoft.com/.default"}, "AADSTS70011"),
        ({"scope": "https://nowhere.example/x"}, "AADSTS500011"),
        ({"scope": "Directory.AccessAsUser.All"}, "cannot be granted to agents"),
        ({"role": "https://graph.microsoft.com/Files.ReadWrite.All"}, "cannot be granted"),
        ({"role": "https://graph.microsoft.com/Nothing.Known"}, "There is no role"),
    ],
)
def test_what_cannot_be_allowed_is_told_and_nothing_is_sent_anywhere(
    scene: Scene, agent: Hired, person: Person, changes: dict[str, str], words: str
) -> None:
    page = person.open(link(scene, agent.agent, **changes))

    assert page.status_code == 400
    assert words in page.text
    assert "<form" not in page.text


def test_unknown_tenant_and_roles_of_a_public_client_are_told(
    scene: Scene, agent: Hired, person: Person
) -> None:
    elsewhere = link(scene, agent.agent).replace(HOME, "nowhere.example")
    assert "AADSTS90002" in person.open(elsewhere).text
    client = scene.cloud["admin_client"]
    asked = link(scene, client, role="https://graph.microsoft.com/User.Read.All")
    assert "has no roles" in person.open(asked).text


def test_blueprint_is_allowed_in_the_name_of_its_principal(
    scene: Scene, agent: Hired, person: Person
) -> None:
    role = "https://graph.microsoft.com/AgentIdUser.ReadWrite.IdentityParentedBy"
    asked = link(scene, agent.blueprint, scope="User.Read", role=role)
    led(person.choose(person.open(asked), "ada"))

    form = scene.blueprint_form(agent, scope=GRAPH)
    del form["fmi_path"]
    roles = claims_of(scene.grant(agent, form)["access_token"])["roles"]
    assert roles == ["AgentIdUser.ReadWrite.IdentityParentedBy", "AgentIdentity.CreateAsManager"]
