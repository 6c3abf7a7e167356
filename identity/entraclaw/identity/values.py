"""The small values identity speaks in: who the agent is, a hop, a token."""

from dataclasses import dataclass, field
from enum import StrEnum


class Hop(StrEnum):
    """The requests to Entra: the three of the token chain in their order, and those of others.

    A bot, a person who signed in, and an administrator who did have one each.
    """

    BLUEPRINT = "blueprint"
    AGENT = "agent"
    USER = "user"
    BOT = "bot"
    PERSON = "person"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class AgentIds:
    """The GUIDs that name one agent, lower case; empty where it has no such principal.

    Attributes:
        tenant: The directory the agent lives in.
        blueprint: Application id of the agent identity blueprint (it owns the key).
        agent: Client id of the agent identity (it may act for `user`).
        user: Object id of the agent user (whom people see in Teams).
        bot: Application id of the classic bot that messages come to.
    """

    tenant: str
    blueprint: str = ""
    agent: str = ""
    user: str = ""
    bot: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token of one principal for one resource.

    Attributes:
        secret: The bearer itself. Never printed: `repr` leaves it out.
        scope: What was asked for, such as ``https://graph.microsoft.com/.default``.
        acquired_at: Seconds since the epoch.
        expires_at: Seconds since the epoch.
    """

    secret: str = field(repr=False)
    scope: str
    acquired_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class HopTiming:
    """How long one hop took, in milliseconds; 0.0 when msal answered from memory."""

    hop: Hop
    ms: float
