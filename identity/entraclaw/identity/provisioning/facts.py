"""What is so in a tenant before a setup does anything: values, as they were read."""

from collections.abc import Mapping
from dataclasses import dataclass

from entraclaw.identity.provisioning.calls import Document
from entraclaw.identity.provisioning.granted import Standing
from entraclaw.identity.provisioning.journal import Part
from entraclaw.identity.provisioning.pools import Pool


@dataclass(frozen=True, slots=True)
class Me:
    """Who signed in; *roles* are the template ids of the directory roles that they hold."""

    oid: str
    upn: str
    name: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Organisation:
    """The tenant; *domains* are those it has proved, the default one first."""

    id: str
    name: str
    domains: tuple[str, ...]
    country: str


@dataclass(frozen=True, slots=True)
class Application:
    """A blueprint, or a bot: its object id, its application id, its name, whose mark it bears."""

    id: str
    app: str
    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent identity; *blueprint* is an application id."""

    id: str
    name: str
    blueprint: str
    mark: str


@dataclass(frozen=True, slots=True)
class User:
    """An agent user; *identity* is its agent identity's id."""

    id: str
    upn: str
    identity: str
    country: str


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Somebody who answers for the agent; a group has no address."""

    id: str
    name: str
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a new agent user gets.

    Attributes:
        upn: The address; empty where none could be found that is free.
        is_taken: Whether somebody has it already.
        is_proved: Whether its domain is one that the tenant has proved.
    """

    upn: str
    is_taken: bool = False
    is_proved: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the blueprint's messages go.

    Attributes:
        is_here: Whether this tenant has such a setting at all.
        url: The address; empty for none.
        is_ours_to_set: Whether each agent identity may have one of its own.
        document: The whole setting, as Graph shows it.
    """

    is_here: bool
    url: str = ""
    is_ours_to_set: bool = False
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        me: Who signed in.
        tenant: Where.
        blueprint: The agent's; None while there is none.
        principal: The blueprint's object in the tenant; empty while there is none.
        identity: The agent's; None while there is none.
        siblings: The blueprint's other agent identities.
        user: The agent's; None while there is none.
        address: What a new agent user gets; None where there is one.
        sponsors: Those who were named; else the user's, or whoever signed in.
        sponsoring: Object ids of the user's sponsors.
        strangers: Names of sponsors that nobody has.
        gone: What setup made and somebody deleted.
        unknown: What was to be joined or adopted and is not there: the option, and its value.
        bot: The classic bot's application; None where none was named, or it is not there.
        registered: Thumbprints of the certificates on the blueprint.
        endpoint: Where the blueprint's messages go.
        pools: The tenant's licences.
        held: GUIDs of those that the agent user has.
        standing: What is granted, against what is wanted.
    """

    me: Me
    tenant: Organisation
    blueprint: Application | None
    principal: str
    identity: Identity | None
    siblings: tuple[Identity, ...]
    user: User | None
    address: Address | None
    sponsors: tuple[Sponsor, ...]
    sponsoring: frozenset[str]
    strangers: tuple[str, ...]
    gone: frozenset[Part]
    unknown: Mapping[str, str]
    bot: Application | None
    registered: frozenset[str]
    endpoint: Endpoint
    pools: tuple[Pool, ...]
    held: frozenset[str]
    standing: Standing
