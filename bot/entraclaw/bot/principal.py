"""Which principal receives and which one acts: the two settings, and which of them go together.

Pure. Neither is ever chosen for the operator, and none stands in for another: a principal
that cannot act is a refusal. docs/principals.md is this module in words.
"""

from collections.abc import Mapping
from enum import StrEnum


class Inbound(StrEnum):
    """How messages reach us."""

    AGENTIC = "agentic"  # the blueprint's messaging endpoint: to the agent user
    BOT = "bot"  # a classic Bot Framework application, which can be sideloaded


class ActsAs(StrEnum):
    """As whom we act beyond the conversation that a message came in."""

    AGENT_USER = "agent_user"
    BOT = "bot"
    DELEGATED = "delegated"  # as the person who signed in, marked as such


IDS = ("tenant", "blueprint", "agent", "user", "bot", "client")

_AGENT = frozenset({"tenant", "blueprint", "agent", "user"})
_NEEDED: Mapping[tuple[Inbound, ActsAs], frozenset[str]] = {
    (Inbound.AGENTIC, ActsAs.AGENT_USER): _AGENT,
    (Inbound.BOT, ActsAs.AGENT_USER): _AGENT | {"bot"},
    (Inbound.BOT, ActsAs.BOT): frozenset({"tenant", "bot"}),
    (Inbound.BOT, ActsAs.DELEGATED): frozenset({"tenant", "bot", "client"}),
}


def answers_as(inbound: Inbound) -> ActsAs:
    """Name who answers in a conversation that a message came in: whom it came to."""
    return ActsAs.BOT if inbound is Inbound.BOT else ActsAs.AGENT_USER


def needed(inbound: Inbound, acts_as: ActsAs) -> frozenset[str] | None:
    """Name the ids that the two need; None if they do not go together.

    What comes to the agent user is answered by the agent user, and by nobody else.
    """
    return _NEEDED.get((inbound, acts_as))
