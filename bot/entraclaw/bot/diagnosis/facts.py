"""What was found out about an agent, before anybody judges it.

Wherever something could not be found out, the error stands in its place; None is what
nobody asked, since there was nothing to ask with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entraclaw.bot.key_look import Facts as KeyFacts
from entraclaw.bot.principal import ActsAs, Inbound
from entraclaw.errors import EntraclawError
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.features import Feature, Want
from entraclaw.identity.values import AgentIds, Hop
from entraclaw.tools import Licence, Own, Person


@dataclass(frozen=True, slots=True)
class Who:
    """What the settings say.

    Attributes:
        profile: Its name.
        agent: The principals in use.
        inbound: How messages reach us.
        acts_as: As whom we act.
        cloud: Every remote name.
        features: What the agent is to do.
        wants: What it must be granted for that.
    """

    profile: str
    agent: AgentIds
    inbound: Inbound
    acts_as: ActsAs
    cloud: Cloud
    features: tuple[Feature, ...]
    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """The key, as it is kept: in which store, and whether it can be copied from there."""

    store: str
    exportable: bool
    facts: KeyFacts


@dataclass(frozen=True, slots=True)
class Held:
    """A token, as far as it says what it is good for.

    Attributes:
        scopes: Its delegated permissions; None if it cannot be read.
        lasts_s: Seconds until it ends.
    """

    scopes: frozenset[str] | None
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Walk:
    """How far the token chain went.

    Attributes:
        passed: Milliseconds of each hop that was granted.
        tokens: What came of each resource, by its name; no entry where nobody asked.
    """

    passed: Mapping[Hop, float]
    tokens: Mapping[str, Held | EntraclawError]


@dataclass(frozen=True, slots=True)
class Account:
    """What Graph says to the agent user about itself.

    Attributes:
        me: Who it is.
        sponsors: Its sponsors that are users.
        licences: What is assigned to it.
        mailbox: True if Exchange answered for it.
    """

    me: Own | EntraclawError
    sponsors: tuple[Person, ...] | EntraclawError
    licences: tuple[Licence, ...] | EntraclawError
    mailbox: bool | EntraclawError | None


@dataclass(frozen=True, slots=True)
class Past:
    """What this profile remembers.

    Attributes:
        sent_at: When an answer last arrived, seconds since the epoch; 0.0 if none is known.
        is_same: The ids were the same then.
    """

    sent_at: float = 0.0
    is_same: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        who: What the settings say.
        now: By this machine's clock.
        platform: As `sys.platform` says.
        past: What was.
        key: The key as it is kept.
        skew_s: By how much Entra's clock is ahead of ours, seconds.
        signing_keys: How many keys sign what comes to the webhook.
        walk: How far the token chain went; None if the key allows no step.
        account: What Graph says; None without a token for it.
    """

    who: Who
    now: datetime
    platform: str
    past: Past
    key: Kept | EntraclawError
    skew_s: float | EntraclawError
    signing_keys: int | EntraclawError
    walk: Walk | None
    account: Account | None
