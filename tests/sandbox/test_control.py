"""The control API: who gets in, what it says to nonsense, what it hands out."""

import threading
import time

import jwt
import pytest

from sandbox.scene import BOUND_S, Credential, Hired, Json, Scene, claims_of


def knock(scene: Scene, **headers: str) -> int:
    sent = {"Authorization": f"Bearer {scene.secret}", **headers}
    url = f"{scene.control}/control/people"
    return scene.session.get(url, headers=sent, timeout=BOUND_S).status_code


def complain(scene: Scene, method: str, path: str, body: object) -> str:
    headers = {"Authorization": f"Bearer {scene.secret}"}
    url = f"{scene.control}/control/{path}"
    answer = scene.session.request(method, url, json=body, headers=headers, timeout=BOUND_S)
    assert answer.status_code == 400
    sentence: str = answer.json()["error"]
    return sentence


def test_secret_opens_the_door(scene: Scene) -> None:
    assert knock(scene) == 200
    assert knock(scene, Origin=scene.control) == 200


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer wrong", "Bearer \xff"])
def test_wrong_secret_is_refused(scene: Scene, shown: str) -> None:
    assert knock(scene, Authorization=shown) == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1:1"])
def test_name_that_merely_resolves_to_us_is_refused(scene: Scene, host: str) -> None:
    assert knock(scene, Host=host) == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_web_page_is_refused(scene: Scene, origin: str) -> None:
    assert knock(scene, Origin=origin) == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "agents", [], "object"),
        ("POST", "agents", {"name": " "}, "name"),
        ("POST", "agents", {"name": "x", "sponsors": ["ada"]}, "certificate"),
        ("POST", "agents", {"name": "x", "sponsors": ["ada"], "certificate": "x"}, "certificate"),
        ("POST", "agents", {"name": "x", "sponsors": "ada", "certificate": "x"}, "sponsors"),
        ("POST", "agents", {"name": "x", "sponsors": ["bob"], "certificate": "x"}, "person"),
        ("POST", "messages", {"from": "bob", "text": "x", "agent": "x"}, "person"),
        ("POST", "messages", {"from": "ada", "text": "x", "agent": "x"}, "agent"),
        ("POST", "messages", {"from": "ada", "text": "x", "agent": "x", "kind": "letter"}, "kind"),
        ("POST", "activities", {"agent": 7}, "agent"),
        ("POST", "tokens", {"agent": "x"}, "agent"),
        ("GET", "transcript?after=soon", None, "after"),
        ("GET", "transcript?wait_s=nan", None, "wait_s"),
        ("PUT", "settings", {"patience": -1}, "negative"),
        ("PUT", "settings", {"patience": True}, "number"),
        ("PUT", "settings", {"mood": 1}, "mood"),
    ],
)
def test_nonsense_is_answered_with_a_plain_sentence(
    scene: Scene, method: str, path: str, body: object, word: str
) -> None:
    assert word in complain(scene, method, path, body)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"enabled": "yes"}, "enabled"),
        ({"grants": {"https://unknown.example": []}}, "grants"),
        ({"grants": {"https://graph.microsoft.com": "Mail.Send"}}, "strings"),
    ],
)
def test_nonsense_changes_nothing_of_an_agent(
    scene: Scene, agent: Hired, change: Json, word: str
) -> None:
    assert word in complain(scene, "PUT", f"agents/{agent.user}", change)


def test_bad_certificate_is_not_registered(scene: Scene, agent: Hired) -> None:
    path = f"agents/{agent.user}/certificates"

    assert "certificate" in complain(scene, "POST", path, {"certificate": "x"})


def test_two_agents_of_one_name_have_different_addresses(
    scene: Scene, credential: Credential
) -> None:
    first, second = scene.hire(credential), scene.hire(credential)

    assert first.upn != second.upn
    assert first.upn.startswith("claw-")


def test_people_are_ada_grace_and_mallory_of_elsewhere(scene: Scene) -> None:
    people = scene.ask("GET", "people")["people"]

    tenants = {person["key"]: person["tenant"] for person in people}
    assert tenants["ada"] == tenants["grace"] != tenants["mallory"]
    assert all(person["id"].startswith("29:") for person in people)


def forge(scene: Scene, agent: Hired, **how: object) -> str:
    token: str = scene.ask("POST", "tokens", {"agent": agent.user, **how})["token"]
    return token


def verifies(scene: Scene, agent: Hired, token: str) -> bool:
    url = f"{scene.cloud['login']}/{agent.tenant}/discovery/v2.0/keys"
    key = jwt.PyJWK(scene.session.get(url, timeout=BOUND_S).json()["keys"][0])
    try:
        jwt.decode(token, key, algorithms=["RS256"], audience=agent.blueprint)
    except jwt.PyJWTError:
        return False
    return True


def test_honest_token_verifies(scene: Scene, agent: Hired) -> None:
    assert verifies(scene, agent, forge(scene, agent, kind="agentic"))


@pytest.mark.parametrize(
    "how",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"key": "foreign"},
        {"lifetime_s": -600},
        {"claims": {"aud": "somebody"}},
        {"claims": {"aud": None}},
        {"kind": "classic"},
    ],
)
def test_hostile_token_does_not_verify(scene: Scene, agent: Hired, how: Json) -> None:
    assert not verifies(scene, agent, forge(scene, agent, **how))


def test_claims_and_header_of_a_token_can_be_replaced_or_removed(
    scene: Scene, agent: Hired
) -> None:
    token = forge(
        scene, agent, claims={"azp": None, "appid": "x"}, header={"kid": "other", "x5t": None}
    )

    claims, header = claims_of(token), jwt.get_unverified_header(token)
    assert "azp" not in claims
    assert claims["appid"] == "x"
    assert header["kid"] == "other"
    assert "x5t" not in header


def test_transcript_waits_for_what_has_not_been_said(scene: Scene, agent: Hired) -> None:
    so_far = scene.ask("GET", "transcript")["total"]
    body = {"from": "grace", "agent": agent.user, "text": "later"}
    speaker = threading.Timer(0.1, scene.ask, ("POST", "messages", body))
    speaker.start()

    entries = scene.ask("GET", f"transcript?after={so_far}&wait_s={BOUND_S - 1}")["entries"]

    speaker.join(BOUND_S)
    assert [(entry["n"], entry["text"]) for entry in entries] == [(so_far + 1, "later")]


def test_transcript_gives_up_after_the_wait_it_was_asked_for(scene: Scene) -> None:
    so_far = scene.ask("GET", "transcript")["total"]
    begun = time.monotonic()

    assert scene.ask("GET", f"transcript?after={so_far}&wait_s=0.2")["entries"] == []
    assert 0.15 < time.monotonic() - begun < BOUND_S


def test_transcript_comes_in_pages_and_says_where_to_go_on(scene: Scene, agent: Hired) -> None:
    said = scene.ask("POST", "messages", {"from": "ada", "agent": agent.user, "text": "hello"})
    many = [str(n) for n in range(1500)]
    ada = {"from": "ada", "activity": said["activity"], "deliver": False}
    scene.ask("POST", "reactions", {**ada, "add": many})

    after, seen = 0, list[str]()
    while page := scene.ask("GET", f"transcript?agent={agent.user}&after={after}")["entries"]:
        assert len(page) <= 1000
        seen += [entry["text"] for entry in page]
        after = page[-1]["n"]

    assert seen == ["hello", *many]
    assert after == scene.ask("GET", "transcript")["total"]


def test_latency_is_added_to_answers_over_tls_only(scene: Scene) -> None:
    url = f"{scene.cloud['login']}/common/discovery/instance"
    scene.ask("PUT", "settings", {"latency_ms": 120})
    try:
        slow = scene.session.get(url, timeout=BOUND_S).elapsed
    finally:
        scene.ask("PUT", "settings", {"latency_ms": 0})

    assert slow.total_seconds() >= 0.12
