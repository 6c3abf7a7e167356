"""Three days of five-minute tokens, in seconds: the tenant's clock and ours move together."""

import asyncio
import ssl
from collections.abc import Generator
from dataclasses import dataclass, field

import aiohttp
import pytest

from entraclaw.bot.rotating import Rotating, Tools
from entraclaw.bot.settings import Store
from entraclaw.errors import EntraclawError
from entraclaw.identity import AgentIds, Minter
from entraclaw.identity.expiry import is_due
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.registration import Registration
from entraclaw.identity.rotation_orders import Note
from identity.tenant import Tenant, TenantClock

LIFETIME_S = 300.0
STEP_S = 245.0  # a token is due, not over, at every step but the first and the rotation's


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
            async with asyncio.timeout(30):
                # Its successor is fetched in a thread: there is no event to wait for.
                while await self.minter.token(scope) is token:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)


@dataclass(slots=True)
class Keys:
    """A machine's store with the key of one agent, and what is noted of it."""

    store: MemoryKeyStore
    binding: Binding
    notes: list[Note] = field(default_factory=lambda: [Note("default", "default 2")])

    def current(self) -> Key:
        key = self.store.load(self.notes[-1].current)
        assert key is not None
        return key

    def rotate(self, tenant: Tenant, ids: AgentIds, clock: TenantClock) -> None:
        """As `entraclaw key rotate` does it; what it waits for is over at once, and it is later."""
        registration = Registration(tenant.cloud, tenant.id, ids.blueprint, clock.time)
        tools = Tools(registration, sleep=clock.move, tell=lambda _step, _words: None)
        note, keep = self.notes[-1], self.notes.append
        applications = (ids.blueprint,)
        Rotating(Store.KEYRING, self.store, note, keep, self.binding, applications, tools).run()
        registration.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("hours", [6, pytest.param(72, marks=pytest.mark.long)])
async def test_no_call_fails_in_three_days_with_both_keys_rotated_midway(
    tenant: Tenant, clock: TenantClock, hours: int
) -> None:
    """Entra rolls its own over, and knows our new one a minute and a half late."""
    steps = int(hours * 3600 / STEP_S) + 1
    binding = Binding(tenant.cloud.login, tenant.id)
    keys = Keys(MemoryKeyStore(), binding)
    first = keys.store.create("default", binding)
    ids = tenant.hire(first.certificate)
    minter = Minter(tenant.chain(ids, key=keys.current, clock=clock), clock.time, clock.sleep)
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=tenant.cloud.tls_ca))
    async with aiohttp.ClientSession(connector=trust) as session:
        days = Days(tenant, clock, minter, session)
        with tenant.turned(token_lifetime_s=LIFETIME_S, credentials_s=90):
            for number in range(steps):
                if number == steps // 2:
                    tenant.scene.ask("POST", "keys", {})
                    keys.rotate(tenant, ids, clock)
                await days.step()
                clock.move(STEP_S)
    await minter.close()

    assert days.failed == []
    assert len(days.given) == steps - 2
    assert keys.current().certificate != first.certificate
    assert keys.notes[-1] == Note("default 2", "default")
