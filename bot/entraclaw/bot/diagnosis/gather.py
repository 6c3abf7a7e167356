"""Go and find out: the key, Entra, the token chain, Graph; all at once and within a bound.

Asks with the profile's own key, as the daemon does, and reads only. Of a token nothing but
its scopes and its end is kept.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp

from entraclaw.bot.diagnosis import steps
from entraclaw.bot.diagnosis.aside import Resolver, aside
from entraclaw.bot.diagnosis.entra_look import signing_keys, skew
from entraclaw.bot.diagnosis.facts import Account, Facts, Held, Kept, Past, Who
from entraclaw.bot.diagnosis.walking import Walking
from entraclaw.bot.key_look import Facts as KeyFacts
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.principal import Inbound
from entraclaw.bot.settings import Settings
from entraclaw.bot.trust import trust
from entraclaw.errors import EntraclawError, KeyUnavailable, Unreachable
from entraclaw.identity import AgentIds, Token
from entraclaw.identity.features import CHANNEL, GRAPH, wanted
from entraclaw.identity.keys import Binding, Key
from entraclaw.tools import Graph, licences_of, mailbox, own, sponsors

# Together they stay below 15 s; a store that asks for a PIN is given the time to type it.
KEY_S, TYPING_S = 3.0, 60.0
ENTRA_S, GRAPH_S = 6.0, 4.0
_T = TypeVar("_T")


async def gather(settings: Settings, agent: AgentIds, past: Past) -> Facts:
    """Find out all there is to know about *agent*.

    Raises:
        BadSettings: The CA bundle cannot be used.
    """
    who = _who(settings, agent)
    async with _session(settings) as session:
        kept, key = await _key(settings)
        now = datetime.now(UTC)
        walking = Walking(settings, who, key) if key and _may_sign(kept, who, now) else None
        skew_s, keys, account = await asyncio.gather(
            in_time(skew(session, settings, agent), "Entra", ENTRA_S),
            in_time(signing_keys(session, settings, agent), "Entra", ENTRA_S),
            _walked(walking, session, who),
        )
    return Facts(
        who=who,
        now=now,
        platform=sys.platform,
        past=past,
        key=kept,
        skew_s=skew_s,
        signing_keys=keys,
        walk=walking.walk() if walking else None,
        account=account,
    )


@asynccontextmanager
async def at_graph(
    settings: Settings, agent: AgentIds
) -> AsyncGenerator[Graph | EntraclawError | None]:
    """Give Graph as the agent user sees it, or why it is not to be had; None for a bot.

    Raises:
        BadSettings: The CA bundle cannot be used.
    """
    who = _who(settings, agent)
    who = replace(who, wants=tuple(want for want in who.wants if want.name == GRAPH))
    async with _session(settings) as session:
        kept, key = await _key(settings)
        if key is None or not _may_sign(kept, who, datetime.now(UTC)):
            fallback = KeyUnavailable("the key cannot be used", hint=steps.AGAIN)
            yield kept if isinstance(kept, EntraclawError) else fallback
            return
        walking = Walking(settings, who, key)
        with suppress(TimeoutError):
            await aside(walking.go, ENTRA_S)
        token, came = walking.token(GRAPH), walking.walk().tokens.get(GRAPH)
        error = came if isinstance(came, EntraclawError) else None
        yield error if token is None else _graph(session, who, token)


def _session(settings: Settings) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=trust(settings.cloud.tls_ca), resolver=Resolver())
    return aiohttp.ClientSession(connector=connector)


def _graph(session: aiohttp.ClientSession, who: Who, token: Token) -> Graph:
    async def give() -> Token:
        return token

    return Graph(session, who.cloud.graph, give)


def _who(settings: Settings, agent: AgentIds) -> Who:
    wants = wanted(settings.features, settings.cloud)
    if settings.inbound is Inbound.BOT:  # the bot answers there, with a token of its own
        wants = tuple(want for want in wants if want.name != CHANNEL)
    return Who(
        settings.profile,
        agent,
        settings.inbound,
        settings.acts_as,
        settings.cloud,
        settings.features,
        wants,
    )


async def _key(settings: Settings) -> tuple[Kept | EntraclawError, Key | None]:
    limit_s = TYPING_S if sys.stdin is not None and sys.stdin.isatty() else KEY_S
    try:
        store, key, exportable = await aside(ProfileKey(settings).held, limit_s)
    except EntraclawError as error:
        return error, None
    except TimeoutError:
        hint = "unlock your login keyring, or look for a window that asks"
        return KeyUnavailable(f"its store did not answer within {limit_s:.0f} s", hint=hint), None
    return Kept(store.value, exportable, KeyFacts.of(key)), key


def _may_sign(kept: Kept | EntraclawError, who: Who, now: datetime) -> bool:
    """Tell whether the daemon would let this key sign: then it is tried, and only then."""
    if not isinstance(kept, Kept):
        return False
    facts = kept.facts
    is_bound = Binding(facts.login, facts.tenant) == Binding(who.cloud.login, who.agent.tenant)
    begins, ends = (datetime.fromisoformat(moment) for moment in (facts.begins, facts.ends))
    return is_bound and begins <= now < ends


async def _walked(
    walking: Walking | None, session: aiohttp.ClientSession, who: Who
) -> Account | None:
    """Walk, then ask Graph whatever the token for it lets us."""
    if walking is None:
        return None
    with suppress(TimeoutError):  # what did not come is told by the walk
        await aside(walking.go, ENTRA_S)
    token = walking.token(GRAPH)
    return None if token is None else await _account(session, who, token, walking)


async def _account(
    session: aiohttp.ClientSession, who: Who, token: Token, walking: Walking
) -> Account:
    held = walking.walk().tokens[GRAPH]
    scopes = (held.scopes if isinstance(held, Held) else None) or frozenset()
    graph = _graph(session, who, token)
    me, people, assigned, box = await asyncio.gather(
        in_time(own(graph), "Graph", GRAPH_S),
        in_time(sponsors(graph, who.agent.user), "Graph", GRAPH_S),
        in_time(licences_of(graph), "Graph", GRAPH_S),
        in_time(mailbox(graph, scopes), "Graph", GRAPH_S),
    )
    return Account(me, people, assigned, box)


async def in_time(asked: Awaitable[_T], service: str, limit_s: float) -> _T | EntraclawError:
    """Give the answer, or why there is none."""
    try:
        async with asyncio.timeout(limit_s):
            return await asked
    except EntraclawError as error:
        return error
    except TimeoutError:
        return Unreachable(service, f"no answer within {limit_s:.0f} s")
