"""Stock msal, used as its documentation says, walks the chain over TLS.

A rule that msal trips over is a rule the sandbox invented.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import requests

from sandbox.scene import BOUND_S, EXCHANGE, GRAPH, Credential, Hired, Scene, claims_of

# msal ships no types; here that is the point, for it must be the one from the shelf.
msal: Any = importlib.import_module("msal")

Client = Any


def client(
    scene: Scene, agent: Hired, app: str, credential: object, capabilities: Sequence[str] = ()
) -> Client:
    return msal.ConfidentialClientApplication(
        app,
        authority=f"{scene.cloud['login']}/{agent.tenant}",
        client_credential=credential,
        http_client=scene.session,
        instance_discovery=False,
        client_capabilities=list(capabilities) or None,
    )


def blueprint(scene: Scene, agent: Hired, credential: Credential | None = None) -> Client:
    own = credential or agent.credential
    pems = {"private_key": own.private, "public_certificate": own.certificate}
    return client(scene, agent, agent.blueprint, pems)


def first_hop(scene: Scene, agent: Hired) -> Callable[[], str]:
    app = blueprint(scene, agent)

    def token() -> str:
        answer = app.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)
        return str(answer["access_token"])

    return token


def identity(
    scene: Scene,
    agent: Hired,
    proof: Callable[[], str] | None = None,
    capabilities: Sequence[str] = (),
) -> Client:
    shown = {"client_assertion": proof or first_hop(scene, agent)}
    return client(scene, agent, agent.agent, shown, capabilities)


def user(app: Client, scope: str = GRAPH, **who: str) -> dict[str, Any]:
    second = app.acquire_token_for_client([EXCHANGE])["access_token"]
    answer: dict[str, Any] = app.acquire_token_by_user_federated_identity_credential(
        [scope], assertion=second, **who
    )
    return answer


def test_three_hops_give_a_token_of_the_agent_user(scene: Scene, agent: Hired) -> None:
    answer = user(identity(scene, agent), user_object_id=agent.user)

    claims = claims_of(answer["access_token"])
    assert claims["oid"] == agent.user
    assert claims["idtyp"] == "user"
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["xms_par_app_azp"] == agent.blueprint


def test_the_user_may_be_named_by_upn(scene: Scene, agent: Hired) -> None:
    answer = user(identity(scene, agent), username=agent.upn)

    assert claims_of(answer["access_token"])["oid"] == agent.user


def test_unregistered_certificate_is_refused(
    scene: Scene, agent: Hired, stranger: Credential
) -> None:
    app = blueprint(scene, agent, stranger)

    answer = app.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)

    assert answer["error_codes"] == [700027]


def test_certificate_registered_later_is_accepted(
    scene: Scene, agent: Hired, stranger: Credential
) -> None:
    scene.ask("POST", f"agents/{agent.user}/certificates", {"certificate": stranger.certificate})
    app = blueprint(scene, agent, stranger)

    assert "access_token" in app.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)


def test_first_token_without_a_path_fits_no_agent(scene: Scene, agent: Hired) -> None:
    unnamed = blueprint(scene, agent).acquire_token_for_client([EXCHANGE])["access_token"]

    answer = identity(scene, agent, lambda: unnamed).acquire_token_for_client([EXCHANGE])

    assert answer["error_codes"] == [700211]


def test_first_token_of_another_agent_is_refused(
    scene: Scene, agent: Hired, credential: Credential
) -> None:
    other = scene.hire(credential)

    answer = identity(scene, agent, first_hop(scene, other)).acquire_token_for_client([EXCHANGE])

    assert answer["error_codes"] == [700211]


def test_blueprint_cannot_name_an_agent_that_is_not_its_own(
    scene: Scene, agent: Hired, credential: Credential
) -> None:
    other = blueprint(scene, scene.hire(credential))
    foreign = other.acquire_token_for_client([EXCHANGE], fmi_path=agent.agent)["access_token"]

    answer = identity(scene, agent, lambda: foreign).acquire_token_for_client([EXCHANGE])

    assert answer["error_codes"] == [700211]


def test_user_token_is_refused_without_consent(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"grants": {"https://graph.microsoft.com": []}})

    answer = user(identity(scene, agent), user_object_id=agent.user)

    assert answer["error_codes"] == [65001]
    assert answer["suberror"] == "consent_required"


def test_scope_beyond_the_consent_is_refused(scene: Scene, agent: Hired) -> None:
    app = identity(scene, agent)

    answer = user(app, "https://graph.microsoft.com/Sites.FullControl.All", username=agent.upn)

    assert answer["error_codes"] == [65001]


def test_disabled_agent_gets_no_user_token(scene: Scene, agent: Hired) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"enabled": False})

    answer = user(identity(scene, agent), user_object_id=agent.user)

    assert answer["error_codes"] == [50057]


def test_user_of_another_agent_is_refused(
    scene: Scene, agent: Hired, credential: Credential
) -> None:
    other = scene.hire(credential)

    answer = user(identity(scene, agent), user_object_id=other.user)

    assert answer["error_codes"] == [50034]


def test_agents_get_no_bot_framework_token(scene: Scene, agent: Hired) -> None:
    bot = "https://api.botframework.com/.default"

    by_blueprint = blueprint(scene, agent).acquire_token_for_client([bot])
    by_agent = identity(scene, agent).acquire_token_for_client([bot])

    assert by_blueprint["error_codes"] == by_agent["error_codes"] == [82001]


def test_agent_acts_as_itself_with_an_app_only_token(scene: Scene, agent: Hired) -> None:
    answer = identity(scene, agent).acquire_token_for_client([GRAPH])

    claims = claims_of(answer["access_token"])
    assert claims["idtyp"] == "app"
    assert claims["oid"] == agent.agent
    assert "scp" not in claims


def test_sandbox_is_reached_over_tls_from_its_own_authority_only(scene: Scene) -> None:
    url = f"{scene.cloud['login']}/common/discovery/instance"
    assert scene.session.get(url, timeout=BOUND_S).ok

    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(url, timeout=BOUND_S)
