"""Three days of five-minute tokens, in seconds: the tenant's clock and ours move together."""

import asyncio
import ssl
from collections.abc import Generator
from dataclasses import dataclass, field

import aiohttp
import pytest

from entraclaw.errors import EntraclawError
from entraclaw.identity import AgentIds, Minter
from entraclaw.identity.expiry import is_due
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from identity.tenant import Tenant, TenantClock

LIFETIME_S = 300.0
STEP_S = 245.0  # a token is due, not over, at every step but the first
STEPS = int(72 * 3600 / STEP_S) + 1


@pytest.fixture
def clock(tenant: Tenant) -> Generator[TenantClock]:
    yield TenantClock(tenant)
    tenant.heal()


@dataclass(slots=True)
class Days:
    """An agent that calls Graph at every step."""

    tenant: Tenant
    clock: TenantClock
    minter: Minter
    session: aiohttp.ClientSession
    given: set[str] = field(default_factory=set[str])
    failed: list[str] = field(default_factory=list[str])

    async def step(self) -> None:
        try:
            await self._call()
        except (EntraclawError, TimeoutError) as error:
            self.failed.append(f"{self.clock.ahead:.0f} s: {error!r}")

    async def _call(self) -> None:
        scope = self.tenant.cloud.graph_scope
        token = await self.minter.token(scope)
        self.given.add(token.secret)
        bearer = {"Authorization": f"Bearer {token.secret}"}
        async with self.session.get(f"{self.tenant.cloud.graph}/v1.0/me", headers=bearer) as answer:
            if answer.status != 200:
                self.failed.append(f"{self.clock.ahead:.0f} s: status {answer.status}")
        if is_due(token, self.clock.time()):
            async with asyncio.timeout(5):
                # Its successor is fetched in a thread: there is no event to wait for.
                while await self.minter.token(scope) is token:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)


@pytest.mark.timeout(180)
async def test_no_call_fails_in_three_days_with_both_keys_rotated_midway(
    tenant: Tenant, ids: AgentIds, clock: TenantClock
) -> None:
    keys = [tenant.key]
    minter = Minter(tenant.chain(ids, key=lambda: keys[-1], clock=clock), clock.time, clock.sleep)
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=tenant.cloud.tls_ca))
    async with aiohttp.ClientSession(connector=trust) as session:
        days = Days(tenant, clock, minter, session)
        with tenant.turned(token_lifetime_s=LIFETIME_S):
            for number in range(STEPS):
                if number == STEPS // 2:
                    keys.append(rotated(tenant, ids))
                await days.step()
                clock.move(STEP_S)
    await minter.close()

    assert days.failed == []
    assert len(days.given) == STEPS - 1


def rotated(tenant: Tenant, ids: AgentIds) -> Key:
    """Roll Entra's key over, and give the agent another of its own."""
    tenant.scene.ask("POST", "keys", {})
    fresh = MemoryKeyStore().create("default", tenant.key.binding)
    tenant.register(ids, fresh.certificate)
    return fresh
