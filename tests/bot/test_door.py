"""Every bad request, and the answer docs/architecture.md gives it.

The real door, its real key store and inbox, on a real port; tokens from the sandbox,
honest and forged. A refused row leaves no entry, tells nobody, and makes no call.
"""

import asyncio
import sqlite3
import time
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from bot.stage import Sandbox, Stage, staged
from entraclaw.bot.admission import BODY_LIMIT, DEPTH_LIMIT, Door
from entraclaw.bot.bearer import AgenticRules
from entraclaw.bot.inbox import Arrival, Receipt, State
from entraclaw.bot.inbox_sqlite import SqliteInbox
from entraclaw.bot.openid import SigningKeys
from entraclaw.bot.store import Store
from entraclaw.bot.webhook import Webhook
from entraclaw.identity.cloud import find

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "11111111-2222-3333-4444-555555555555"


@dataclass(slots=True)
class Entrance:
    """A door, what it let in, and every call it made to the outside."""

    stage: Stage
    url: str
    inbox: SqliteInbox
    arrived: list[Arrival] = field(default_factory=list[Arrival])
    calls: list[str] = field(default_factory=list[str])

    async def entries(self) -> int:
        return sum((await self.inbox.count()).values())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def entrance(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Entrance]:
    home = tmp_path_factory.mktemp("door")
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged(emulation, home / "home"))
        opening = Store.open(home / "inbox.db", time.time)
        store = await stack.enter_async_context(opening)
        entrance = Entrance(stage, "", store.inbox)
        session = await stack.enter_async_context(_counted(stage, entrance.calls))
        entrance.url = await _listen(stack, _webhook(entrance, session))
        # One honest request first: the keys are known from then on, as they are in life.
        assert await _send(entrance, Row("honest", 202)) == 202
        yield entrance


def _counted(stage: Stage, calls: list[str]) -> aiohttp.ClientSession:
    async def count(
        _: aiohttp.ClientSession, __: SimpleNamespace, start: aiohttp.TraceRequestStartParams
    ) -> None:
        calls.append(str(start.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(count)
    # The sandbox's own CA is not what this is about; nothing secret goes this way.
    connector = aiohttp.TCPConnector(ssl=False)
    assert stage.sandbox.cloud.exists()
    return aiohttp.ClientSession(connector=connector, trace_configs=[trace])


def _webhook(entrance: Entrance, session: aiohttp.ClientSession) -> Webhook:
    agent = entrance.stage.agent
    cloud = find(str(entrance.stage.sandbox.cloud), Path())
    address = f"{cloud.login}/{agent.tenant}/discovery/v2.0/keys"
    return Webhook(
        door=Door(agent, cloud.service_hosts),
        rules=AgenticRules(cloud.login, agent.tenant, agent.blueprint, cloud.agent_channel),
        keys=SigningKeys(session, address, time.monotonic, is_metadata=False),
        inbox=entrance.inbox,
        arrived=lambda _, arrival: entrance.arrived.append(arrival),
        invoked=_no_answer,
        now=time.time,
    )


async def _no_answer(receipt: Receipt, arrival: Arrival) -> bytes:
    del receipt, arrival
    return b"{}"


async def _listen(stack: AsyncExitStack, webhook: Webhook) -> str:
    runner = web.AppRunner(webhook.application(), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"


@dataclass(frozen=True, slots=True)
class Row:
    """A request that differs from an honest one as its fields say."""

    name: str
    status: int
    token: Mapping[str, object] | str | None = None
    activity: Mapping[str, object] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    method: str = "POST"


def claims(name: str, status: int, /, **changes: object) -> Row:
    return Row(name, status, token={"claims": changes})


def header(name: str, status: int, /, **changes: object) -> Row:
    return Row(name, status, token={"header": changes})


def says(name: str, status: int, /, **changes: object) -> Row:
    return Row(name, status, activity=changes)


def raw(name: str, status: int, body: bytes, /, **headers: str) -> Row:
    return Row(name, status, body=body, headers=headers)


def _service(url: str) -> dict[str, object]:
    return {"serviceUrl": url}


NOW = int(time.time())
JWK = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}

METHOD_AND_HEADERS = [
    Row("GET", 405, method="GET"),
    Row("PUT", 405, method="PUT"),
    Row("DELETE", 405, method="DELETE"),
    Row("a body longer than the limit", 413, body=b" " * (BODY_LIMIT + 1)),
    Row("a body of 300 KB", 413, body=b"[" + b" " * 300_000 + b"]"),
    Row("plain text", 415, headers={"Content-Type": "text/plain"}),
    Row("a form", 415, headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Row("xml that says json", 415, headers={"Content-Type": "application/xml+json"}),
]

TOKENS = [
    Row("no token", 401, token=""),
    Row("not a bearer", 401, headers={"Authorization": "Basic YWRhOnB3"}),
    Row("the word bearer alone", 401, headers={"Authorization": "Bearer "}),
    Row("garbage", 401, token="garbage"),
    Row("three dots", 401, token="..."),
    Row("a token of 7 KB", 401, token="a" * 7_000),
    Row("a token longer than a header may be", 400, token="a" * 20_000),
    Row("alg none", 401, token={"alg": "none"}),
    header("alg none, signed all the same", 401, alg="none"),
    header("alg None, in capitals", 401, alg="NONE"),
    Row("HS256 with the public key as secret", 401, token={"alg": "HS256"}),
    header("alg PS256 over an RS256 signature", 401, alg="PS256"),
    Row("somebody else's key", 401, token={"key": "foreign"}),
    Row("somebody else's key, embedded", 401, token={"key": "foreign", "header": {"jwk": JWK}}),
    Row(
        "somebody else's keys, by address",
        401,
        token={"key": "foreign", "header": {"jku": "https://127.0.0.1:1/keys"}},
    ),
    Row(
        "somebody else's certificate, by address",
        401,
        token={"key": "foreign", "header": {"x5u": "https://127.0.0.1:1/cert"}},
    ),
    header("no kid", 401, kid=None),
    header("an empty kid", 401, kid=""),
    header("a kid that is a number", 401, kid=7),
    header("a kid that is a list", 401, kid=["a"]),
    header("a kid that is a path", 401, kid="../../../etc/passwd"),
    header("a kid that is SQL", 401, kid="' OR 1=1 --"),
    header("an unknown kid", 401, kid="unknown"),
    header("an unknown critical header", 401, crit=["exp"], exp=1),
    claims("another audience", 401, aud=OTHER),
    claims("no audience", 401, aud=None),
    claims("an audience that looks alike", 401, aud="api://botid-"),
    claims("another caller", 401, azp=OTHER),
    claims("no caller", 401, azp=None),
    claims("a caller in appid beside another azp", 401, azp=OTHER, appid="5a807f24"),
    claims("another issuer", 401, iss="https://login.example/v2.0"),
    claims("no issuer", 401, iss=None),
    claims("a tenant that is not the issuer's", 401, tid=OTHER),
    claims("no tenant", 401, tid=None),
    Row("expired", 401, token={"lifetime_s": -600}),
    claims("no end", 401, exp=None),
    claims("an end that is no number", 401, exp="tomorrow"),
    claims("not valid yet", 401, nbf=NOW + 3600),
    claims("issued in the future", 401, iat=NOW + 3600),
    Row("a token of the kind this profile does not expect", 401, token={"kind": "classic"}),
    claims(
        "right in all but the tenant",
        403,
        tid=OTHER,
        iss=f"https://sts.windows.net/{OTHER}/",
    ),
]

BODIES = [
    raw("nothing", 400, b""),
    raw("not JSON", 400, b"hello"),
    raw("half a document", 400, b'{"type":"message"'),
    raw("not UTF-8", 400, b'{"type":"\xff\xfe"}'),
    raw("NaN", 400, b'{"type":"message","id":"1","conversation":{"id":"a"},"x":NaN}'),
    raw("a list", 400, b"[]"),
    raw("a string", 400, b'"message"'),
    raw("null", 400, b"null"),
    raw("an empty object", 400, b"{}"),
    says("no type", 400, type=None),
    says("a type that is a number", 400, type=1),
    says("an empty type", 400, type=""),
    says("no conversation", 400, conversation=None),
    says("a conversation that is a string", 400, conversation="19:x"),
    says("a conversation without id", 400, conversation={"id": ""}),
    says("a conversation id that is an object", 400, conversation={"id": {}}),
    says("a message without id", 400, id=None),
    raw("10,000 lists deep", 400, b"[" * 10_000 + b"]" * 10_000),
    raw("10,000 objects deep", 400, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    says("one level deeper than allowed", 400, channelData=None, deep=None),
    raw(
        "a small body that unpacks to a huge one",
        413,
        zlib.compress(b" " * 50_000_000),
        **{"Content-Encoding": "deflate"},
    ),
]

MEANING = [
    says("another agent user", 403, recipient={"id": "x", "agenticUserId": OTHER}),
    says("another agent identity", 403, recipient={"id": "x", "agenticAppId": OTHER}),
    says("another blueprint", 403, recipient={"id": "x", "agenticAppBlueprintId": OTHER}),
    says("a recipient of another tenant", 403, recipient={"id": "x", "tenantId": OTHER}),
    says("a conversation of another tenant", 403, conversation={"id": "a:1", "tenantId": OTHER}),
    says("channel data of another tenant", 403, channelData={"tenant": {"id": OTHER}}),
    says("answers to another host", 403, **_service("https://evil.example/amer/")),
    says("answers without TLS", 403, **_service("http://localhost:1/")),
    says("answers to an address", 403, **_service("https://127.0.0.1/")),
    says("answers to the metadata service", 403, **_service("https://169.254.169.254/")),
    says("answers to an IPv6 address", 403, **_service("https://[::1]/")),
    says("answers to no host", 403, **_service("https:///amer")),
    says("answers to a file", 403, **_service("file:///etc/passwd")),
    says("answers to half an address", 403, **_service("https://[::1")),
    says("answers with a user name in front", 403, **_service("https://HOST@evil.example/")),
    says("answers behind a user name", 403, **_service("https://me:pw@HOST/")),
    says("answers to a look-alike suffix", 403, **_service("https://HOST.evil.example/")),
    says("answers to a look-alike prefix", 403, **_service("https://evil-HOST/")),
    says("answers past a backslash", 403, **_service("https://evil.example\\@HOST/")),
]

TAKEN = [
    claims("the other issuer of the tenant", 202, iss="STS"),
    claims("the audience as an application URI", 202, aud="api://BLUEPRINT"),
    claims("the caller in capitals", 202, azp="5A807F24-C9DE-44EE-A3A7-329E88A00FFC"),
    Row("bearer in small letters", 202, headers={"Authorization": "bearer TOKEN"}),
    Row("JSON with a charset", 202, headers={"Content-Type": "application/json; charset=utf-8"}),
    says("a conversation id with a path in it", 202, conversation={"id": "../../v3/attachments"}),
    says("a conversation id with a query in it", 202, conversation={"id": "a/b?c#d"}),
    says("nulls everywhere", 202, text=None, timestamp=None, attachments=None, entities=None),
    says("empty strings everywhere", 202, locale="", replyToId="", name="", channelId=""),
    says("a sender without a name", 202, **{"from": {"id": "29:1", "name": None}}),
    says("no sender", 202, **{"from": None}),
    says("no recipient", 202, recipient=None),
    says("an empty recipient", 202, recipient={}),
    says("no service url", 202, serviceUrl=None),
    says("no channel", 202, channelId=None),
    says("entities without a type", 202, entities=[{}, {"id": "x"}, None, 7]),
    says("a ProductInfo that disagrees", 202, entities=[{"type": "ProductInfo", "id": "email"}]),
    says("a mention without a text", 202, entities=[{"type": "mention", "mentioned": {"id": "a"}}]),
    says("fields nobody knows", 202, new={"deep": [1, {"x": None}]}),
    says("a type nobody knows", 202, type="somethingNew"),
    says("an event without id", 202, type="event", id=None),
    says("as deep as allowed", 202, deep="AT LIMIT"),
    says("service url in capitals", 202, **_service("https://UPPER/amer/")),
]

REFUSED: list[Row] = [*METHOD_AND_HEADERS, *TOKENS, *BODIES, *MEANING]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
async def test_refused_without_a_trace(entrance: Entrance, row: Row) -> None:
    before = (await entrance.entries(), len(entrance.arrived), len(entrance.calls))

    assert await _send(entrance, row) == row.status

    assert (await entrance.entries(), len(entrance.arrived), len(entrance.calls)) == before


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row.name)
async def test_taken_and_kept(entrance: Entrance, row: Row) -> None:
    """Teams stops delivering to an agent that answers odd activities with errors."""
    before = await entrance.entries()

    assert await _send(entrance, row) == 202

    assert await entrance.entries() == before + 1
    assert (await entrance.inbox.count())[State.ADMITTED] == before + 1


async def test_there_are_at_least_sixty_ways_to_be_refused() -> None:
    names = {row.name for row in REFUSED}
    assert len(names) == len(REFUSED) >= 60


async def test_without_any_key_the_caller_is_asked_to_come_back(entrance: Entrance) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        keys = SigningKeys(session, "http://127.0.0.1:1/keys", time.monotonic, is_metadata=False)
        door = replace(_webhook(entrance, session), keys=keys)
        url = await _listen(stack, door)

        assert await _answer(entrance, url) == (503, "5")


async def test_what_cannot_be_kept_is_not_promised(entrance: Entrance, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_counted(entrance.stage, []))
        store = await stack.enter_async_context(Store.open(tmp_path / "inbox.db", time.time))
        with closing(sqlite3.connect(tmp_path / "inbox.db")) as other:
            other.execute("DROP TABLE entry")
        told: list[Arrival] = []

        def tell(_: int, arrival: Arrival) -> None:
            told.append(arrival)

        door = replace(_webhook(entrance, session), inbox=store.inbox, arrived=tell)
        url = await _listen(stack, door)

        assert await _answer(entrance, url) == (503, "5")
        assert told == []


async def _answer(entrance: Entrance, url: str) -> tuple[int, str]:
    stage = entrance.stage
    headers = {"Authorization": f"Bearer {await stage.token()}"}
    async with stage.session.post(url, json=await stage.activity(), headers=headers) as response:
        return response.status, response.headers.get("Retry-After", "")


async def _send(entrance: Entrance, row: Row) -> int:
    stage = entrance.stage
    token = await _token(stage, row.token)
    sent = {"Content-Type": "application/json", **row.headers}
    if token:
        sent.setdefault("Authorization", f"Bearer {token}")
    sent = {name: value.replace("TOKEN", token) for name, value in sent.items()}
    async with (
        asyncio.timeout(30),
        stage.session.request(
            row.method, entrance.url, data=await _body(stage, row), headers=sent
        ) as response,
    ):
        await response.read()
        return response.status


async def _token(stage: Stage, wanted: Mapping[str, object] | str | None) -> str:
    if isinstance(wanted, str):
        return wanted
    if not wanted:
        return await stage.token()
    changes: dict[str, Any] = dict(wanted)
    told = {"BLUEPRINT": stage.agent.blueprint}
    stated: dict[str, Any] = dict(changes.get("claims") or {})
    if stated.get("iss") == "STS":
        stated["iss"] = f"https://sts.windows.net/{stage.agent.tenant}/"
    for name, value in stated.items():
        if isinstance(value, str):
            stated[name] = value.replace("BLUEPRINT", told["BLUEPRINT"])
    return await stage.token(**{**changes, "claims": stated})


async def _body(stage: Stage, row: Row) -> bytes:
    if row.body is not None:
        return row.body
    activity = await stage.activity(**(row.activity or {}))
    if row.activity is not None and "deep" in row.activity:
        # The activity itself is one level, the value under "deep" must bring the others.
        levels = DEPTH_LIMIT - 1 if row.activity["deep"] else DEPTH_LIMIT
        activity["deep"] = orjson.Fragment(b"[" * levels + b"]" * levels)
        activity["broad"] = [[] for _ in range(DEPTH_LIMIT)]
    host: str = (await stage.activity())["serviceUrl"].split("/")[2]
    body = orjson.dumps(activity).replace(b"HOST", host.encode())
    return body.replace(b"UPPER", host.upper().encode())
