"""Who the agent is, and the proof of it: cloud, keys, the hops, tokens.

Knows nothing of Teams, MCP or HTTP servers. The contract of the token chain, with its
sources, is docs/identity/token-chain.md.

Names are loaded when they are first used (PEP 562): a command that only looks at a
profile must not load msal.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entraclaw.identity.bot_hop import BotHop
    from entraclaw.identity.chain import Chain
    from entraclaw.identity.cloud import Cloud
    from entraclaw.identity.minter import Minter
    from entraclaw.identity.source import TokenSource
    from entraclaw.identity.values import AgentIds, Hop, HopTiming, Token

__all__ = [
    "AgentIds",
    "BotHop",
    "Chain",
    "Cloud",
    "Hop",
    "HopTiming",
    "Minter",
    "Token",
    "TokenSource",
]

_HOMES = {
    "AgentIds": "values",
    "BotHop": "bot_hop",
    "Chain": "chain",
    "Cloud": "cloud",
    "Hop": "values",
    "HopTiming": "values",
    "Minter": "minter",
    "Token": "values",
    "TokenSource": "source",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
