"""Who talks where: conversations, and the two names each of them has.

A chat between a person and an agent is `a:1…` at the connector and
`19:…@unq.gbl.spaces` in Graph; groups and channels go by one name on both
sides, and everybody is in them, the agent and the stranger included. A
channel's messages live in threads, addressed as
`{channel};messageid={first message}`.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.directory import PEOPLE, Person

_THREAD = ";messageid="


class Kind(StrEnum):
    """The three kinds of conversation, in Teams' own words."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation; *id* is the connector's name for it, *members* are object ids.

    *agent* is the agent user among the members, and *person* the one it is a
    chat with, if it is one.
    """

    id: str
    graph_id: str
    kind: Kind
    tenant: str
    members: frozenset[str]
    agent: str
    person: str | None = None
    name: str | None = None
    team: str | None = None

    def address(self, message: str) -> str:
        """The conversation id that an activity carries; a channel's names the thread."""
        return f"{self.id}{_THREAD}{message}" if self.kind is Kind.CHANNEL else self.id


class Conversations:
    """Every conversation so far: a chat per person and agent, a group and a channel per agent."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str, Kind], Conversation] = {}
        self._named: dict[str, Conversation] = {}
        self._of: dict[str, list[Conversation]] = {}

    def between(self, person: Person, agent: Agent, kind: Kind) -> Conversation:
        """Find the conversation of *person* with *agent*, or start it."""
        key = (person.oid if kind is Kind.PERSONAL else None, agent.user, kind)
        if key not in self._known:
            self._known[key] = self._name(_start(person, agent, kind))
        return self._known[key]

    def find(self, address: str) -> Conversation | None:
        """Find a conversation by the id an activity carried."""
        found = self._named.get(home(address))
        return found if found and found.id == home(address) else None

    def chat(self, graph_id: str) -> Conversation | None:
        """Find a conversation that is no channel by its name in Graph."""
        found = self._named.get(graph_id)
        is_chat = found and found.graph_id == graph_id and found.kind is not Kind.CHANNEL
        return found if is_chat else None

    def of(self, agent: str) -> list[Conversation]:
        """Every conversation of one agent user, oldest first."""
        return self._of.get(agent, [])

    def with_person(self, oid: str) -> list[Conversation]:
        """Every conversation that a person is in, oldest first."""
        return [made for made in self._known.values() if oid in made.members]

    def _name(self, made: Conversation) -> Conversation:
        self._named[made.id] = self._named[made.graph_id] = made
        self._of.setdefault(made.agent, []).append(made)
        return made


def home(address: str) -> str:
    """The conversation's own id, without the thread that an activity's names."""
    return address.partition(_THREAD)[0]


def thread_of(address: str) -> str | None:
    """The thread that an activity's conversation id names, if it does."""
    return address.partition(_THREAD)[2] or None


def _start(person: Person, agent: Agent, kind: Kind) -> Conversation:
    everybody = frozenset({agent.user, *(somebody.oid for somebody in PEOPLE)})
    match kind:
        case Kind.PERSONAL:
            members = frozenset({person.oid, agent.user})
            first, second = sorted(members)
            return Conversation(
                id=f"a:1{secrets.token_urlsafe(60)}",
                graph_id=f"19:{first}_{second}@unq.gbl.spaces",
                kind=kind,
                tenant=agent.tenant,
                members=members,
                agent=agent.user,
                person=person.oid,
            )
        case Kind.GROUP:
            shared = f"19:{secrets.token_hex(16)}@thread.v2"
            return Conversation(
                id=shared,
                graph_id=shared,
                kind=kind,
                tenant=agent.tenant,
                members=everybody,
                agent=agent.user,
                name="Planning",
            )
        case Kind.CHANNEL:
            shared = f"19:{secrets.token_urlsafe(33)}@thread.tacv2"
            team = f"19:{secrets.token_urlsafe(33)}@thread.tacv2"
            return Conversation(
                id=shared,
                graph_id=shared,
                kind=kind,
                tenant=agent.tenant,
                members=everybody,
                agent=agent.user,
                name="General",
                team=team,
            )
