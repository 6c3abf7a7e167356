"""Stock azure-storage-blob works as the agent user, against Azurite.

`make parts` installs Azurite. What it does not do as Azure does, a 401 with a challenge, is
done by a door before it.
"""

import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
)
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from entraclaw.errors import HopRefused, KeyMisused
from entraclaw.identity import AgentIds, Minter
from entraclaw.identity.credential import AgentCredential
from identity.stranger import Authority, Strange, Stranger
from identity.tenant import Tenant, TenantClock
from parts.azurite import ACCOUNT, MAIN, NODE, Azurite, running_azurite

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(NODE is None or not MAIN.exists(), reason="`make parts` installs Azurite"),
]

WALK = ["blueprint", "agent", "user"]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Azurite]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as azurite:
        yield azurite


@pytest.fixture
def clock(tenant: Tenant) -> Generator[TenantClock]:
    yield TenantClock(tenant)
    tenant.heal()


@pytest.fixture
async def minter(tenant: Tenant, ids: AgentIds, clock: TenantClock) -> AsyncGenerator[Minter]:
    minter = Minter(tenant.chain(ids, clock=clock), clock.time)
    yield minter
    await minter.close()


@pytest.fixture
def credential(minter: Minter, ids: AgentIds) -> AgentCredential:
    return AgentCredential(minter, ids.tenant)


@pytest.fixture
async def blobs(azurite: Azurite, credential: AgentCredential) -> AsyncGenerator[BlobServiceClient]:
    async with BlobServiceClient(
        f"{azurite.url}/{ACCOUNT}",
        credential,
        connection_verify=str(azurite.ca),
        retry_total=0,
    ) as client:
        yield client


async def container(client: BlobServiceClient, name: str) -> ContainerClient:
    return await client.create_container(f"agent-{name}")  # pyright: ignore[reportUnknownMemberType]  # it names a bare dict


async def test_container_and_blobs_with_one_token(
    tenant: Tenant, ids: AgentIds, minter: Minter, blobs: BlobServiceClient
) -> None:
    room = await container(blobs, ids.user)
    for name in ("one", "two"):
        await room.upload_blob(name, f"{name} of {ids.user}".encode(), overwrite=False)

    listed = [blob.name async for blob in room.list_blobs()]
    read = await (await room.download_blob("two")).readall()

    assert (listed, read.decode()) == (["one", "two"], f"two of {ids.user}")
    assert tenant.asked(ids) == WALK
    assert await minter.token(tenant.cloud.storage_scope)
    assert tenant.asked(ids) == WALK


async def test_write_holds_only_for_what_was_read(ids: AgentIds, blobs: BlobServiceClient) -> None:
    """What state in blob storage rests on: two writers, and the slower one is told."""
    room = await container(blobs, ids.user)
    blob = room.get_blob_client("state")
    first = await blob.upload_blob(b"1", overwrite=False)
    with pytest.raises(ResourceExistsError) as taken:
        await blob.upload_blob(b"1 again", overwrite=False)

    unmodified = MatchConditions.IfNotModified
    second = await blob.upload_blob(
        b"2", overwrite=True, etag=first["etag"], match_condition=unmodified
    )
    with pytest.raises(ResourceModifiedError) as late:
        await blob.upload_blob(
            b"2 too", overwrite=True, etag=first["etag"], match_condition=unmodified
        )
    with pytest.raises(HttpResponseError) as same:
        await blob.download_blob(etag=second["etag"], match_condition=MatchConditions.IfModified)

    refusals = (taken.value, late.value, same.value)
    assert [refusal.status_code for refusal in refusals] == [409, 412, 304]
    assert await (await blob.download_blob()).readall() == b"2"


async def test_token_that_has_ended_is_never_shown(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: TenantClock, blobs: BlobServiceClient
) -> None:
    """Azurite goes by this machine's clock alone, so the first token is one of an hour ago."""
    clock.move(-3600)
    with tenant.turned(token_lifetime_s=3000):
        await minter.token(tenant.cloud.storage_scope)
    clock.move(3600)

    await container(blobs, ids.user)

    assert tenant.asked(ids) == [*WALK, *WALK]


async def test_token_for_another_resource_is_refused(
    tenant: Tenant, azurite: Azurite, credential: AgentCredential
) -> None:
    async with BlobServiceClient(
        f"{azurite.url}/{ACCOUNT}",
        credential,
        connection_verify=str(azurite.ca),
        audience=tenant.cloud.graph,
        retry_total=0,
    ) as client:
        with pytest.raises(HttpResponseError) as refusal:
            await container(client, "elsewhere")
    assert refusal.value.status_code == 403


async def test_consent_that_is_missing_is_our_error_and_nothing_is_sent(
    tenant: Tenant, ids: AgentIds, blobs: BlobServiceClient
) -> None:
    tenant.change(ids, grants={"https://storage.azure.com": []})

    with pytest.raises(HopRefused, match="AADSTS65001"):
        await container(blobs, "nothing")


class Door:
    """Asks the first time as Azure does, then lets everything through to Azurite."""

    def __init__(self, azurite: Azurite, session: aiohttp.ClientSession, challenge: str) -> None:
        self._azurite, self._session, self._challenge = azurite, session, challenge

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self._challenge:
            asks, self._challenge = self._challenge, ""
            return web.Response(status=401, headers={"WWW-Authenticate": asks})
        async with self._session.request(
            request.method,
            f"{self._azurite.url}{request.path_qs}",
            headers={name: request.headers[name] for name in request.headers if name != "Host"},
            data=await request.read(),
        ) as answer:
            headers = {"ETag": answer.headers.get("ETag", "")}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


@asynccontextmanager
async def behind_a_door(
    azurite: Azurite,
    strange: Strange,
    authority: Authority,
    credential: AgentCredential,
    challenge: str,
) -> AsyncGenerator[tuple[BlobServiceClient, Stranger]]:
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(azurite.ca)))
    async with aiohttp.ClientSession(connector=trust) as session:
        door = await strange(Door(azurite, session, challenge))
        async with BlobServiceClient(
            f"{door.url}/{ACCOUNT}",
            credential,
            connection_verify=str(authority.bundle),
            retry_total=0,
        ) as client:
            yield client, door


async def test_challenge_for_our_tenant_is_answered(
    tenant: Tenant,
    ids: AgentIds,
    azurite: Azurite,
    strange: Strange,
    authority: Authority,
    credential: AgentCredential,
) -> None:
    """Azure's: the challenge names the tenant and the resource to come with."""
    asks = (
        f"Bearer authorization_uri={tenant.cloud.login}/{ids.tenant}/oauth2/authorize "
        "resource_id=https://storage.azure.com"
    )
    async with behind_a_door(azurite, strange, authority, credential, asks) as (client, door):
        await container(client, ids.user)

    assert len(door.asked) == 2
    assert tenant.asked(ids) == WALK


async def test_challenge_for_another_tenant_is_not_followed(
    tenant: Tenant,
    ids: AgentIds,
    azurite: Azurite,
    strange: Strange,
    authority: Authority,
    credential: AgentCredential,
) -> None:
    asks = (
        f"Bearer authorization_uri={tenant.cloud.login}/{'1' * 8}-1111-4111-8111-{'1' * 12}/ "
        "resource_id=https://storage.azure.com"
    )
    async with behind_a_door(azurite, strange, authority, credential, asks) as (client, door):
        with pytest.raises(KeyMisused):
            await container(client, ids.user)

    assert len(door.asked) == 1
