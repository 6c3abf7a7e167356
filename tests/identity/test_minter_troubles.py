"""The minter when Entra is busy or says no, and when a resource refuses its token."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace

import jwt
import pytest

from entraclaw.errors import HopRefused, KeyUnavailable, Unreachable
from entraclaw.identity import AgentIds, Minter, Token
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.refusals import Standing
from identity.tenant import Tenant, TenantClock, closed_port

WALK = ["blueprint", "agent", "user"]
NO_GRAPH: dict[str, list[str]] = {"https://graph.microsoft.com": []}


class Patient(TenantClock):
    """A clock that remembers what was waited for."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(tenant)
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await super().sleep(seconds)


@pytest.fixture
def clock(tenant: Tenant) -> Generator[Patient]:
    yield Patient(tenant)
    tenant.heal()


@pytest.fixture
async def minter(tenant: Tenant, ids: AgentIds, clock: Patient) -> AsyncGenerator[Minter]:
    minter = Minter(tenant.chain(ids, clock=clock), clock.time, clock.sleep)
    yield minter
    await minter.close()


async def code(tenant: Tenant, minter: Minter) -> str:
    with pytest.raises(HopRefused) as refusal:
        await minter.token(tenant.cloud.graph_scope)
    return refusal.value.code


async def test_throttled_request_is_made_again_when_entra_says(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    tenant.spoil(ids, hop="user", status=429, retry_after=7, times=2)

    tokens = await asyncio.gather(*(minter.token(tenant.cloud.graph_scope) for _ in range(20)))

    assert len({id(token) for token in tokens}) == 1
    assert clock.waited == [7.0, 7.0]
    assert tenant.asked(ids) == ["blueprint", "agent", "90055", "90055", "user"]


@pytest.mark.parametrize("how", [{"code": 90033, "status": 400}, {"html": True, "status": 503}])
async def test_fault_of_entras_own_is_waited_out(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient, how: dict[str, object]
) -> None:
    tenant.spoil(ids, hop="user", times=3, **how)

    assert await minter.token(tenant.cloud.graph_scope)

    assert clock.waited == [0.5, 1.0, 2.0]


async def test_fault_that_stays_is_told_after_four_tries(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    tenant.spoil(ids, code=90033)

    assert await code(tenant, minter) == "AADSTS90033"

    assert tenant.asked(ids) == ["90033"] * 4
    [one] = await minter.troubles()
    assert one.standing is Standing.UNREACHABLE


async def test_long_retry_after_is_told_at_once_and_kept_to(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    tenant.spoil(ids, status=429, retry_after=120, times=1)

    assert [await code(tenant, minter) for _ in range(3)] == ["AADSTS90055"] * 3
    assert (clock.waited, tenant.asked(ids)) == ([], ["90055"])

    clock.move(121)

    assert await minter.token(tenant.cloud.graph_scope)


async def test_page_with_429_is_throttling_too(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    tenant.spoil(ids, html=True, status=429, retry_after=3, times=1)

    assert await minter.token(tenant.cloud.graph_scope)

    assert clock.waited == [3.0]


@pytest.mark.parametrize(
    ("change", "cured", "number", "standing"),
    [
        ({"blocked": 53003}, {"blocked": None}, "53003", Standing.BLOCKED),
        ({"blocked": 53000}, {"blocked": None}, "53000", Standing.BLOCKED),
        ({"enabled": False}, {"enabled": True}, "50057", Standing.DISABLED),
        (
            {"grants": NO_GRAPH},
            {"grants": {"https://graph.microsoft.com": ["User.Read"]}},
            "65001",
            Standing.NO_CONSENT,
        ),
        ({"identity_enabled": False}, {"identity_enabled": True}, "7000112", Standing.DISABLED),
        ({"blueprint_enabled": False}, {"blueprint_enabled": True}, "7000112", Standing.DISABLED),
    ],
)
async def test_refusal_is_a_state_asked_about_ever_more_rarely_and_cured_by_itself(
    tenant: Tenant,
    ids: AgentIds,
    minter: Minter,
    clock: Patient,
    change: dict[str, object],
    cured: dict[str, object],
    number: str,
    standing: Standing,
) -> None:
    tenant.change(ids, **change)
    begun = clock.time()
    for _ in range(240):  # four minutes, somebody asks every second
        assert await code(tenant, minter) == f"AADSTS{number}"
        clock.ahead += 1.0
    clock.move(0)

    asked = [line for line in tenant.asked(ids) if line == number]
    assert len(asked) <= 11
    [one] = await minter.troubles()
    assert (one.standing, one.scope) == (standing, tenant.cloud.graph_scope)
    assert one.since == pytest.approx(begun, abs=5)
    assert one.error.hint

    tenant.change(ids, **cured)
    clock.move(61)

    assert await minter.troubles() == []
    assert await minter.token(tenant.cloud.graph_scope)


async def test_licence_that_is_gone_is_a_state(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    tenant.spoil(ids, hop="user", code=500011)

    assert await code(tenant, minter) == "AADSTS500011"

    [one] = await minter.troubles()
    assert one.standing is Standing.NO_RESOURCE


async def test_refused_refresh_does_not_ask_at_every_call(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    tenant.change(ids, blocked=53003)
    clock.move_to(held.expires_at - 100)

    assert await minter.token(tenant.cloud.graph_scope) is held
    async with asyncio.timeout(30):
        # The refresh is in a thread: there is no event to wait for.
        while not await minter.troubles():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    for _ in range(50):
        assert await minter.token(tenant.cloud.graph_scope) is held
        await minter.troubles()

    assert 1 <= tenant.asked(ids).count("53003") <= 3


async def test_line_and_keystore_are_tried_whenever_somebody_asks(
    tenant: Tenant, ids: AgentIds, clock: Patient
) -> None:
    opened: list[Key] = []

    def key() -> Key:
        if not opened:
            raise KeyUnavailable("the system keystore refused (KeyringLocked)")
        return opened[0]

    minter = Minter(tenant.chain(ids, key=key, clock=clock), clock.time, clock.sleep)
    for _ in range(5):
        with pytest.raises(KeyUnavailable):
            await minter.token(tenant.cloud.graph_scope)
    [one] = await minter.troubles()
    assert one.standing is Standing.NO_KEY

    opened.append(tenant.key)

    assert await minter.token(tenant.cloud.graph_scope)
    await minter.close()


async def test_entra_that_is_not_there_is_asked_once_a_call(
    tenant: Tenant, ids: AgentIds, clock: Patient
) -> None:
    nowhere = replace(tenant.cloud, login=f"https://localhost:{closed_port()}")
    chain = tenant.chain(ids, cloud=nowhere, clock=clock)
    minter = Minter(chain, clock.time, clock.sleep)

    with pytest.raises(Unreachable):
        await minter.token("graph")

    assert clock.waited == []
    await minter.close()


async def test_key_that_is_rotated_is_used_without_a_restart(
    tenant: Tenant, ids: AgentIds, clock: Patient
) -> None:
    keys = [tenant.key]
    minter = Minter(tenant.chain(ids, key=lambda: keys[-1], clock=clock), clock.time)
    held = await minter.token(tenant.cloud.graph_scope)
    fresh = MemoryKeyStore().create("default", tenant.key.binding)
    tenant.register(ids, fresh.certificate)
    keys.append(fresh)
    clock.move_to(held.expires_at + 1)

    assert (await minter.token(tenant.cloud.graph_scope)).secret != held.secret
    await minter.close()


async def test_refused_token_is_replaced_by_one_that_has_what_is_demanded(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1700000000"}}})

    for _ in range(10):  # as many as had it in their hands
        minter.refused(held, claims)
    given = await asyncio.gather(*(minter.token(tenant.cloud.graph_scope) for _ in range(10)))

    assert len({id(token) for token in given}) == 1
    assert jwt.decode(given[0].secret, options={"verify_signature": False})["nbf"] == 1700000000
    assert tenant.asked(ids) == [*WALK, "user"]


async def test_resource_that_refuses_every_token_does_not_mint_for_ever(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    for _ in range(10):
        minter.refused(await minter.token(tenant.cloud.graph_scope))
    assert tenant.asked(ids) == [*WALK, "user"]

    clock.move(61)
    minter.refused(await minter.token(tenant.cloud.graph_scope))

    await minter.token(tenant.cloud.graph_scope)
    assert tenant.asked(ids) == [*WALK, "user", "user"]


async def test_refresh_that_was_under_way_does_not_stand_in_for_what_is_demanded(
    tenant: Tenant, minter: Minter, clock: Patient
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    clock.move_to(held.expires_at - 100)
    assert await minter.token(tenant.cloud.graph_scope) is held  # begins a refresh
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1700000000"}}})

    minter.refused(held, claims)
    fresh = await minter.token(tenant.cloud.graph_scope)

    assert jwt.decode(fresh.secret, options={"verify_signature": False})["nbf"] == 1700000000


async def test_demand_that_cannot_be_met_is_given_up(
    tenant: Tenant, ids: AgentIds, minter: Minter
) -> None:
    held = await minter.token(tenant.cloud.graph_scope)
    tenant.spoil(ids, hop="user", code=53003, times=1)

    minter.refused(held, '{"access_token": {"nbf": {"value": "1700000000"}}}')
    assert await code(tenant, minter) == "AADSTS53003"

    fresh = await minter.token(tenant.cloud.graph_scope)
    assert jwt.decode(fresh.secret, options={"verify_signature": False})["nbf"] != 1700000000


async def test_consent_that_has_not_come_everywhere_is_waited_for(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    """Microsoft's: a change of permissions takes minutes, and not everywhere the same ones."""
    tenant.change(ids, grants=NO_GRAPH)
    assert await code(tenant, minter) == "AADSTS65001"
    [noted] = await minter.troubles()
    assert noted.standing is Standing.NO_CONSENT

    with tenant.turned(propagation_s=90, replicas=3):
        tenant.change(ids, grants={"https://graph.microsoft.com": ["User.Read"]})
        codes: list[str] = []
        while found := await minter.troubles():
            assert len(codes) < 20
            codes += [str(getattr(one.error, "code", "")) for one in found]
            clock.move(max(1.0, found[0].asks_at - clock.time()))
        token = await minter.token(tenant.cloud.graph_scope)

    assert set(codes) == {"AADSTS65001"}
    assert token.secret
    assert await minter.troubles() == []


async def test_token_in_hand_outlives_a_replica_that_knows_less(
    tenant: Tenant, ids: AgentIds, minter: Minter, clock: Patient
) -> None:
    """Granted, then refused once more at the refresh: nobody notices."""
    tenant.change(ids, grants=NO_GRAPH)
    with tenant.turned(propagation_s=7200, replicas=2, token_lifetime_s=3600):
        tenant.change(ids, grants={"https://graph.microsoft.com": ["User.Read"]})
        clock.move(3700)  # now the first replica knows, and the second does not
        held = await until_granted(tenant, minter, clock)
        clock.move_to(held.expires_at - 200)

        given = [await minter.token(tenant.cloud.graph_scope) for _ in range(2)]
        async with asyncio.timeout(30):
            while (fresh := await minter.token(tenant.cloud.graph_scope)) is held:
                for noted in await minter.troubles():
                    clock.move_to(max(noted.asks_at, clock.time()))
                await asyncio.sleep(0)  # lets the refresh go on

    assert all(token is held for token in given)
    assert clock.time() < held.expires_at
    assert fresh.secret != held.secret


async def until_granted(tenant: Tenant, minter: Minter, clock: Patient) -> Token:
    for _ in range(6):
        try:
            return await minter.token(tenant.cloud.graph_scope)
        except HopRefused:
            clock.move(5)
    raise AssertionError("never granted")
