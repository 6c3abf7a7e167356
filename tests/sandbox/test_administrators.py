"""Administrators: who may consent, what their tokens say, what each act needs of them."""

from collections.abc import Generator
from dataclasses import replace

import pytest
import requests

from entraclaw.sandbox.administrators import RIGHTS, TOO_WIDE, Act, permit_admin
from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory_roles import DirectoryRole, needs_administrator
from entraclaw.sandbox.envelopes import GraphError
from sandbox.administrator import HOME, Administrator, appoint, sign_in
from sandbox.person import Person
from sandbox.scene import Json, Scene, claims_of
from sandbox.test_control import complain

CREATE = "AgentIdentityBlueprint.Create"
MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"


def bearer(*held: str, role: DirectoryRole | None = DirectoryRole.GLOBAL) -> Bearer:
    wids = frozenset({role.template} if role else ())
    return Bearer("oid", "user", "azp", HOME, frozenset(held), wids=wids)


def is_permitted(who: Bearer, act: Act, *, is_owner: bool = False) -> bool:
    try:
        permit_admin(who, act, is_owner=is_owner)
    except GraphError as no:
        return (no.status, no.code) != (403, "Authorization_RequestDenied")
    return True


@pytest.fixture
def client(scene: Scene) -> Generator[str]:
    """A client that nobody has consented to, and roles as they were afterwards."""
    card = scene.ask("POST", "clients", {"name": "Tools of our own"})
    yield str(card["id"])
    appoint(scene, "ada", "Global Administrator")
    appoint(scene, "grace")


def refused(answer: Json) -> int:
    assert "access_token" not in answer
    return int(answer["error_codes"][0])


@pytest.mark.parametrize("act", Act)
def test_every_act_has_a_permission_and_refuses_without_it(act: Act) -> None:
    right = RIGHTS[act]
    narrow = right.permissions - TOO_WIDE

    assert all(is_permitted(bearer(one), act) for one in narrow)
    assert not is_permitted(bearer("User.ReadWrite"), act)
    assert not is_permitted(bearer(), act)


@pytest.mark.parametrize("act", [act for act in Act if RIGHTS[act].roles])
def test_act_that_writes_needs_a_role_of_a_person_and_none_of_an_application(act: Act) -> None:
    one = min(RIGHTS[act].permissions - TOO_WIDE)
    app = replace(bearer(role=None), idtyp="app", roles=frozenset({one}))

    assert not is_permitted(bearer(one, role=None), act)
    assert is_permitted(app, act)
    assert not is_permitted(replace(app, roles=frozenset(), scopes=frozenset({one})), act)


@pytest.mark.parametrize("wide", sorted(TOO_WIDE))
def test_wide_permission_takes_the_writing_of_agents_away_and_leaves_the_rest(wide: str) -> None:
    """https://learn.microsoft.com/graph/api/agentidentityblueprint-post."""
    for act in Act:
        one = min(RIGHTS[act].permissions - TOO_WIDE)
        assert is_permitted(bearer(one, wide), act) is not RIGHTS[act].of_agents


def test_developer_makes_blueprints_and_writes_only_their_own() -> None:
    developer = bearer(
        "AgentIdentityBlueprint.ReadWrite.All", role=DirectoryRole.AGENT_ID_DEVELOPER
    )

    assert is_permitted(developer, Act.CREATE_BLUEPRINT)
    assert not is_permitted(developer, Act.UPDATE_BLUEPRINT)
    assert is_permitted(developer, Act.UPDATE_BLUEPRINT, is_owner=True)


@pytest.mark.parametrize(
    ("scope", "needs"),
    [
        (CREATE, True),
        ("Directory.AccessAsUser.All", True),
        ("User.Read.All", True),
        ("ChannelMessage.Read.All", True),
        ("ChannelMessage.Send", False),
        ("User.Read", False),
        ("Chat.ReadWrite", False),
        ("AgentData.ReadWrite", False),
    ],
)
def test_permissions_that_only_an_administrator_may_allow(scope: str, *, needs: bool) -> None:
    assert needs_administrator(scope) is needs


def test_token_of_an_administrator_says_so_and_a_members_does_not(
    scene: Scene, client: str
) -> None:
    ada = claims_of(Administrator.sign_in(scene, client=client).token)
    assert (ada["wids"], ada["idtyp"]) == ([DirectoryRole.GLOBAL.template, MEMBER], "user")
    assert CREATE not in ada["scp"]

    grace = claims_of(sign_in(scene, "grace", ["User.Read"], client=client)["access_token"])
    assert grace["wids"] == [MEMBER]
    mallory = claims_of(sign_in(scene, "mallory", ["User.Read"], client=client)["access_token"])
    assert "wids" not in mallory


def test_roles_are_given_and_taken(scene: Scene, client: str) -> None:
    appoint(scene, "grace", "Agent ID Developer", "License Administrator")
    appoint(scene, "ada")

    grace = claims_of(sign_in(scene, "grace", ["User.Read"], client=client)["access_token"])
    roles = {DirectoryRole.AGENT_ID_DEVELOPER.template, DirectoryRole.LICENSE.template}
    assert set(grace["wids"]) == {*roles, MEMBER}
    ada = claims_of(sign_in(scene, "ada", ["User.Read"], client=client)["access_token"])
    assert ada["wids"] == [MEMBER]


def test_role_that_does_not_exist_cannot_be_given(scene: Scene, client: str) -> None:
    del client

    answer = complain(scene, "PUT", "people/ada/roles", {"roles": ["King"]})

    assert answer == "there is no directory role called King"


def test_who_may_not_consent_is_told_to_ask_and_nobody_is_signed_in(
    scene: Scene, client: str
) -> None:
    assert refused(sign_in(scene, "grace", [CREATE], client=client)) == 90094

    appoint(scene, "grace", "Cloud Application Administrator")

    assert sign_in(scene, "grace", [CREATE], client=client)["scope"] == CREATE


def test_client_that_ever_got_the_wide_permission_makes_no_agents_any_more(
    scene: Scene, client: str
) -> None:
    body = {"displayName": "Claw"}
    path = "applications/microsoft.graph.agentIdentityBlueprint"
    narrow = Administrator.sign_in(scene, "ada", [CREATE], client=client)
    assert narrow.call("POST", path, body).status_code == 201

    Administrator.sign_in(scene, "ada", [CREATE, "Directory.AccessAsUser.All"], client=client)
    wide = Administrator.sign_in(scene, "ada", [CREATE], client=client)

    assert "Directory.AccessAsUser.All" in claims_of(wide.token)["scp"].split()
    assert wide.call("POST", path, body).status_code == 403


def test_page_tells_who_may_not_consent_and_the_application_hears_it(
    scene: Scene, client: str
) -> None:
    person = Person(scene.ca)
    query = {
        "client_id": client,
        "response_type": "code",
        "redirect_uri": "http://localhost:4711",
        "scope": CREATE,
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
    }
    address = f"{scene.cloud['login']}/{HOME}/oauth2/v2.0/authorize"
    prepared = requests.Request("GET", address, params=query).prepare()
    led = person.choose(person.open(str(prepared.url)), "grace")
    form = {"client_id": client, "scope": CREATE}
    devices = f"{scene.cloud['login']}/{HOME}/oauth2/v2.0/devicecode"
    device = scene.session.post(devices, data=form, timeout=10).json()
    typed = person.type_code(device["verification_uri"], device["user_code"], "grace")
    person.close()

    assert "error=consent_required" in led.headers["Location"]
    assert "AADSTS90094" in led.headers["Location"]
    assert "An administrator must agree" in typed.text
