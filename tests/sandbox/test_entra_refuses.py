"""What the token endpoint refuses when nobody's library stands in between."""

import base64
import hashlib
import hmac
import json
import re
import time

import jwt
import pytest
from cryptography import x509

from sandbox.scene import (
    BOUND_S,
    CHANNEL,
    GRAPH,
    Credential,
    Hired,
    Json,
    Scene,
    claims_of,
)


def code(answer: Json) -> int:
    codes: list[int] = answer["error_codes"]
    assert answer["error_description"].startswith(f"AADSTS{codes[0]}: ")
    return codes[0]


def unsigned(header: Json, claims: Json) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def blueprint_code(scene: Scene, agent: Hired, **changes: str) -> int:
    return code(scene.grant(agent, scene.blueprint_form(agent, **changes)))


def test_statement_for_another_audience_is_refused(scene: Scene, agent: Hired) -> None:
    statement = scene.statement(agent, aud="https://login.microsoftonline.com/x/oauth2/v2.0/token")

    assert blueprint_code(scene, agent, client_assertion=statement) == 700023


def test_expired_statement_is_refused(scene: Scene, agent: Hired) -> None:
    statement = scene.statement(agent, exp=int(time.time()) - 1)

    assert blueprint_code(scene, agent, client_assertion=statement) == 700024


def test_statement_valid_for_years_is_refused(scene: Scene, agent: Hired) -> None:
    statement = scene.statement(agent, exp=int(time.time()) + 10**8)

    assert blueprint_code(scene, agent, client_assertion=statement) == 700024


def test_statement_by_somebody_else_is_refused(scene: Scene, agent: Hired) -> None:
    statement = scene.statement(agent, iss=agent.agent)

    assert blueprint_code(scene, agent, client_assertion=statement) == 50027


def test_statement_without_a_signature_is_refused(scene: Scene, agent: Hired) -> None:
    claims = claims_of(scene.statement(agent))
    statement = unsigned({"alg": "none", "x5t": agent.credential.x5t}, claims) + "."

    assert blueprint_code(scene, agent, client_assertion=statement) == 50027


def test_statement_signed_with_the_public_certificate_as_secret_is_refused(
    scene: Scene, agent: Hired
) -> None:
    """RFC 8725 section 2.1: what is public is no secret."""
    claims = claims_of(scene.statement(agent))
    signed = unsigned({"alg": "HS256", "x5t": agent.credential.x5t}, claims)
    mac = hmac.digest(agent.credential.certificate.encode(), signed.encode(), hashlib.sha256)
    statement = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    assert blueprint_code(scene, agent, client_assertion=statement) == 50027


def test_statement_that_names_a_certificate_it_is_not_signed_with_is_refused(
    scene: Scene, agent: Hired, stranger: Credential
) -> None:
    claims = claims_of(scene.statement(agent))
    header = {"x5t": agent.credential.x5t}
    statement = jwt.encode(claims, stranger.key, algorithm="RS256", headers=header)

    assert blueprint_code(scene, agent, client_assertion=statement) == 700027


def test_words_that_are_no_token_are_refused(scene: Scene, agent: Hired) -> None:
    assert blueprint_code(scene, agent, client_assertion="hello") == 50027


def test_statement_may_be_shown_twice(scene: Scene, agent: Hired) -> None:
    """Entra does not remember `jti`, and msal shows its statement again for minutes."""
    form = scene.blueprint_form(agent)

    assert "access_token" in scene.grant(agent, form)
    assert "access_token" in scene.grant(agent, form)


def test_statement_as_msal_writes_it_is_accepted(scene: Scene, agent: Hired) -> None:
    """Padded thumbprint, certificate with line breaks in it, times with fractions."""
    certificate = x509.load_pem_x509_certificate(agent.credential.certificate.encode())
    now = time.time()
    claims = {**claims_of(scene.statement(agent)), "iat": now, "exp": now + 600.5}
    header = {"x5t": agent.credential.x5t + "=", "x5c": ["MII\nB", str(certificate.serial_number)]}
    statement = jwt.encode(claims, agent.credential.key, algorithm="PS256", headers=header)

    form = scene.blueprint_form(agent, client_assertion=statement)
    assert "access_token" in scene.grant(agent, form)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 700016),
        ({"grant_type": "password"}, 70003),
        ({"grant_type": ""}, 900144),
        ({"scope": ""}, 900144),
        ({"scope": "https://unknown.example/.default"}, 500011),
        ({"scope": f"{GRAPH} {CHANNEL}"}, 28000),
        ({"scope": "https://graph.microsoft.com/Mail.Send"}, 1002012),
        ({"client_assertion": ""}, 7000218),
        ({"client_assertion_type": "password"}, 7000218),
        ({"client_secret": "hunter2"}, 7000215),
    ],
)
def test_malformed_request_is_refused_with_its_own_number(
    scene: Scene, agent: Hired, changes: dict[str, str], expected: int
) -> None:
    assert blueprint_code(scene, agent, **changes) == expected


def test_unknown_tenant_is_refused(scene: Scene, agent: Hired) -> None:
    url = scene.token_url(agent).replace(agent.tenant, "no-such-tenant")

    answer = scene.session.post(url, data=scene.blueprint_form(agent), timeout=BOUND_S)

    assert (answer.status_code, code(answer.json())) == (400, 90002)


def test_agent_of_one_tenant_is_unknown_in_another(scene: Scene, agent: Hired) -> None:
    people = scene.ask("GET", "people")["people"]
    elsewhere = next(person["tenant"] for person in people if person["key"] == "mallory")
    url = scene.token_url(agent).replace(agent.tenant, elsewhere)

    answer = scene.session.post(url, data=scene.blueprint_form(agent), timeout=BOUND_S)

    assert code(answer.json()) == 700016


def test_scope_of_the_exchange_is_read_in_any_case(scene: Scene, agent: Hired) -> None:
    """Two Microsoft SDKs write it differently."""
    form = scene.blueprint_form(agent, scope="api://AzureAdTokenExchange/.default")

    assert scene.grant(agent, form)["scope"] == "api://AzureAdTokenExchange/.default"


def test_second_token_cannot_stand_in_for_the_first(scene: Scene, agent: Hired) -> None:
    _, second = scene.walk(agent)

    assert code(scene.grant(agent, scene.agent_form(agent, second))) == 700211


def test_token_for_graph_cannot_stand_in_for_the_second(scene: Scene, agent: Hired) -> None:
    first, _ = scene.walk(agent)
    graph = scene.user_token(agent)

    assert code(scene.grant(agent, scene.user_form(agent, first, graph))) == 700211


def test_first_token_signed_by_somebody_else_is_refused(
    scene: Scene, agent: Hired, stranger: Credential
) -> None:
    claims = claims_of(scene.walk(agent)[0])
    forged = jwt.encode(claims, stranger.key, algorithm="RS256")

    assert code(scene.grant(agent, scene.agent_form(agent, forged))) == 50013


def test_unknown_user_is_refused(scene: Scene, agent: Hired) -> None:
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second, username="nobody@contoso.example")

    assert code(scene.grant(agent, form)) == 50034


def test_chain_that_names_no_user_is_refused(scene: Scene, agent: Hired) -> None:
    first, second = scene.walk(agent)
    form = scene.user_form(agent, first, second)
    del form["user_id"]

    assert code(scene.grant(agent, form)) == 900144


def test_missing_user_credential_is_named(scene: Scene, agent: Hired) -> None:
    first, _ = scene.walk(agent)

    answer = scene.grant(agent, scene.user_form(agent, first, ""))

    assert code(answer) == 900144
    assert "user_federated_identity_credential" in answer["error_description"]


def test_refusal_carries_the_ids_support_would_ask_for(scene: Scene, agent: Hired) -> None:
    answer = scene.grant(agent, scene.blueprint_form(agent, scope=""))

    assert re.search(
        r" Trace ID: [-0-9a-f]{36} Correlation ID: [-0-9a-f]{36} "
        r"Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$",
        answer["error_description"],
    )
    assert answer["error_uri"] == f"{scene.cloud['login']}/error?code=900144"
    assert {"timestamp", "trace_id", "correlation_id"} <= answer.keys()


def test_agent_channel_token_has_the_audience_and_scope_the_connector_wants(
    scene: Scene, agent: Hired
) -> None:
    claims = claims_of(scene.user_token(agent, CHANNEL))

    assert claims["aud"] == scene.cloud["agent_channel"]
    assert claims["iss"] == f"https://sts.windows.net/{agent.tenant}/"
    assert "AgentData.ReadWrite" in claims["scp"].split()
    assert {"11"} < set(claims["xms_act_fct"].split())
    assert {"13"} < set(claims["xms_sub_fct"].split())


def test_lifetime_is_random_between_an_hour_and_an_hour_and_a_half(
    scene: Scene, agent: Hired
) -> None:
    seconds = scene.grant(agent, scene.blueprint_form(agent))["expires_in"]

    assert 3600 <= seconds <= 5400


def test_lifetime_can_be_set_for_a_test_and_given_back(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", "settings", {"token_lifetime_s": 7})
    answer = scene.grant(agent, scene.blueprint_form(agent))
    scene.ask("PUT", "settings", {"token_lifetime_s": None})

    claims = claims_of(answer["access_token"])
    assert answer["expires_in"] == 7
    assert claims["exp"] - time.time() <= 7


def test_every_request_leaves_a_line_with_its_hop_and_outcome(scene: Scene, agent: Hired) -> None:
    before = len(scene.ask("GET", "tokens")["requests"])

    scene.user_token(agent)
    scene.grant(agent, scene.blueprint_form(agent, client_assertion="hello"))

    lines = scene.ask("GET", "tokens")["requests"][before:]
    assert [line["hop"] for line in lines] == ["blueprint", "agent", "user", "refused"]
    assert [line["code"] for line in lines] == [0, 0, 0, 50027]
    assert [line["client_id"] for line in lines[:3]] == [agent.blueprint, agent.agent, agent.agent]
    assert [line["n"] for line in lines] == list(range(before + 1, before + 5))
    assert all(line["ms"] > 0 for line in lines)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_keys_of_entra_and_of_the_bot_framework_differ(scene: Scene, agent: Hired) -> None:
    def keys(metadata: str) -> list[Json]:
        described = scene.session.get(metadata, timeout=BOUND_S).json()
        found: list[Json] = scene.session.get(described["jwks_uri"], timeout=BOUND_S).json()["keys"]
        return found

    own = keys(f"{scene.cloud['login']}/{agent.tenant}/v2.0/.well-known/openid-configuration")
    bot = keys(scene.cloud["bot_openid"])

    assert {key["kid"] for key in own}.isdisjoint(key["kid"] for key in bot)
    assert ["msteams" in key["endorsements"] for key in bot] == [True, False]
    assert all(key["kty"] == "RSA" and key["x5t"] for key in own + bot)


def test_metadata_names_the_issuer_of_the_tenant_asked_for(scene: Scene, agent: Hired) -> None:
    login = scene.cloud["login"]

    def issuer(tenant: str) -> str:
        url = f"{login}/{tenant}/v2.0/.well-known/openid-configuration"
        found: str = scene.session.get(url, timeout=BOUND_S).json()["issuer"]
        return found

    assert issuer(agent.tenant) == issuer("contoso.example") == f"{login}/{agent.tenant}/v2.0"
    assert issuer("common") == f"{login}/{{tenantid}}/v2.0"


def test_metadata_of_an_unknown_tenant_is_refused(scene: Scene) -> None:
    for path in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"):
        url = f"{scene.cloud['login']}/no-such-tenant/{path}"
        answer = scene.session.get(url, timeout=BOUND_S)
        assert code(answer.json()) == 90002


def test_exchange_tokens_open_nothing_but_the_next_hop(scene: Scene, agent: Hired) -> None:
    for token in scene.walk(agent):
        answer = scene.post(f"{scene.cloud['graph']}/v1.0/me", token, None, "GET")
        assert answer.status_code == 401
