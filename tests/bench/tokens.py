"""What tokens cost: requests of a cold start, one cold chain, one token in hand.

A hundred callers of five resources at once; then the three hops of a chain that has read
Entra's metadata, beside three bare POSTs of the same forms over a pooled session, with 50 ms
at the server in both; then a token that is there already.
"""

import asyncio
import statistics
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench.report import Figures, run, say
from bench.sizes import size
from entraclaw.identity import AgentIds, Minter
from entraclaw.identity.assertion import Occasion, sign
from entraclaw.identity.keys import Binding
from identity.tenant import Tenant, TenantClock, emulated

CALLERS = 100
DELAY_MS = 50.0
BOUND_S = 10.0
_LIFETIME_S = 3600.0
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EXCHANGE = "api://AzureADTokenExchange/.default"


async def measure() -> Figures:
    with TemporaryDirectory(prefix="bench-") as name:
        opening = emulated(Path(name) / "tenant")
        tenant = await asyncio.to_thread(opening.__enter__)
        try:
            return {
                **await _cold_start(tenant),
                **await _cold_chain(tenant, tenant.hire()),
                **await _warm(tenant, tenant.hire()),
            }
        finally:
            await asyncio.to_thread(opening.__exit__, None, None, None)


async def _cold_start(tenant: Tenant) -> Figures:
    say(f"a cold start: {CALLERS} callers of five resources")
    cloud, ids = tenant.cloud, tenant.hire()
    scopes = (
        cloud.graph_scope,
        cloud.answer_scope,
        cloud.storage_scope,
        "https://graph.microsoft.com/.default",
        "https://botapi.skype.com/.default",
    )
    reads = tenant.metadata_reads()
    minter = Minter(tenant.chain(ids), time.time)
    await asyncio.gather(*(minter.token(scope) for scope in scopes for _ in range(CALLERS)))
    await minter.close()
    return {
        "cold_token_posts": len(tenant.asked(ids)),
        "cold_metadata_reads": tenant.metadata_reads() - reads,
    }


async def _cold_chain(tenant: Tenant, ids: AgentIds) -> Figures:
    rounds = size(30, 3)
    say(f"a cold chain beside three bare POSTs, {DELAY_MS:.0f} ms at the server: {rounds} rounds")
    clock = TenantClock(tenant)
    minter = Minter(tenant.chain(ids, clock=clock), clock.time)
    bare = requests.Session()
    bare.trust_env, bare.verify = False, tenant.cloud.tls_ca or tenant.scene.ca
    ours: list[float] = []
    theirs: list[float] = []
    with tenant.turned(latency_ms=DELAY_MS, token_lifetime_s=_LIFETIME_S):
        await minter.token(tenant.cloud.graph_scope)  # reads the metadata, opens the line
        _post_three(bare, tenant, ids, clock.time())
        for _ in range(rounds):
            clock.move(2 * _LIFETIME_S)  # nothing that is held is of any use
            begun = time.perf_counter()
            await minter.token(tenant.cloud.graph_scope)
            ours.append(time.perf_counter() - begun)
            theirs.append(await asyncio.to_thread(_post_three, bare, tenant, ids, clock.time()))
    await minter.close()
    bare.close()
    tenant.heal()
    chain, posts = statistics.median(ours), statistics.median(theirs)
    return {
        "cold_chain_ms": round(chain * 1e3, 1),
        "bare_posts_ms": round(posts * 1e3, 1),
        "cold_chain_ratio": round(chain / posts, 3),
    }


def _post_three(session: requests.Session, tenant: Tenant, ids: AgentIds, now: float) -> float:
    endpoint = Binding(tenant.cloud.login, ids.tenant).audience
    proof = sign(tenant.key, ids.blueprint, endpoint, Occasion(now, str(uuid.uuid4())))
    begun = time.perf_counter()
    first = _post(session, endpoint, ids.blueprint, proof, fmi_path=ids.agent)
    second = _post(session, endpoint, ids.agent, first)
    _post(
        session,
        endpoint,
        ids.agent,
        first,
        grant_type="user_fic",
        scope=tenant.cloud.graph_scope,
        user_federated_identity_credential=second,
        user_id=ids.user,
    )
    return time.perf_counter() - begun


def _post(session: requests.Session, endpoint: str, client: str, proof: str, **fields: str) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "scope": _EXCHANGE,
        "client_assertion_type": _JWT_BEARER,
        "client_assertion": proof,
        **fields,
    }
    answer = session.post(endpoint, data=form, timeout=BOUND_S)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


async def _warm(tenant: Tenant, ids: AgentIds) -> Figures:
    asks = size(20_000, 500)
    say(f"a token in hand: {asks} times")
    minter = Minter(tenant.chain(ids), time.time)
    scope = tenant.cloud.graph_scope
    await minter.token(scope)
    posts = len(tenant.asked(ids))
    took: list[float] = []
    for _ in range(asks):
        begun = time.perf_counter()
        await minter.token(scope)
        took.append(time.perf_counter() - begun)
    posts = len(tenant.asked(ids)) - posts
    await minter.close()
    return {
        "warm_token_p50_us": round(statistics.median(took) * 1e6, 2),
        "warm_token_posts": posts,
    }


if __name__ == "__main__":
    run(measure)
