"""Entra in trouble, in time and in change, at the control API's word; msal is from the shelf."""

from collections.abc import Generator

import jwt
import pytest
import requests

from sandbox.scene import BOUND_S, EXCHANGE, Credential, Hired, Json, Scene
from sandbox.test_control import complain
from sandbox.test_entra_with_msal import blueprint, identity, user

HOUR_S = 3600.0


@pytest.fixture(autouse=True)
def calm(scene: Scene) -> Generator[None]:
    """Leave no fault and no other time to the next test."""
    yield
    scene.ask("PUT", "entra-faults", {"faults": []})
    scene.ask("PUT", "clock", {"ahead_s": 0})
    scene.ask("PUT", "settings", {"token_lifetime_s": None, "propagation_s": 0, "replicas": 1})


def spoil(scene: Scene, *faults: Json) -> None:
    scene.ask("PUT", "entra-faults", {"faults": list(faults)})


def met(scene: Scene) -> list[int]:
    return [int(fault["met"]) for fault in scene.ask("GET", "entra-faults")["faults"]]


def post(scene: Scene, agent: Hired) -> requests.Response:
    form = scene.blueprint_form(agent)
    return scene.session.post(scene.token_url(agent), data=form, timeout=BOUND_S)


def user_code(scene: Scene, agent: Hired) -> object:
    return user(identity(scene, agent), user_object_id=agent.user).get("error_codes")


def test_throttled_request_says_when_to_come_again(scene: Scene, agent: Hired) -> None:
    spoil(scene, {"agent": agent.user, "status": 429, "retry_after": 7, "times": 1})

    refused, granted = post(scene, agent), post(scene, agent)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.json()["error_codes"] == [90055]
    assert granted.ok
    assert met(scene) == [1]


def test_msal_is_told_of_a_fault_of_entras_own(scene: Scene, agent: Hired) -> None:
    spoil(scene, {"agent": agent.user, "code": 90033, "status": 400, "times": 1})

    answer = blueprint(scene, agent).acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)

    assert (answer["error"], answer["error_codes"]) == ("temporarily_unavailable", [90033])


def test_fault_is_for_one_hop_of_one_agent(
    scene: Scene, agent: Hired, credential: Credential
) -> None:
    other = scene.hire(credential)
    spoil(scene, {"agent": agent.user, "hop": "user", "code": 500011})

    scene.walk(agent)
    assert user_code(scene, agent) == [500011]
    assert user_code(scene, other) is None


def test_page_comes_in_place_of_an_answer(scene: Scene, agent: Hired) -> None:
    spoil(scene, {"agent": agent.user, "html": True})

    answer = post(scene, agent)

    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (
        200,
        "text/html",
    )


def test_each_hop_has_a_latency_of_its_own(scene: Scene, agent: Hired) -> None:
    spoil(
        scene,
        {"agent": agent.user, "hop": "blueprint", "delay_ms": 60},
        {"agent": agent.user, "hop": "agent", "delay_ms": 5},
    )

    answer = post(scene, agent)

    assert answer.elapsed.total_seconds() >= 0.06
    assert met(scene) == [1, 0]


@pytest.mark.parametrize(
    "faults",
    [
        {"faults": {}},
        {"faults": ["no"]},
        {"faults": [{"weather": 1}]},
        {"faults": [{"hop": "moon"}]},
        {"faults": [{"code": 1}]},
        {"faults": [{"times": -1}]},
        {},
    ],
)
def test_fault_that_does_not_fit_is_refused(scene: Scene, faults: Json) -> None:
    assert complain(scene, "PUT", "entra-faults", faults)


@pytest.mark.parametrize("code", [53003, 53000])
def test_policy_blocks_the_user_hop_and_no_other(scene: Scene, agent: Hired, code: int) -> None:
    """Microsoft's: Conditional Access is not looked at for the token exchange."""
    scene.ask("PUT", f"agents/{agent.user}", {"blocked": code})
    scene.walk(agent)
    assert user_code(scene, agent) == [code]

    scene.ask("PUT", f"agents/{agent.user}", {"blocked": None})

    assert user_code(scene, agent) is None


def test_unknown_policy_is_refused(scene: Scene, agent: Hired) -> None:
    assert "blocked must be" in complain(scene, "PUT", f"agents/{agent.user}", {"blocked": 1})


def test_disabled_agent_identity_gets_no_token_and_its_blueprint_does(
    scene: Scene, agent: Hired
) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"identity_enabled": False})

    first = scene.grant(agent, scene.blueprint_form(agent))["access_token"]
    answer = scene.grant(agent, scene.agent_form(agent, first))

    assert answer["error_codes"] == [7000112]


def test_disabled_blueprint_gets_no_token(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"blueprint_enabled": False})

    assert scene.grant(agent, scene.blueprint_form(agent))["error_codes"] == [7000112]


def test_consent_takes_its_time_in_both_directions(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", "settings", {"propagation_s": 90})
    scene.ask("PUT", f"agents/{agent.user}", {"grants": {"https://graph.microsoft.com": []}})
    assert user_code(scene, agent) is None

    scene.ask("PUT", "clock", {"ahead_s": 91})

    assert user_code(scene, agent) == [65001]


def test_consent_is_known_at_one_replica_before_the_next(scene: Scene, agent: Hired) -> None:
    """Granted, then refused once more: each request may meet another replica."""
    scene.ask("PUT", f"agents/{agent.user}", {"grants": {"https://graph.microsoft.com": []}})
    scene.ask("PUT", "settings", {"propagation_s": 90, "replicas": 3})
    scene.ask("PUT", f"agents/{agent.user}", {"grants": {"https://graph.microsoft.com": ["X.Y"]}})
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second)

    def at(seconds: float) -> int:
        scene.ask("PUT", "clock", {"ahead_s": seconds})
        return sum("access_token" in scene.grant(agent, form) for _ in range(3))

    assert [at(seconds) for seconds in (0, 31, 61, 91)] == [0, 1, 2, 3]


def test_clock_ages_tokens(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", "settings", {"token_lifetime_s": HOUR_S})
    token = scene.user_token(agent)
    url = f"{scene.cloud['graph']}/v1.0/me"
    assert scene.post(url, token, None, "GET").status_code == 200

    ahead = scene.ask("PUT", "clock", {"ahead_s": HOUR_S + 1})

    assert ahead["ahead_s"] == HOUR_S + 1
    assert scene.post(url, token, None, "GET").status_code == 401


@pytest.mark.parametrize("body", [{}, {"ahead_s": 1e12}, {"ahead_s": 0, "now": 1}])
def test_clock_that_cannot_be_set_is_refused(scene: Scene, body: Json) -> None:
    assert "clock" in complain(scene, "PUT", "clock", body)


def keys(scene: Scene, agent: Hired) -> list[str]:
    url = f"{scene.cloud['login']}/{agent.tenant}/discovery/v2.0/keys"
    return [key["kid"] for key in scene.session.get(url, timeout=BOUND_S).json()["keys"]]


def test_rotated_key_signs_and_the_one_before_is_still_good(scene: Scene, agent: Hired) -> None:
    before, token = keys(scene, agent), scene.user_token(agent)
    first, second = scene.walk(agent)

    scene.ask("POST", "keys", {})

    after, fresh = keys(scene, agent), scene.user_token(agent)
    assert after[0] == before[1]
    assert after[2] == before[0]
    assert jwt.get_unverified_header(fresh)["kid"] == after[0]
    url = f"{scene.cloud['graph']}/v1.0/me"
    assert scene.post(url, token, None, "GET").status_code == 200
    assert "access_token" in scene.grant(agent, scene.user_form(agent, first, second))


def test_withdrawn_key_is_good_for_nothing(scene: Scene, agent: Hired) -> None:
    token = scene.user_token(agent)
    first, second = scene.walk(agent)

    scene.ask("POST", "keys", {"withdraw": True})

    url = f"{scene.cloud['graph']}/v1.0/me"
    assert scene.post(url, token, None, "GET").status_code == 401
    answer = scene.grant(agent, scene.user_form(agent, first, second))
    assert answer["error_codes"] == [50013]


def test_claims_that_make_no_sense_demand_nothing(scene: Scene, agent: Hired) -> None:
    form = scene.blueprint_form(agent, claims='{"access_token": {"nbf": {"value": "soon"}}}')

    assert "access_token" in scene.grant(agent, form)
