"""`cp1`: what a client that understands a claims challenge gets, and what it is spared.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

import base64
import json

import pytest

from sandbox.scene import BOUND_S, CHANNEL, EXCHANGE, GRAPH, Hired, Json, Scene, claims_of
from sandbox.test_entra_with_msal import Client, identity, user

HOUR_S = 3600


def capable(scene: Scene, agent: Hired) -> Client:
    return identity(scene, agent, capabilities=["cp1"])


def me(scene: Scene, token: str) -> tuple[int, str]:
    """Ask Graph for oneself: the status, and what a 401 asks for."""
    answer = scene.post(f"{scene.cloud['graph']}/v1.0/me", token, None, "GET")
    return answer.status_code, answer.headers.get("WWW-Authenticate", "")


def test_token_says_what_its_client_can_and_lives_about_a_day(scene: Scene, agent: Hired) -> None:
    answer = user(capable(scene, agent), user_object_id=agent.user)

    assert claims_of(answer["access_token"])["xms_cc"] == ["cp1"]
    assert 20 * HOUR_S - 5 <= answer["expires_in"] <= 28 * HOUR_S


def test_client_that_says_nothing_gets_a_short_token(scene: Scene, agent: Hired) -> None:
    answer = user(identity(scene, agent), user_object_id=agent.user)

    assert "xms_cc" not in claims_of(answer["access_token"])
    assert answer["expires_in"] <= 1.5 * HOUR_S


def test_other_tokens_stay_short(scene: Scene, agent: Hired) -> None:
    app = capable(scene, agent)
    exchange = app.acquire_token_for_client([EXCHANGE])
    answer = user(app, CHANNEL, user_object_id=agent.user)

    assert exchange["expires_in"] <= 1.5 * HOUR_S
    assert answer["expires_in"] <= 1.5 * HOUR_S


def test_token_that_was_called_back_is_challenged_and_its_successor_taken(
    scene: Scene, agent: Hired
) -> None:
    """Microsoft's: a claims challenge, which msal passes on to Entra as it came."""
    app = capable(scene, agent)
    old = user(app, user_object_id=agent.user)["access_token"]
    scene.ask("POST", f"agents/{agent.user}/revocations")

    status, asks = me(scene, old)

    assert (status, 'error="insufficient_claims"' in asks) == (401, True)
    claims = base64.b64decode(asks.partition('claims="')[2].rstrip('"')).decode()
    second = app.acquire_token_for_client([EXCHANGE])["access_token"]
    fresh = app.acquire_token_by_user_federated_identity_credential(
        [GRAPH], assertion=second, user_object_id=agent.user, claims_challenge=claims
    )["access_token"]
    assert me(scene, fresh)[0] == 200
    said = claims_of(fresh)
    assert said["nbf"] == int(json.loads(claims)["access_token"]["nbf"]["value"])
    assert said["xms_cc"] == ["cp1"]


def test_client_that_would_not_understand_is_not_challenged(scene: Scene, agent: Hired) -> None:
    old = user(identity(scene, agent), user_object_id=agent.user)["access_token"]
    scene.ask("POST", f"agents/{agent.user}/revocations")

    assert me(scene, old) == (200, "")


@pytest.mark.parametrize(
    "claims",
    [
        "[",
        "[]",
        '{"access_token": []}',
        '{"access_token": {"xms_cc": {"values": "cp1"}}}',
        '{"access_token": {"xms_cc": {"values": ["other"]}}}',
        '{"access_token": {"nbf": {"value": "soon"}}}',
    ],
)
def test_claims_that_make_no_sense_say_nothing(scene: Scene, agent: Hired, claims: str) -> None:
    form = scene.blueprint_form(agent, claims=claims, scope=GRAPH)

    answer: Json = scene.session.post(scene.token_url(agent), data=form, timeout=BOUND_S).json()

    assert "xms_cc" not in claims_of(answer["access_token"])
