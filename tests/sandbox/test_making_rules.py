"""What a body may say of a directory object, property by property."""

from collections.abc import Callable

import pytest

from entraclaw.sandbox.directory import HOME
from entraclaw.sandbox.documents import DocumentError
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.making import (
    changed_blueprint,
    changed_identity,
    changed_principal,
    changed_user,
    new_user,
    parent_of,
)
from entraclaw.sandbox.objects import AgentUser, Blueprint, Identity, Principal
from sandbox.scene import Json

APP = "11111111-2222-4333-8444-555555555555"
BLUEPRINT = Blueprint("1", APP, HOME.id, "Claw", tags=("a",), more={"description": "old"})
PRINCIPAL = Principal("2", APP, HOME.id, tags=("a",))
IDENTITY = Identity("3", APP, HOME.id, "Claw")
USER = AgentUser("4", "3", HOME.id, "Claw", f"claw@{HOME.domain}", "claw", country="US")
NEW = {
    "accountEnabled": False,
    "displayName": "Claw two",
    "mailNickname": "claw2",
    "userPrincipalName": f"claw2@{HOME.domain.upper()}",
}
ACCESS = [{"resourceAppId": APP, "resourceAccess": [{"id": APP, "type": "Scope"}] * 400}]


def blueprint(body: Json) -> Blueprint:
    return changed_blueprint(BLUEPRINT, body, HOME.domain)


def principal(body: Json) -> Principal:
    return changed_principal(PRINCIPAL, body)


def identity(body: Json) -> Identity:
    return changed_identity(IDENTITY, body)


def user(body: Json) -> AgentUser:
    return changed_user(USER, body, HOME)


def test_blueprint_takes_what_is_said_and_keeps_the_rest() -> None:
    body: Json = {"displayName": " New ", "api": {}, "sponsors@odata.bind": [], "tags": []}

    changed = blueprint({**body, "requiredResourceAccess": ACCESS})

    assert (changed.name, changed.tags, changed.uris) == ("New", (), ())
    assert changed.more == {"description": "old", "api": {}, "requiredResourceAccess": ACCESS}


@pytest.mark.parametrize(
    "uri",
    [
        f"api://{APP}",
        f"api://{APP}/agents",
        f"api://{HOME.id}/claw",
        f"https://{HOME.domain}/claw",
        f"https://www.{HOME.domain}",
    ],
)
def test_identifier_of_ones_own_is_taken(uri: str) -> None:
    assert blueprint({"identifierUris": [uri]}).uris == (uri,)


def test_others_take_what_is_said_and_keep_the_rest() -> None:
    assert principal({"appId": APP, "accountEnabled": False}).enabled is False
    assert principal({}).tags == ("a",)
    assert identity({"tags": ["b"]}).tags == ("b",)
    assert (identity({"displayName": "New"}).name, identity({}).enabled) == ("New", True)
    assert user({"usageLocation": "DE", "jobTitle": "x"}).more == {"jobTitle": "x"}
    assert user({"usageLocation": None}).country == "US"
    assert user({"@odata.type": "#microsoft.graph.agentUser"}) == USER


def test_new_user_has_all_that_is_required() -> None:
    made = new_user(USER, {**NEW, "identityParentId": "3"}, HOME)

    assert (made.enabled, made.name, made.nickname) == (False, "Claw two", "claw2")
    assert made.upn == NEW["userPrincipalName"]


@pytest.mark.parametrize("missing", sorted(NEW))
def test_new_user_that_lacks_something_is_none(missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}

    with pytest.raises(GraphError) as refusal:
        new_user(USER, body, HOME)

    assert missing in refusal.value.message


@pytest.mark.parametrize("body", [{"identityParentId": "ABC"}, {"identityParent": {"id": "abc"}}])
def test_parent_is_named_either_way(body: Json) -> None:
    assert parent_of(body) == "abc"


@pytest.mark.parametrize("body", [{}, {"identityParentId": ""}, {"identityParentId": 7}])
def test_parent_that_is_not_named_is_missing(body: Json) -> None:
    with pytest.raises(GraphError) as refusal:
        parent_of(body)

    assert "identityParentId" in refusal.value.message


REFUSED: list[tuple[Callable[[Json], object], Json, str, str]] = [
    (blueprint, {"spa": {}}, "AgentBlueprint_IncompatibleProperty", "'spa'"),
    (blueprint, {"colour": "red"}, "Request_BadRequest", "'colour'"),
    (blueprint, {"displayName": "x" * 257}, "Request_BadRequest", "displayName"),
    (blueprint, {"displayName": ""}, "Request_BadRequest", "displayName"),
    (blueprint, {"identifierUris": ["https://x.example"]}, "Request_BadRequest", "verified"),
    (blueprint, {"identifierUris": [f"http://{HOME.domain}"]}, "Request_BadRequest", "verif"),
    (blueprint, {"requiredResourceAccess": [{}] * 51}, "Request_BadRequest", "limit"),
    (blueprint, {"requiredResourceAccess": ACCESS * 2}, "Request_BadRequest", "limit"),
    (blueprint, {"requiredResourceAccess": "x"}, "Request_BadRequest", "requiredResource"),
    (blueprint, {"requiredResourceAccess": ["x"]}, "Request_BadRequest", "requiredResource"),
    (principal, {"x": 1}, "AgentBlueprintPrincipal_IncompatibleProperty", "'x'"),
    (identity, {"passwordCredentials": []}, "AgentIdentity_CredentialsNotSupported", "Cred"),
    (
        identity,
        {"homepage": "x"},
        "AgentBlueprintPrincipal_AgentIdentity_IncompatibleProperty",
        "'homepage'",
    ),
    (user, {"colour": "red"}, "Request_BadRequest", "'colour'"),
    (user, {"passwordProfile": {}}, "Request_BadRequest", "passwordProfile"),
    (user, {"identityParentId": "3"}, "Request_BadRequest", "read-only"),
    (user, {"mailNickname": "a b"}, "Request_BadRequest", "mailNickname"),
    (user, {"usageLocation": "Mars"}, "Request_BadRequest", "usageLocation"),
    (user, {"userPrincipalName": "a@x.example"}, "Request_BadRequest", "verified domain"),
    (user, {"userPrincipalName": "claw"}, "Request_BadRequest", "userPrincipalName"),
    (user, {"userPrincipalName": f"ä@{HOME.domain}"}, "Request_BadRequest", "userPrincipal"),
]


@pytest.mark.parametrize(("read", "body", "code", "said"), REFUSED)
def test_what_makes_no_sense_is_refused(
    read: Callable[[Json], object], body: Json, code: str, said: str
) -> None:
    with pytest.raises(GraphError) as refusal:
        read(body)

    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert said in refusal.value.message


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (blueprint, {"tags": "red"}),
        (principal, {"accountEnabled": "yes"}),
        (user, {"userPrincipalName": 7}),
    ],
)
def test_property_of_another_type_is_refused(read: Callable[[Json], object], body: Json) -> None:
    with pytest.raises(DocumentError):
        read(body)
