"""Stock azure-identity, used as its documentation says, gets app-only tokens over TLS.

A cloud of one's own is told by `authority` and `disable_instance_discovery`, as for Azure
Stack: https://learn.microsoft.com/python/api/overview/azure/identity-readme
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypedDict

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientAssertionCredential
from azure.identity.aio import CertificateCredential as AsyncCertificate
from azure.identity.aio import ClientAssertionCredential as AsyncAssertion

from sandbox.scene import EXCHANGE, GRAPH, Credential, Hired, Json, Scene, claims_of

STORAGE = "https://storage.azure.com/.default"


class Where(TypedDict):
    """How a client is told of a cloud of one's own."""

    authority: str
    disable_instance_discovery: bool
    connection_verify: str


class Credentials(Protocol):
    """The two kinds of proof, for whichever way of waiting."""

    def certificate(
        self, scene: Scene, agent: Hired, scopes: list[str], own: Credential, *, chain: bool
    ) -> list[AccessToken]: ...

    def assertion(
        self, scene: Scene, agent: Hired, scopes: list[str], proof: Callable[[], str]
    ) -> list[AccessToken]: ...


def where(scene: Scene) -> Where:
    return Where(
        authority=scene.cloud["login"],
        disable_instance_discovery=True,
        connection_verify=scene.ca,
    )


def pem(own: Credential) -> bytes:
    return f"{own.private}{own.certificate}".encode()


class Waiting:
    """The credentials that block."""

    def certificate(
        self, scene: Scene, agent: Hired, scopes: list[str], own: Credential, *, chain: bool
    ) -> list[AccessToken]:
        with CertificateCredential(
            agent.tenant,
            agent.blueprint,
            certificate_data=pem(own),
            send_certificate_chain=chain,
            **where(scene),
        ) as credential:
            return [credential.get_token(scope) for scope in scopes]

    def assertion(
        self, scene: Scene, agent: Hired, scopes: list[str], proof: Callable[[], str]
    ) -> list[AccessToken]:
        with ClientAssertionCredential(
            agent.tenant, agent.agent, proof, **where(scene)
        ) as credential:
            return [credential.get_token(scope) for scope in scopes]


class Awaited:
    """The credentials of `azure.identity.aio`."""

    def certificate(
        self, scene: Scene, agent: Hired, scopes: list[str], own: Credential, *, chain: bool
    ) -> list[AccessToken]:
        async def ask() -> list[AccessToken]:
            async with AsyncCertificate(
                agent.tenant,
                agent.blueprint,
                certificate_data=pem(own),
                send_certificate_chain=chain,
                **where(scene),
            ) as credential:
                return [await credential.get_token(scope) for scope in scopes]

        return asyncio.run(ask())

    def assertion(
        self, scene: Scene, agent: Hired, scopes: list[str], proof: Callable[[], str]
    ) -> list[AccessToken]:
        async def ask() -> list[AccessToken]:
            async with AsyncAssertion(
                agent.tenant, agent.agent, proof, **where(scene)
            ) as credential:
                return [await credential.get_token(scope) for scope in scopes]

        return asyncio.run(ask())


@pytest.fixture(params=[Waiting, Awaited])
def credentials(request: pytest.FixtureRequest) -> Credentials:
    made: Credentials = request.param()
    return made


def first(scene: Scene, agent: Hired) -> str:
    """What the blueprint gets for the agent identity, which shows it as its own proof."""
    token: str = scene.grant(agent, scene.blueprint_form(agent))["access_token"]
    return token


def asked(scene: Scene, agent: Hired) -> list[str]:
    lines: list[Json] = scene.ask("GET", "tokens")["requests"]
    own = [line for line in lines if line["client_id"] in {agent.blueprint, agent.agent}]
    return [str(line["code"] or line["hop"]) for line in own]


@pytest.mark.parametrize("chain", [False, True])
def test_certificate_gives_a_token_of_the_application(
    scene: Scene, agent: Hired, credentials: Credentials, *, chain: bool
) -> None:
    [token] = credentials.certificate(scene, agent, [GRAPH], agent.credential, chain=chain)

    claims = claims_of(token.token)
    assert (claims["aud"], claims["idtyp"]) == ("https://graph.microsoft.com", "app")
    assert claims["appid"] == claims["oid"] == agent.blueprint
    assert abs(token.expires_on - claims["exp"]) <= 5


def test_second_call_is_answered_from_memory(
    scene: Scene, agent: Hired, credentials: Credentials
) -> None:
    scopes = [GRAPH, GRAPH, STORAGE]

    tokens = credentials.certificate(scene, agent, scopes, agent.credential, chain=False)

    graph, again, storage = (token.token for token in tokens)
    assert graph == again != storage
    assert asked(scene, agent) == ["app", "app"]


def test_assertion_gives_a_token_of_the_agent_identity(
    scene: Scene, agent: Hired, credentials: Credentials
) -> None:
    """Microsoft's: what federates a workload is how an agent proves itself too."""
    [token] = credentials.assertion(scene, agent, [STORAGE], lambda: first(scene, agent))

    claims = claims_of(token.token)
    assert (claims["appid"], claims["idtyp"]) == (agent.agent, "app")
    assert claims["xms_par_app_azp"] == agent.blueprint
    assert asked(scene, agent) == ["blueprint", "app"]


def test_certificate_that_is_not_registered_is_refused_by_number(
    scene: Scene, agent: Hired, credentials: Credentials, stranger: Credential
) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credentials.certificate(scene, agent, [GRAPH], stranger, chain=False)


@pytest.mark.parametrize(
    ("scope", "number"),
    [
        ("https://nowhere.example/.default", "AADSTS500011"),
        ("https://graph.microsoft.com/Mail.Read", "AADSTS1002012"),
        ("https://api.botframework.com/.default", "AADSTS82001"),
    ],
)
def test_scope_that_cannot_be_served_is_refused_by_number(
    scene: Scene, agent: Hired, credentials: Credentials, scope: str, number: str
) -> None:
    with pytest.raises(ClientAuthenticationError, match=number):
        credentials.certificate(scene, agent, [scope], agent.credential, chain=False)


def test_assertion_that_fits_nobody_is_refused_by_number(
    scene: Scene, agent: Hired, credentials: Credentials
) -> None:
    unnamed: str = scene.grant(agent, scene.blueprint_form(agent, fmi_path=""))["access_token"]

    with pytest.raises(ClientAuthenticationError, match="AADSTS700211"):
        credentials.assertion(scene, agent, [EXCHANGE], lambda: unnamed)


def test_disabled_agent_is_refused_by_number(
    scene: Scene, agent: Hired, credentials: Credentials
) -> None:
    scene.ask("PUT", f"agents/{agent.user}", {"identity_enabled": False})

    with pytest.raises(ClientAuthenticationError, match="AADSTS7000112"):
        credentials.assertion(scene, agent, [GRAPH], lambda: first(scene, agent))
