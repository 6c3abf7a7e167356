"""Who exists: tenants, people, agents, and what each agent was granted.

An agent is three objects in Entra (a blueprint that holds the certificates, an
agent identity that holds nothing, an agent user) and is kept here as one value,
because the sandbox makes them together and one-to-one. A classic bot is one
object, an ordinary application with certificates, and is kept in the same form.

Object model: https://learn.microsoft.com/entra/agent-id/
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from entraclaw.sandbox.account import Account
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.licences import has_teams
from entraclaw.sandbox.resources import AGENT_CHANNEL, GRAPH, STORAGE


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation: its id, its verified domain, its name."""

    id: str
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a Teams account; *key* is how scripts call them."""

    key: str
    oid: str
    tenant: str
    name: str
    upn: str
    teams_id: str


HOME = Tenant("6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10", "contoso.example", "Contoso")
ELSEWHERE = Tenant("c2b8a0f4-93d7-4e0c-8f36-7d1e6b4a9f22", "fabrikam.example", "Fabrikam")

PEOPLE = (
    Person(
        key="ada",
        oid="a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa",
        tenant=HOME.id,
        name="Ada Lovelace",
        upn=f"ada@{HOME.domain}",
        teams_id="29:1AdaLovelaceKq3w7zZ0vXn4T_c8mYhR2bPfL6sJdGtEu",
    ),
    Person(
        key="grace",
        oid="b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb",
        tenant=HOME.id,
        name="Grace Hopper",
        upn=f"grace@{HOME.domain}",
        teams_id="29:1GraceHopperT5x9pQ1uWm7R-d3nZkS8cVgM4tLfHyFo",
    ),
    Person(
        key="mallory",
        oid="c0c0c0c0-3333-4333-8333-cccccccccccc",
        tenant=ELSEWHERE.id,
        name="Mallory Quinn",
        upn=f"mallory@{ELSEWHERE.domain}",
        teams_id="29:1MalloryQuinnB6y2sX4oVk1P_e9rJiT7dWhN5uMgIzGa",
    ),
)

# What an administrator consents to for a useful agent, and what a new one has here.
_FIRST_GRANTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        GRAPH: frozenset(
            {"Calendars.ReadWrite", "Chat.ReadWrite", "ChatMessage.Send", "Files.ReadWrite.All"}
            | {"Mail.ReadWrite", "Mail.Send", "User.Read", "User.ReadBasic.All"}
        ),
        STORAGE: frozenset({"user_impersonation"}),
        AGENT_CHANNEL: frozenset({"AgentData.ReadWrite"}),
    }
)

_NO_GRANTS: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Agent:
    """Blueprint, agent identity and agent user of one agent, and its settings.

    A classic bot has none of the three: they are empty, but that *user*, by
    which conversations know their members, is the bot's app id there, too.
    *grants* maps a resource to the delegated scopes consented for it; what was
    consented before holds until *grants_from*. *bot* is the app id of a classic
    bot, which of an agent is nobody's. *enabled* is the agent user;
    *identity_enabled* and *blueprint_enabled* are the other two. *blocked* is
    the AADSTS number with which a Conditional Access policy says no. Resources
    take no token that was made before *tokens_from*. *account* is what else
    stands behind it. Moments are seconds since the epoch, by the tenant's clock.
    """

    name: str
    tenant: str
    blueprint: str
    identity: str
    user: str
    upn: str
    bot: str
    certificates: tuple[Certificate, ...]
    sponsors: tuple[str, ...]
    endpoint: str | None
    enabled: bool = True
    grants: Mapping[str, frozenset[str]] = field(default_factory=lambda: _FIRST_GRANTS)
    older_grants: Mapping[str, frozenset[str]] = field(default_factory=lambda: _FIRST_GRANTS)
    grants_from: float = 0.0
    identity_enabled: bool = True
    blueprint_enabled: bool = True
    blocked: int | None = None
    tokens_from: float = 0.0
    account: Account = field(default_factory=Account)

    @property
    def licensed(self) -> bool:
        """Whether it has Teams."""
        return has_teams(self.account.licences)

    @property
    def is_bot(self) -> bool:
        """Whether this is a classic bot."""
        return not self.blueprint

    @property
    def app(self) -> str:
        """The application that the certificates are registered on."""
        return self.blueprint or self.bot

    @property
    def objects(self) -> Mapping[str, str]:
        """The application objects that hold the certificates: application id to object id."""
        return {
            name: str(uuid.uuid5(uuid.UUID(name), "application"))
            for name in (self.blueprint, self.bot)
            if name
        }

    def granted(self, resource: str, now: float) -> frozenset[str]:
        """What the last of Entra's replicas takes for consented at *now*."""
        grants = self.grants if now >= self.grants_from else self.older_grants
        return grants.get(resource, frozenset())


class Directory:
    """The tenants, their people and their agents, in memory."""

    def __init__(self, tell: Callable[[Agent], None]) -> None:
        self._agents: dict[str, Agent] = {}
        self._tell = tell

    def tenant(self, name: str) -> Tenant | None:
        """Find a tenant by id or verified domain."""
        wanted = name.lower()
        return next((t for t in (HOME, ELSEWHERE) if wanted in {t.id, t.domain}), None)

    def person(self, key: str) -> Person | None:
        """Find a person by the key scripts use."""
        return next((person for person in PEOPLE if person.key == key), None)

    def people(self, tenant: str) -> Iterable[Person]:
        """Everybody in one tenant."""
        return (person for person in PEOPLE if person.tenant == tenant)

    def agent(self, user: str) -> Agent | None:
        """Find an agent by its agent user's object id, or a bot by its app id."""
        return self._agents.get(user.lower())

    def agents(self, tenant: str) -> Iterable[Agent]:
        """Every agent of one tenant; bots are none."""
        return (a for a in self._agents.values() if a.tenant == tenant and not a.is_bot)

    def bot(self, tenant: str, app: str) -> Agent | None:
        """Find the bot with this app id."""
        found = self._agents.get(app.lower())
        return found if found and found.is_bot and found.tenant == tenant else None

    def blueprint(self, tenant: str, app: str) -> Agent | None:
        """Find the agent whose blueprint has this app id."""
        return next((a for a in self.agents(tenant) if a.blueprint == app.lower()), None)

    def identity(self, tenant: str, app: str) -> Agent | None:
        """Find the agent whose agent identity has this id."""
        return next((a for a in self.agents(tenant) if a.identity == app.lower()), None)

    def application(self, tenant: str, name: str) -> tuple[Agent, str] | None:
        """Find an application by its own id or its object's: whose it is, and its own id."""
        wanted = name.lower()
        for agent in self.agents(tenant):
            for app, object_id in agent.objects.items():
                if wanted in {app, object_id}:
                    return agent, app
        return None

    def agent_user(self, tenant: str, name: str) -> Agent | None:
        """Find an agent by its agent user's object id or UPN."""
        wanted = name.lower()
        return next((a for a in self.agents(tenant) if wanted in {a.user, a.upn.lower()}), None)

    def hire(
        self,
        name: str,
        certificate: Certificate,
        *,
        sponsors: tuple[str, ...],
        endpoint: str | None,
    ) -> Agent:
        """Make an agent in the home tenant."""
        nickname = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
        user = str(uuid.uuid4())
        agent = Agent(
            name=name,
            tenant=HOME.id,
            blueprint=str(uuid.uuid4()),
            identity=str(uuid.uuid4()),
            user=user,
            # Two agents may share a name, never an address.
            upn=f"{nickname.strip('-') or 'agent'}-{user[:8]}@{HOME.domain}",
            bot=str(uuid.uuid4()),
            certificates=(certificate,),
            sponsors=sponsors,
            endpoint=endpoint,
        )
        self.keep(agent)
        return agent

    def register(self, name: str, certificate: Certificate, *, endpoint: str | None) -> Agent:
        """Make a classic bot in the home tenant."""
        app = str(uuid.uuid4())
        bot = Agent(
            name=name,
            tenant=HOME.id,
            blueprint="",
            identity="",
            user=app,
            upn="",
            bot=app,
            certificates=(certificate,),
            sponsors=(),
            endpoint=endpoint,
            grants=_NO_GRANTS,
            older_grants=_NO_GRANTS,
        )
        self.keep(bot)
        return bot

    def keep(self, agent: Agent) -> None:
        """Put *agent* in the place of the one with the same user."""
        self._agents[agent.user] = agent
        self._tell(agent)
