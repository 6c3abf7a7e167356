"""Signing keys: fetched once, kept while their host is down, asked for again when they turn."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from entraclaw.bot.openid import COOLDOWN_S, SigningKeys
from entraclaw.errors import Unreachable

PUBLIC = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()


@dataclass(slots=True)
class Issuer:
    """A host of signing keys that can be broken, slow or renewed, and counts its visitors."""

    kids: list[str] = field(default_factory=lambda: ["one"])
    status: int = 200
    more: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        await self.open.wait()
        jwk: dict[str, Any] = RSAAlgorithm.to_jwk(PUBLIC, as_dict=True)
        keys = [{**jwk, "kid": kid, **self.more.get(kid, {})} for kid in self.kids]
        keys.append({"kty": "oct", "k": "AA", "kid": "symmetric"})
        return web.json_response({"keys": keys}, status=self.status)


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def served(
    issuer: Issuer, clock: Callable[[], float], channel: str = ""
) -> AsyncGenerator[SigningKeys]:
    app = web.Application()
    app.router.add_get("/keys", issuer.keys)
    issuer.open.set()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        address = str(server.make_url("/keys"))
        yield SigningKeys(session, address, clock, is_metadata=False, channel=channel)


async def test_keys_are_fetched_once_for_everybody() -> None:
    issuer = Issuer()
    async with served(issuer, Clock()) as keys:
        found = await asyncio.gather(*(keys.find("one") for _ in range(50)))

    assert all(found)
    assert issuer.asked == 1


async def test_unknown_key_is_asked_for_once_in_a_while_however_often_it_is_named() -> None:
    issuer, clock = Issuer(), Clock()
    async with served(issuer, clock) as keys:
        assert await keys.find("one")
        for _ in range(20):
            assert await keys.find("bogus") is None
        clock.now += COOLDOWN_S
        assert await keys.find("bogus") is None

    assert issuer.asked == 2


async def test_renewed_keys_are_found_with_one_more_request() -> None:
    issuer, clock = Issuer(), Clock()
    async with served(issuer, clock) as keys:
        await keys.find("one")
        issuer.kids = ["two"]
        clock.now += COOLDOWN_S

        assert await keys.find("two")
    assert issuer.asked == 2


async def test_known_key_is_found_while_its_host_hangs() -> None:
    issuer, clock = Issuer(), Clock()
    async with served(issuer, clock) as keys:
        await keys.find("one")
        issuer.open.clear()
        clock.now += COOLDOWN_S
        stuck = [asyncio.create_task(keys.find("bogus")) for _ in range(8)]
        await asyncio.sleep(0)

        async with asyncio.timeout(30):
            assert await keys.find("one")
        issuer.open.set()
        assert await asyncio.gather(*stuck) == [None] * 8
    assert issuer.asked == 2


async def test_keys_outlive_a_host_that_breaks() -> None:
    issuer, clock = Issuer(), Clock()
    async with served(issuer, clock) as keys:
        await keys.find("one")
        issuer.status = 500
        clock.now += COOLDOWN_S

        assert await keys.find("bogus") is None
        assert await keys.find("one")


async def test_host_that_never_gave_a_key_is_unreachable_and_asked_again() -> None:
    issuer, clock = Issuer(status=500), Clock()
    async with served(issuer, clock) as keys:
        for _ in range(2):
            with pytest.raises(Unreachable):
                await keys.find("one")
        issuer.status = 200

        assert await keys.find("one")


async def test_key_of_another_kind_is_not_taken() -> None:
    async with served(Issuer(), Clock()) as keys:
        assert await keys.find("symmetric") is None


@pytest.mark.parametrize(
    ("endorsements", "is_taken"),
    [(["webchat", "msteams"], True), (["webchat"], False), ([], False), ("msteams", False)],
)
async def test_key_must_be_endorsed_for_the_channel_that_is_expected(
    endorsements: object, *, is_taken: bool
) -> None:
    issuer = Issuer(more={"one": {"endorsements": endorsements}}, kids=["one", "two"])
    issuer.more["two"] = {"endorsements": ["msteams"]}
    async with served(issuer, Clock(), "msteams") as keys:
        assert (await keys.find("one") is not None) is is_taken
        assert await keys.find("two") is not None


async def test_key_that_says_nothing_of_channels_is_for_none_that_is_expected() -> None:
    async with served(Issuer(), Clock(), "msteams") as keys:
        with pytest.raises(Unreachable):
            await keys.find("one")
