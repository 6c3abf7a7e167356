"""Which principal receives and which one acts: the two settings, and which of them go together.

Pure. Neither is ever chosen for the operator, and none stands in for another: a principal
that cannot act is a refusal. docs/principals.md is this module in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.identity.values import AgentIds


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


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose inbox it is: who receives, who acts, and by which ids."""

    inbound: Inbound
    acts_as: ActsAs
    ids: AgentIds

    @property
    def receives(self) -> tuple[str, str]:
        """The tenant and the principal that messages come to, which alone may answer them."""
        return self.ids.tenant, self.ids.user if self.inbound is Inbound.AGENTIC else self.ids.bot


class Transition(StrEnum):
    """What became of the principal since the inbox was last in use."""

    ADOPT = "adopt"  # the first one
    STAY = "stay"
    SIDELOAD = "sideload"  # messages come to a bot from now on
    UNLOAD = "unload"  # and to the agent user again
    HIRE = "hire"  # an agent user acts from now on
    DISMISS = "dismiss"  # the bot acts, and nobody else
    LEND = "lend"  # a person's own account acts
    REPLACE = "replace"  # another tenant's, or another agent


_ACTING = {
    ActsAs.AGENT_USER: Transition.HIRE,
    ActsAs.BOT: Transition.DISMISS,
    ActsAs.DELEGATED: Transition.LEND,
}


def transition(before: Owner | None, now: Owner) -> Transition:
    """Name what the operator changed."""
    if before is None:
        return Transition.ADOPT
    if _are_others(before.ids, now.ids):
        return Transition.REPLACE
    if before.acts_as is not now.acts_as:
        return _ACTING[now.acts_as]
    if before.inbound is not now.inbound:
        return Transition.SIDELOAD if now.inbound is Inbound.BOT else Transition.UNLOAD
    return Transition.STAY


def hinders(before: Owner | None, now: Owner, unanswered: int) -> str:
    """Say why *now* cannot have the inbox of *before*; empty if it can.

    What came to one principal is never answered by another: *unanswered* are messages that
    still wait or are being worked on.
    """
    if before is None or not unanswered or before.receives == now.receives:
        return ""
    waits = "1 message waits" if unanswered == 1 else f"{unanswered} messages wait"
    return f"{waits} here that came to another principal ({before.inbound} {before.receives[1]})"


def _are_others(before: AgentIds, now: AgentIds) -> bool:
    """Tell whether a principal that both have is not the same one."""
    pairs = [(getattr(before, name), getattr(now, name)) for name in IDS if name != "client"]
    return any(old and new and old != new for old, new in pairs)
