"""Who the agent is, and the proof of it: cloud, keys, the three hops, tokens.

Knows nothing of Teams, MCP or HTTP servers. The contract of the token chain, with its
sources, is docs/identity/token-chain.md.
"""

from entraclaw.identity.chain import Chain
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.minter import Minter
from entraclaw.identity.values import AgentIds, Hop, HopTiming, Token

__all__ = ["AgentIds", "Chain", "Cloud", "Hop", "HopTiming", "Minter", "Token"]
