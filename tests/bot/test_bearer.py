"""Both kinds of token the channel sends, judged under the rules of each."""

import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from jwt import PyJWK

from bot.stage import Stage
from entraclaw.bot.admission import Caller, Door, Refused, check_body
from entraclaw.bot.bearer import AgenticRules, ClassicRules, Rules, read_header, verify
from entraclaw.bot.callers import LIMIT, Callers
from entraclaw.bot.openid import SigningKeys
from entraclaw.identity import AgentIds
from entraclaw.identity.cloud import find

GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"


@asynccontextmanager
async def bot_framework(stage: Stage) -> AsyncGenerator[tuple[SigningKeys, ClassicRules]]:
    """The Bot Framework's keys, found through its metadata, and the rules for our bot."""
    cloud = find(str(stage.sandbox.cloud), Path())
    trust = ssl.create_default_context(cafile=cloud.tls_ca)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        keys = SigningKeys(session, cloud.bot_openid, time.monotonic, is_metadata=True)
        card = await stage.control("PUT", f"agents/{stage.agent.user}", {})
        yield keys, ClassicRules(cloud.bot_issuer, card["bot"], stage.agent.tenant)


async def judge(keys: SigningKeys, rules: Rules, token: str) -> Caller | Refused:
    header = read_header(f"Bearer {token}")
    assert not isinstance(header, Refused)
    key = await keys.find(header[1])
    assert isinstance(key, PyJWK)
    return verify(token, key, rules)


async def test_classic_token_names_where_answers_go(stage: Stage) -> None:
    async with bot_framework(stage) as (keys, rules):
        caller = await judge(keys, rules, await stage.token(kind="classic"))

    activity = await stage.activity()
    assert isinstance(caller, Caller)
    assert caller.service_url == activity["serviceUrl"]
    assert caller.expires_at > time.time()


@pytest.mark.parametrize(
    "claims", [{"serviceurl": None}, {"serviceurl": 7}, {"iss": "https://evil"}, {"aud": GUID}]
)
async def test_classic_token_that_differs_is_refused(
    stage: Stage, claims: dict[str, object]
) -> None:
    async with bot_framework(stage) as (keys, rules):
        token = await stage.token(kind="classic", claims=claims)
        assert await judge(keys, rules, token) == Refused(401, "token")


def test_answers_must_go_where_a_classic_token_says() -> None:
    """The claim is signed and the body is not."""
    door = Door(AgentIds(GUID, GUID, GUID, GUID), ("a.example", "b.example"))
    caller = Caller(GUID, "https://a.example/x/", b"{}", 0.0)
    body = b'{"type":"event","conversation":{"id":"1"},"serviceUrl":"https://%s.example/x"}'

    assert not isinstance(check_body(body % b"a", caller, door, 1.0), Refused)
    assert check_body(body % b"b", caller, door, 1.0) == Refused(403, "service url claim")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic x", "Bearer x", "bearer a.b.c"])
def test_header_without_a_token_is_refused(header: str) -> None:
    assert read_header(header) == Refused(401, "token")


def test_both_issuers_of_a_tenant_are_known() -> None:
    rules = AgenticRules("https://login.example", GUID, GUID, GUID)
    assert rules.issuers(GUID) == (
        f"https://login.example/{GUID}/v2.0",
        f"https://sts.windows.net/{GUID}/",
    )


CALLER = Caller(GUID, "", b"{}", 100.0)


def test_verified_token_is_remembered_until_it_ends() -> None:
    callers = Callers()
    callers.keep("token", CALLER)

    assert callers.find("token", 99.9) == CALLER
    assert callers.find("other", 99.9) is None
    assert callers.find("token", 100.0) is None
    assert callers.find("token", 99.9) is None


def test_only_so_many_tokens_are_remembered_and_the_used_ones_longest() -> None:
    callers = Callers()
    for number in range(LIMIT):
        callers.keep(str(number), replace(CALLER, tenant=str(number)))
    callers.find("0", 1.0)
    callers.keep("one more", CALLER)

    assert callers.find("0", 1.0) is not None
    assert callers.find("1", 1.0) is None
    assert callers.find("one more", 1.0) is not None
