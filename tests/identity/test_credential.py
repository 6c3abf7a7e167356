"""The credential under azure-core's own pipeline, which is what every Azure SDK is made of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from entraclaw.errors import HopRefused, KeyMisused
from entraclaw.identity import AgentIds, Minter
from entraclaw.identity.credential import AgentCredential
from identity.tenant import Tenant, TenantClock

WALK = ["blueprint", "agent", "user"]


@pytest.fixture
async def minter(tenant: Tenant, ids: AgentIds) -> AsyncGenerator[Minter]:
    clock = TenantClock(tenant)
    minter = Minter(tenant.chain(ids, clock=clock), clock.time)
    yield minter
    await minter.close()
    tenant.heal()


@pytest.fixture
def credential(minter: Minter, ids: AgentIds) -> AgentCredential:
    return AgentCredential(minter, ids.tenant)


@asynccontextmanager
async def client(
    tenant: Tenant, credential: AsyncTokenCredential
) -> AsyncGenerator[AsyncPipelineClient[HttpRequest, AsyncHttpResponse]]:
    bearer = AsyncBearerTokenCredentialPolicy[HttpRequest, AsyncHttpResponse](
        credential, tenant.cloud.graph_scope
    )
    async with AsyncPipelineClient[HttpRequest, AsyncHttpResponse](
        tenant.cloud.graph, policies=[bearer], connection_verify=tenant.cloud.tls_ca
    ) as opened:
        yield opened


async def me(
    tenant: Tenant, opened: AsyncPipelineClient[HttpRequest, AsyncHttpResponse]
) -> AsyncHttpResponse:
    request = HttpRequest("GET", f"{tenant.cloud.graph}/v1.0/me")
    answer: AsyncHttpResponse = await opened.send_request(request)
    await answer.read()
    return answer


def test_credential_is_what_the_sdks_look_for(credential: AgentCredential) -> None:
    assert isinstance(credential, AsyncTokenCredential)
    assert isinstance(credential, AsyncSupportsTokenInfo)


async def test_sdk_calls_as_the_agent_user_and_shares_its_tokens(
    tenant: Tenant, ids: AgentIds, minter: Minter, credential: AgentCredential
) -> None:
    await minter.token(tenant.cloud.graph_scope)
    async with client(tenant, credential) as opened:
        answers = [await me(tenant, opened) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json()["id"] == ids.user
    assert tenant.asked(ids) == WALK


async def test_challenge_of_the_resource_is_met(
    tenant: Tenant, ids: AgentIds, credential: AgentCredential
) -> None:
    async with client(tenant, credential) as opened:
        assert (await me(tenant, opened)).status_code == 200
        tenant.scene.ask("POST", f"agents/{ids.user}/revocations")

        assert (await me(tenant, opened)).status_code == 200

    assert tenant.asked(ids) == [*WALK, "user"]


async def test_token_tells_when_it_ends_and_when_it_is_due(
    tenant: Tenant, credential: AgentCredential
) -> None:
    async with credential:
        plain = await credential.get_token(tenant.cloud.storage_scope)
        full = await credential.get_token_info(tenant.cloud.storage_scope)

    assert (plain.token, plain.expires_on) == (full.token, full.expires_on)
    assert full.refresh_on == plain.expires_on - 300


async def test_nobody_of_another_tenant_is_spoken_for(
    tenant: Tenant, ids: AgentIds, credential: AgentCredential
) -> None:
    other = "00000000-1111-4222-8333-444444444444"

    with pytest.raises(KeyMisused):
        await credential.get_token(tenant.cloud.graph_scope, tenant_id=other)
    assert tenant.asked(ids) == []

    assert await credential.get_token(tenant.cloud.graph_scope, tenant_id=ids.tenant.upper())


async def test_refusal_is_an_error_and_no_other_identity(
    tenant: Tenant, ids: AgentIds, credential: AgentCredential
) -> None:
    tenant.change(ids, blocked=53003)

    with pytest.raises(HopRefused):
        await credential.get_token(tenant.cloud.graph_scope)


@pytest.mark.parametrize("scopes", [[], ["a/.default", "b/.default"]])
async def test_token_is_for_one_resource(credential: AgentCredential, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        await credential.get_token(*scopes)
