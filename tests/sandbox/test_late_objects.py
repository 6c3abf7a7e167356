"""What was made a moment ago is not known yet; what there is too much of is refused."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from sandbox.administrator import Administrator
from sandbox.scene import GRAPH, Credential, Json, Scene
from sandbox.tenant import IDENTITY, USER, Made, Making, code
from sandbox.test_control import complain

LATE_S = 60
NOT_FOUND = (404, "Request_ResourceNotFound")


class Slow:
    """A tenant whose replicas are late, and its clock."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.making = Making(Administrator.sign_in(scene))
        self.admin = self.making.admin

    @contextmanager
    def about(self, *kinds: str) -> Generator[None]:
        """While it lasts, what is new of these kinds is late."""
        self.scene.ask("PUT", "settings", {"known_after_s": dict.fromkeys(kinds, LATE_S)})
        yield
        self.scene.ask("PUT", "settings", {"known_after_s": dict.fromkeys(kinds, 0)})

    def wait(self) -> None:
        self.scene.ask("PUT", "clock", {"ahead_s": LATE_S + 1})


@pytest.fixture
def slow(scene: Scene) -> Generator[Slow]:
    yield Slow(scene)
    scene.ask("PUT", "settings", {"known_after_s": dict.fromkeys(_KINDS, 0)})
    scene.ask("PUT", "clock", {"ahead_s": 0})


_KINDS = ("blueprint", "principal", "identity", "user", "login")


def test_new_blueprint_is_not_found_until_it_is_known(slow: Slow) -> None:
    with slow.about("blueprint"):
        made = slow.making.through("blueprint")
    place = f"applications/{made.blueprint['id']}"
    change = {"displayName": "New"}

    assert code(slow.admin.call("PATCH", place, change)) == NOT_FOUND
    assert code(slow.admin.call("GET", place)) == NOT_FOUND
    assert code(slow.admin.call("DELETE", place)) == NOT_FOUND
    by_app = f"appId eq '{made.blueprint['appId']}'"
    assert slow.admin.get("applications", filter=by_app)["value"] == []
    refused = slow.making.principal(made)
    assert code(refused) == (400, "Request_BadRequest")
    assert "does not reference a valid application object" in refused.text

    slow.wait()

    assert slow.admin.call("PATCH", place, change).status_code == 204
    assert slow.making.principal(made).status_code == 201


def test_new_principal_does_not_exist_for_its_children_yet(slow: Slow) -> None:
    with slow.about("principal"):
        made = slow.making.through("principal")
    missing = (400, "AgentIdentity_AgentBlueprintPrincipalDoesNotExist")
    assert code(slow.making.identity(made)) == missing
    # That there can be no second one is known at once.
    assert slow.making.principal(made).status_code == 409

    slow.wait()

    assert slow.making.identity(made).status_code == 201


def test_new_identity_cannot_have_a_user_yet(slow: Slow) -> None:
    with slow.about("identity"):
        made = slow.making.through("identity")
    place = f"servicePrincipals/{IDENTITY}/{made.identity['id']}"
    assert code(slow.making.user(made)) == (400, "Request_BadRequest")
    assert code(slow.admin.call("GET", place)) == NOT_FOUND

    slow.wait()

    assert slow.making.user(made).status_code == 201


def test_new_user_is_not_found_but_has_its_address(slow: Slow) -> None:
    with slow.about("user"):
        made = slow.making.through("user")
    place, upn = f"users/{made.user['id']}", made.user["userPrincipalName"]
    assert code(slow.admin.call("PATCH", place, {"usageLocation": "US"})) == NOT_FOUND
    parent = f"identityParentId eq '{made.identity['id']}'"
    assert slow.admin.get(f"users/{USER}", filter=parent)["value"] == []
    other = Made(identity=slow.making.identity(made).json())
    assert code(slow.making.user(other, userPrincipalName=upn)) == (400, "Request_BadRequest")
    assert "already linked" in slow.making.user(made).text

    slow.wait()

    assert slow.admin.call("PATCH", place, {"usageLocation": "US"}).status_code == 204


def test_entra_does_not_know_a_new_blueprint_yet(slow: Slow, credential: Credential) -> None:
    """It is known to Graph by then, which lets it be changed."""
    with slow.about("login"):
        made = slow.making.through("principal")
    slow.making.certify(made, credential)
    assert _first(slow.scene, made, credential)["error_codes"] == [700016]

    slow.wait()

    assert "access_token" in _first(slow.scene, made, credential)


def test_entra_does_not_know_a_new_principal_yet(slow: Slow, credential: Credential) -> None:
    with slow.about("principal"):
        made = slow.making.through("principal")
    slow.making.certify(made, credential)
    assert _first(slow.scene, made, credential)["error_codes"] == [7000229]

    slow.wait()

    assert "access_token" in _first(slow.scene, made, credential)


@pytest.mark.parametrize(("kind", "number"), [("identity", 700016), ("user", 50034)])
def test_entra_does_not_know_a_new_agent_yet(
    slow: Slow, credential: Credential, kind: str, number: int
) -> None:
    scene, made = slow.scene, slow.making.through("user")
    slow.making.certify(made, credential)
    agent = made.hired(credential)
    scene.ask(
        "PUT", f"agents/{agent.user}", {"grants": {GRAPH.removesuffix("/.default"): ["User.Read"]}}
    )
    assert scene.user_token(agent, GRAPH)
    with slow.about(kind):
        late = Made(made.blueprint, made.principal, slow.making.identity(made).json())
        if kind == "identity":
            slow.wait()
        user = slow.making.user(late).json()
        scene.ask("PUT", "clock", {"ahead_s": 0})
    other = Made(late.blueprint, late.principal, late.identity, user).hired(credential)

    first = scene.grant(other, scene.blueprint_form(other))["access_token"]
    if kind == "identity":
        answer = scene.grant(other, scene.agent_form(other, first))
    else:
        answer = scene.grant(other, scene.user_form(other, *scene.walk(other)))

    assert answer["error_codes"] == [number]


def _first(scene: Scene, made: Made, credential: Credential) -> Json:
    """What Entra answers to the blueprint's first request."""
    whole = Made(made.blueprint, made.principal, {"id": "x"}, {**_NOBODY})
    agent = whole.hired(credential)
    return scene.grant(agent, scene.blueprint_form(agent))


_NOBODY = {"id": "x", "userPrincipalName": "x", "displayName": "x"}


@pytest.fixture
def full(scene: Scene) -> Generator[Making]:
    yield Making(Administrator.sign_in(scene))
    scene.ask("PUT", "settings", {"quota": 300_000, "most": {}})


def test_tenant_that_is_full_makes_nothing_more(scene: Scene, full: Making) -> None:
    made = full.through("principal")
    scene.ask("PUT", "settings", {"quota": 1})

    exceeded = (403, "Agent_Directory_QuotaExceeded")
    assert code(full.blueprint()) == exceeded
    assert code(full.identity(made)) == exceeded


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("blueprint", "AgentBlueprint_LimitExceeded"), ("identity", "AgentIdentity_LimitExceeded")],
)
def test_of_each_kind_there_may_be_so_many(
    scene: Scene, full: Making, kind: str, expected: str
) -> None:
    made = full.through("identity")
    scene.ask("PUT", "settings", {"most": {kind: 1}})

    answer = full.blueprint() if kind == "blueprint" else full.identity(made)
    assert code(answer) == (403, expected)
    assert full.user(made).status_code == 201


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"known_after_s": {"king": 1}}, "known_after_s has nothing called king"),
        ({"known_after_s": {"user": -1}}, "a setting cannot be negative"),
        ({"most": {"user": "many"}}, "user must be a number"),
        ({"takes_endpoints": 1}, "takes_endpoints must be true or false"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(scene: Scene, body: Json, said: str) -> None:
    assert complain(scene, "PUT", "settings", body) == said
