"""Who exists: tenants, people, agents, and what each agent was granted.

An agent is several objects in Entra (`objects`), which are kept as such (`shelves`) and seen as
one value (`agent`). A classic bot is one object, an ordinary application with certificates,
and is kept in the form of an agent.

Object model: https://learn.microsoft.com/entra/agent-id/
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from entraclaw.sandbox.agent import Agent, Family
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.consents import Consents, Grant, Lineage
from entraclaw.sandbox.hiring import USUAL_GRANTS, Job, hired
from entraclaw.sandbox.licences import USUAL, Pools
from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    DirectoryObject,
    Identity,
    Life,
    Principal,
    object_id,
)
from entraclaw.sandbox.shelves import Shelves


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


@dataclass(frozen=True, slots=True)
class Application:
    """An application that holds certificates: a blueprint, or one of a bot.

    *id* is its object's, *app* its own. *agent* is the bot, *blueprint* what else it is.
    """

    id: str
    app: str
    tenant: str
    name: str
    certificates: tuple[Certificate, ...]
    blueprint: Blueprint | None = None
    agent: Agent | None = None


# Where people sign in who need not say to which tenant they belong.
ANYBODYS = frozenset({"common", "organizations"})


class Directory:
    """The tenants, their people and their agents, in memory; *now* is the tenant's clock."""

    def __init__(self, tell: Callable[[Agent], None], now: Callable[[], float] = time.time) -> None:
        self._bots: dict[str, Agent] = {}
        self._tell, self._now = tell, now
        self.shelves, self.consents, self.pools = Shelves(), Consents(), Pools()

    def tenant(self, name: str) -> Tenant | None:
        """Find a tenant by id or verified domain."""
        wanted = name.lower()
        return next((t for t in (HOME, ELSEWHERE) if wanted in {t.id, t.domain}), None)

    def place(self, name: str) -> Tenant | None:
        """Find the tenant that people sign in to at *name*; at no tenant's, their own."""
        return HOME if name.lower() in ANYBODYS else self.tenant(name)

    def person(self, key: str) -> Person | None:
        """Find a person by the key scripts use."""
        return next((person for person in PEOPLE if person.key == key), None)

    def people(self, tenant: str) -> Iterable[Person]:
        """Everybody in one tenant."""
        return (person for person in PEOPLE if person.tenant == tenant)

    def used(self, tenant: str, licence: str) -> int:
        """How many of one tenant have a licence; every person has the usual one."""
        people = sum(1 for _ in self.people(tenant)) if licence == USUAL else 0
        users = (one for one in self.shelves.users.of(tenant) if one.life.deleted is None)
        return people + sum(licence in one.licences for one in users)

    def agent(self, user: str) -> Agent | None:
        """Find an agent by its agent user's object id, or a bot by its app id."""
        wanted = user.lower()
        if wanted in self._bots:
            return self._bots[wanted]
        users = (self.shelves.users.find(tenant.id, wanted) for tenant in (HOME, ELSEWHERE))
        families = (self._family(user) for user in users if user)
        return next((family.agent() for family in families if family), None)

    def agents(self, tenant: str) -> Iterator[Agent]:
        """Every agent of one tenant that has all of its objects; bots are none."""
        families = (self._family(user) for user in self.shelves.users.of(tenant))
        return (family.agent() for family in families if family)

    def bot(self, tenant: str, app: str) -> Agent | None:
        """Find the bot with this app id."""
        found = self._bots.get(app.lower())
        return found if found and found.tenant == tenant else None

    def users_of(self, tenant: str, client: str) -> frozenset[str]:
        """The agent users that the blueprint, agent identity or bot *client* speaks for."""
        wanted = client.lower()
        own = {wanted} if self.bot(tenant, wanted) else set[str]()
        identities = {one.id for one in self.shelves.identities.under(tenant, wanted)} | {wanted}
        users = (user for one in identities for user in self.shelves.users.under(tenant, one))
        return frozenset(own | {user.id for user in users if self._family(user)})

    def application(self, tenant: str, name: str) -> Application | None:
        """Find an application by its own id or its object's."""
        wanted = name.lower()
        return next((a for a in self.applications(tenant) if wanted in {a.app, a.id}), None)

    def domain(self, tenant: str) -> str:
        """The verified domain of a tenant."""
        found = self.tenant(tenant)
        return found.domain if found else ""

    def agent_user(self, tenant: str, name: str) -> Agent | None:
        """Find an agent by its agent user's object id or UPN."""
        wanted = name.lower()
        named = (u for u in self.shelves.users.of(tenant) if wanted in {u.id, u.upn.lower()})
        families = (self._family(user) for user in named)
        return next((family.agent() for family in families if family), None)

    def hire(
        self,
        name: str,
        certificate: Certificate,
        *,
        sponsors: tuple[str, ...],
        endpoint: str | None,
    ) -> Agent:
        """Make an agent in the home tenant, with all that is granted and assigned by then."""
        job = Job(name, certificate, sponsors, endpoint, HOME.id, HOME.domain)
        *others, user = hired(job, self._now())
        for one in others:
            self.shelves.put(one)
        self.put(user)
        agent = self.agent(user.id)
        assert agent is not None  # noqa: S101  # all of its objects were just made
        for resource, scopes in USUAL_GRANTS.items():
            self.consents.grant(Grant(agent.identity, resource, agent.user, scopes), 0)
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
        )
        self.keep(bot)
        return bot

    def keep(self, agent: Agent) -> None:
        """Put what *agent* says in the place of what is known of it."""
        if agent.is_bot:
            self._bots[agent.user] = agent
            self._tell(agent)
            return
        user = self.shelves.users.find(agent.tenant, agent.user)
        family = self._family(user) if user else None
        if family is None:
            return
        changed = family.changed(agent)
        self.shelves.put(changed.blueprint)
        self.shelves.put(changed.identity)
        self._rule(changed)
        self.put(replace(changed.user, life=self._life(changed.user, agent.account.is_deleted)))

    def lineage(self, identity: Identity) -> Lineage:
        """Say whose permissions count for an agent identity."""
        principal = self.shelves.principal(identity.tenant, identity.blueprint)
        is_there = principal is not None and principal.life.deleted is None
        own = principal.id if principal and is_there else None
        return Lineage(identity.id, identity.blueprint, own)

    def put(self, one: DirectoryObject) -> None:
        """Keep *one* in the place of the one with the same id, and tell of whom it changes."""
        self.shelves.put(one)
        for user in sorted(self._touched(one)):
            if agent := self.agent(user):
                self._tell(agent)

    def certify(self, one: Application, certificates: tuple[Certificate, ...]) -> None:
        """Write the certificates of an application."""
        if one.blueprint:
            self.put(replace(one.blueprint, certificates=certificates))
        elif one.agent:
            self.keep(replace(one.agent, certificates=certificates))

    def applications(self, tenant: str) -> Iterator[Application]:
        """Every application of a tenant, those of bots after the blueprints."""
        for one in self.shelves.blueprints.of(tenant):
            yield Application(one.id, one.app, tenant, one.name, one.certificates, one)
        for agent in self.agents(tenant):
            bot = agent.bot
            yield Application(
                object_id(bot), bot, tenant, agent.name, agent.certificates, None, agent
            )

    def _touched(self, one: DirectoryObject) -> frozenset[str]:
        """The agent users whose agent *one* is a part of."""
        match one:
            case AgentUser():
                return frozenset({one.id})
            case Blueprint() | Principal():
                return self.users_of(one.tenant, one.app)
            case Identity():
                return self.users_of(one.tenant, one.id)

    def _family(self, user: AgentUser) -> Family | None:
        identity = self.shelves.identities.find(user.tenant, user.identity)
        if identity is None:
            return None
        blueprint = self.shelves.blueprint(user.tenant, identity.blueprint)
        if blueprint is None:
            return None
        principal = self.shelves.principal(user.tenant, blueprint.app)
        there = principal if principal and principal.life.deleted is None else None
        return Family(
            blueprint,
            identity,
            user,
            has_principal=there is not None,
            is_enabled=there.enabled if there else True,
        )

    def _rule(self, family: Family) -> None:
        """Let the blueprint's principal be, or not be, as *family* says."""
        app, tenant = family.blueprint.app, family.blueprint.tenant
        known = self.shelves.principal(tenant, app)
        principal = known or Principal(str(uuid.uuid4()), app, tenant)
        life = self._life(principal, not family.has_principal)
        if known or family.has_principal:
            self.shelves.put(replace(principal, enabled=family.is_enabled, life=life))

    def _life(self, one: AgentUser | Principal, is_deleted: bool) -> Life:  # noqa: FBT001  # what
        if is_deleted == (one.life.deleted is not None):
            return one.life
        return replace(one.life, deleted=self._now() if is_deleted else None)
