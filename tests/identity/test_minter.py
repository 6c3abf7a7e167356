"""The minter over a real chain: how often Entra is asked, and who waits for it."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Generator

import pytest

from entraclaw.errors import HopRefused
from entraclaw.identity import AgentIds, Minter, Token
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.memory import MemoryKeyStore
from identity.tenant import Tenant, TenantClock

WALK = ["blueprint", "agent", "user"]


@pytest.fixture
def clock(tenant: Tenant) -> Generator[TenantClock]:
    yield TenantClock(tenant)
    tenant.heal()


@pytest.fixture
async def minter(tenant: Tenant, ids: AgentIds, clock: TenantClock) -> AsyncGenerator[Minter]:
    minter = Minter(tenant.chain(ids, clock=clock), clock.time)
    yield minter
    await minter.close()


async def together(minter: Minter, scope: str, callers: int) -> list[Token]:
    return await asyncio.gather(*(minter.token(scope) for _ in range(callers)))


async def test_fifty_callers_at_once_share_one_fetch(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    tokens = await together(minter, tenant.cloud.graph_scope, 50)

    assert len({id(token) for token in tokens}) == 1
    assert tenant.asked(ids) == WALK


async def test_token_in_hand_is_given_without_asking(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    first = await minter.token(tenant.cloud.graph_scope)

    assert await minter.token(tenant.cloud.graph_scope) is first
    assert tenant.asked(ids) == WALK


async def test_different_scopes_share_the_first_two_hops(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    graph, answers = await asyncio.gather(
        minter.token(tenant.cloud.graph_scope), minter.token(tenant.cloud.answer_scope)
    )

    assert graph.secret != answers.secret
    assert tenant.asked(ids) == [*WALK, "user"]


async def test_hundred_callers_of_five_resources_ask_seven_times(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    scopes = (
        tenant.cloud.graph_scope,
        tenant.cloud.answer_scope,
        tenant.cloud.storage_scope,
        "https://graph.microsoft.com/.default",
        "https://botapi.skype.com/.default",
    )
    reads = tenant.metadata_reads()

    await asyncio.gather(*(together(minter, scope, 100) for scope in scopes))

    assert tenant.asked(ids) == [*WALK, *["user"] * 4]
    assert tenant.metadata_reads() - reads == 1


async def test_due_token_is_given_at_once_while_one_refresh_runs(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: TenantClock
) -> None:
    with tenant.turned(token_lifetime_s=3600):  # the proofs are due when the token is
        held = await minter.token(tenant.cloud.graph_scope)
    clock.move_to(held.expires_at - 100)

    with tenant.turned(latency_ms=150):
        given = await together(minter, tenant.cloud.graph_scope, 10)

        assert all(token is held for token in given)
        assert tenant.asked(ids) == WALK
        clock.move_to(held.expires_at + 1)
        fresh = await minter.token(tenant.cloud.graph_scope)
    assert fresh.secret != held.secret
    assert tenant.asked(ids) == [*WALK, *WALK]


async def test_expired_token_is_never_given(
    tenant: Tenant, minter: Minter, clock: TenantClock
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    clock.move_to(held.expires_at)

    fresh = await together(minter, tenant.cloud.graph_scope, 5)

    assert all(token.secret != held.secret for token in fresh)


async def test_failed_fetch_is_not_remembered(tenant: Tenant, clock: TenantClock) -> None:
    other = MemoryKeyStore().create("default", Binding(tenant.cloud.login, tenant.id))
    ids = tenant.hire(other.certificate)
    minter = Minter(tenant.chain(ids, clock=clock), clock.time)
    refusals = await asyncio.gather(
        *(minter.token(tenant.cloud.graph_scope) for _ in range(3)), return_exceptions=True
    )
    assert [type(refusal) for refusal in refusals] == [HopRefused] * 3
    assert tenant.asked(ids) == ["700027"]

    tenant.register(ids, tenant.key.certificate)

    assert await minter.token(tenant.cloud.graph_scope)
    assert tenant.asked(ids) == ["700027", *WALK]
    await minter.close()


async def test_refresh_that_fails_leaves_the_token_and_then_the_refusal(
    tenant: Tenant,
    ids: AgentIds,
    minter: Minter,
    clock: TenantClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ours: no other identity steps in, and the log says why without saying what."""
    caplog.set_level(logging.INFO, logger="entraclaw")
    held = await minter.token(tenant.cloud.graph_scope)
    tenant.change(ids, grants={"https://graph.microsoft.com": []})
    clock.move_to(held.expires_at - 1)

    assert await minter.token(tenant.cloud.graph_scope) is held
    clock.move_to(held.expires_at)
    with pytest.raises(HopRefused):
        await minter.token(tenant.cloud.graph_scope)

    assert "the user hop was refused (AADSTS65001)" in caplog.text
    assert held.secret not in caplog.text


async def test_caller_who_gives_up_takes_nothing_from_the_others(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(minter.token(tenant.cloud.graph_scope))
        second = group.create_task(minter.token(tenant.cloud.graph_scope))
        await asyncio.sleep(0)  # lets both begin to wait
        first.cancel()

    assert first.cancelled()
    assert second.result().secret
    assert tenant.asked(ids) == WALK


async def test_event_loop_goes_on_while_entra_is_slow(tenant: Tenant, minter: Minter) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    with tenant.turned(latency_ms=50):
        ticking = asyncio.create_task(tick())
        begun = time.monotonic()
        await minter.token(tenant.cloud.graph_scope)
        took = time.monotonic() - begun
    ticking.cancel()

    assert took >= 0.15  # three hops at least
    assert ticks >= 3


async def test_closing_ends_the_wait_of_everybody(tenant: Tenant, minter: Minter) -> None:
    waiting = asyncio.create_task(minter.token(tenant.cloud.graph_scope))
    await asyncio.sleep(0)  # lets it begin to wait

    await minter.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_token_of_a_day_is_kept_to_its_last_minutes(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: TenantClock
) -> None:
    """Microsoft's: a client that says `cp1` gets tokens of up to 28 hours. Proofs stay short."""
    with tenant.turned(token_lifetime_s=28 * 3600):
        held = await minter.token(tenant.cloud.graph_scope)
    assert held.expires_at - held.acquired_at == 28 * 3600

    clock.move_to(held.expires_at - 305)
    assert await minter.token(tenant.cloud.graph_scope) is held
    assert tenant.asked(ids) == WALK

    clock.move_to(held.expires_at - 295)
    assert await minter.token(tenant.cloud.graph_scope) is held  # and its successor is fetched
    clock.move_to(held.expires_at)
    assert (await minter.token(tenant.cloud.graph_scope)).secret != held.secret
    assert tenant.asked(ids) == [*WALK, *WALK]


async def test_token_that_is_called_back_within_its_day_is_replaced(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: TenantClock
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    assert held.expires_at - held.acquired_at >= 20 * 3600 - 5
    clock.move(10 * 3600)

    minter.refused(held, '{"access_token": {"nbf": {"essential": true, "value": "1"}}}')

    assert (await minter.token(tenant.cloud.graph_scope)).secret != held.secret
    assert tenant.asked(ids) == [*WALK, *WALK]
