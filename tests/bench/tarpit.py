"""What a hanging host of signing keys costs honest callers: `python -m bench.tarpit`.

The real door on a real port. Its keys are known; then their host hangs for ever, and
eight callers keep sending tokens that name an unknown key. Rounds with and without them
alternate, so that what the machine does meanwhile falls on both. The last line is JSON:
`tarpit_p99_ratio` is an honest request's p99 with them over without.
"""

import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bench.sizes import size
from entraclaw.bot.admission import Door
from entraclaw.bot.bearer import AgenticRules
from entraclaw.bot.inbox import Arrival, Receipt
from entraclaw.bot.openid import COOLDOWN_S, SigningKeys
from entraclaw.bot.store import Store
from entraclaw.bot.webhook import Webhook
from entraclaw.identity import AgentIds

ROUNDS, REQUESTS, CALLERS = size(24, 2), size(400, 100), 8
GUID = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
LOGIN = "https://login.example"


@dataclass(slots=True)
class Issuer:
    """Gives its keys once, then never answers again."""

    key: rsa.RSAPrivateKey
    asked: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.asked > 1:
            await self.never.wait()
        jwk: dict[str, Any] = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return web.json_response({"keys": [{**jwk, "kid": "known"}]})

    def token(self, kid: str) -> str:
        now = int(time.time())
        claims = {
            "iss": f"{LOGIN}/{GUID}/v2.0", "aud": GUID, "azp": GUID, "tid": GUID,
            "iat": now, "nbf": now, "exp": now + 3600, "ver": "2.0",
        }  # fmt: skip
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": kid})


@dataclass(slots=True)
class Client:
    session: aiohttp.ClientSession
    url: str
    sent: int = 0

    async def post(self, token: str) -> float:
        """Send one activity; returns how long it took, in seconds."""
        self.sent += 1
        activity = {"type": "event", "id": str(self.sent), "conversation": {"id": "a:1"}}
        start = time.perf_counter()
        async with self.session.post(
            self.url, json=activity, headers={"Authorization": f"Bearer {token}"}
        ) as response:
            await response.read()
        return time.perf_counter() - start

    async def besiege(self, token: str) -> None:
        while True:
            await self.post(token)


async def serve(stack: AsyncExitStack, app: web.Application) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def measure() -> dict[str, float]:
    async with AsyncExitStack() as stack:
        issuer = Issuer(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        host = web.Application()
        host.router.add_get("/keys", issuer.keys)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        opening = Store.open(Path(folder) / "inbox.db", time.time)
        store = await stack.enter_async_context(opening)
        # A clock that is always past the cooldown: every unknown key asks the host again.
        hurried = iter(range(0, 10**9, int(COOLDOWN_S) + 1))
        door = Webhook(
            door=Door(AgentIds(GUID, GUID, GUID, GUID), ()),
            rules=AgenticRules(LOGIN, GUID, GUID, GUID),
            keys=SigningKeys(
                session,
                f"{await serve(stack, host)}/keys",
                lambda: float(next(hurried)),
                is_metadata=False,
            ),
            inbox=store.inbox,
            arrived=_ignore,
            invoked=_no_answer,
            now=time.time,
        )
        url = f"{await serve(stack, door.application())}/api/messages"
        result = await _rounds(Client(session, url), issuer.token("known"), issuer.token("unknown"))
        issuer.never.set()
        return {**result, "tarpit_host_asked": issuer.asked}


async def _rounds(client: Client, good: str, bad: str) -> dict[str, float]:
    quiet: list[float] = []
    besieged: list[float] = []
    await client.post(good)
    for number in range(ROUNDS):
        siege = [asyncio.create_task(client.besiege(bad)) for _ in range(CALLERS * (number % 2))]
        (besieged if siege else quiet).extend([await client.post(good) for _ in range(REQUESTS)])
        for caller in siege:
            caller.cancel()
        await asyncio.gather(*siege, return_exceptions=True)
    without, under = _p99(quiet), _p99(besieged)
    return {
        "tarpit_p99_ms_without": round(without * 1e3, 3),
        "tarpit_p99_ms_with": round(under * 1e3, 3),
        "tarpit_p99_ratio": round(under / without, 3),
        "tarpit_n": len(quiet),
    }


def _ignore(seq: int, arrival: Arrival) -> None:
    del seq, arrival


async def _no_answer(receipt: Receipt, arrival: Arrival) -> bytes:
    del receipt, arrival
    return b"{}"


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure())) + "\n")
