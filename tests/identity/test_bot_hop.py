"""The one hop of a classic bot, against the emulated Entra."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import jwt
import pytest

from entraclaw.errors import HopRefused, KeyUnavailable, Unreachable
from entraclaw.identity import AgentIds, BotHop, Hop, HopTiming, Minter
from entraclaw.identity.keys import Key
from entraclaw.identity.keys.memory import MemoryKeyStore
from identity.tenant import Tenant, TenantClock, closed_port

UNKNOWN_TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def bot(tenant: Tenant) -> AgentIds:
    return registered(tenant, tenant.key.certificate)


def registered(tenant: Tenant, certificate: bytes) -> AgentIds:
    body = {"name": "Clawbot", "certificate": certificate.decode()}
    return AgentIds(tenant.id, bot=tenant.scene.ask("POST", "bots", body)["bot"])


def hop(
    tenant: Tenant,
    ids: AgentIds,
    key: Callable[[], Key] | None = None,
    observe: Callable[[HopTiming], None] = lambda _: None,
) -> BotHop:
    return BotHop(ids, tenant.cloud, key or (lambda: tenant.key), time, observe)


def refused(tenant: Tenant, ids: AgentIds, scope: str = "") -> HopRefused:
    with pytest.raises(HopRefused) as refusal:
        hop(tenant, ids).token(scope or tenant.cloud.bot_scope)
    return refusal.value


def asked(tenant: Tenant, client: str) -> list[str]:
    lines = tenant.scene.ask("GET", "tokens")["requests"]
    return [str(one["code"] or one["hop"]) for one in lines if one["client_id"] == client]


def test_bot_gets_a_token_as_itself_in_one_request(tenant: Tenant, bot: AgentIds) -> None:
    observed: list[HopTiming] = []

    token = hop(tenant, bot, observe=observed.append).token(tenant.cloud.bot_scope)

    claims = jwt.decode(token.secret, options={"verify_signature": False})
    assert (claims["aud"], claims["idtyp"]) == ("https://api.botframework.com", "app")
    assert (claims["appid"], claims["tid"]) == (bot.bot, tenant.id)
    assert "scp" not in claims
    assert asked(tenant, bot.bot) == ["bot"]
    assert [timing.hop for timing in observed] == [Hop.BOT]


def test_blueprint_is_no_bot(tenant: Tenant, ids: AgentIds) -> None:
    refusal = refused(tenant, AgentIds(tenant.id, bot=ids.blueprint))

    assert (refusal.hop, refusal.code) == (Hop.BOT, "AADSTS82001")
    assert str(refusal) == "the bot hop was refused (AADSTS82001)"
    assert "name the bot's own application" in refusal.hint


def test_unregistered_certificate_is_refused_and_the_bot_is_named(
    tenant: Tenant,
) -> None:
    stranger = MemoryKeyStore().create("stranger", tenant.key.binding)
    refusal = refused(tenant, registered(tenant, stranger.certificate))

    assert (refusal.hop, refusal.code) == (Hop.BOT, "AADSTS700027")
    assert "not registered on the bot" in refusal.hint


def test_unknown_tenant_is_refused_at_the_bot_hop(tenant: Tenant, bot: AgentIds) -> None:
    refusal = refused(tenant, replace(bot, tenant=UNKNOWN_TENANT))

    assert (refusal.hop, refusal.code) == (Hop.BOT, "AADSTS90002")
    assert refusal.hint.endswith("#bot)")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, "AADSTS7000112"),
        ({"blocked": 53003}, "AADSTS53003"),
    ],
)
def test_what_stands_in_a_bots_way_is_named(
    tenant: Tenant, bot: AgentIds, change: dict[str, object], code: str
) -> None:
    tenant.scene.ask("PUT", f"agents/{bot.bot}", change)

    assert refused(tenant, bot).code == code


def test_bot_that_does_not_exist_is_refused(tenant: Tenant) -> None:
    refusal = refused(tenant, AgentIds(tenant.id, bot=UNKNOWN_TENANT))

    assert refusal.code == "AADSTS700016"
    assert "check bot and tenant" in refusal.hint


def test_locked_keystore_is_told_and_nothing_is_asked(tenant: Tenant, bot: AgentIds) -> None:
    def locked() -> Key:
        raise KeyUnavailable("locked")

    with pytest.raises(KeyUnavailable):
        hop(tenant, bot, locked).token(tenant.cloud.bot_scope)
    assert asked(tenant, bot.bot) == []


def test_entra_that_is_not_there_is_told(tenant: Tenant, bot: AgentIds) -> None:
    nowhere = replace(tenant.cloud, login=f"https://localhost:{closed_port()}")

    with pytest.raises(Unreachable):
        BotHop(bot, nowhere, lambda: tenant.key, time, lambda _: None).token("x/.default")


async def test_minter_of_a_bot_keeps_its_token_and_asks_anew_when_it_is_refused(
    tenant: Tenant, bot: AgentIds
) -> None:
    minter = Minter(hop(tenant, bot), time.time)
    try:
        first, same = [await minter.token(tenant.cloud.bot_scope) for _ in range(2)]
        assert first is same
        minter.refused(first, '{"access_token": {"nbf": {"essential": true, "value": "1"}}}')
        second = await minter.token(tenant.cloud.bot_scope)
    finally:
        await minter.close()

    assert second.secret != first.secret
    assert asked(tenant, bot.bot) == ["bot", "bot"]
    claims = jwt.decode(second.secret, options={"verify_signature": False})
    assert claims["nbf"] == 1  # the demand went along


async def test_refused_bot_is_a_state_and_the_agent_user_is_not_asked_for_it(
    tenant: Tenant, ids: AgentIds, bot: AgentIds
) -> None:
    clock = TenantClock(tenant)
    both = replace(ids, bot=bot.bot)
    minter = Minter(
        BotHop(both, tenant.cloud, lambda: tenant.key, clock, lambda _: None),
        clock.time,
        clock.sleep,
    )
    await asyncio.to_thread(tenant.scene.ask, "PUT", f"agents/{bot.bot}", {"enabled": False})
    try:
        with pytest.raises(HopRefused):
            await minter.token(tenant.cloud.bot_scope)
        [trouble] = await minter.troubles()
    finally:
        await minter.close()
        tenant.heal()

    assert trouble.standing == "agent disabled"
    assert "the bot's application is disabled" in trouble.error.hint
    assert tenant.asked(ids) == []
