"""The tenant as the chat page shows it: who there is, what was said, what came of it.

Turns what happened into documents of our own making. The page draws them and
decides nothing; what it may see is everything, for it is its reader's machine.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.channel import Delivery, Fate
from entraclaw.sandbox.conversations import Conversation, Conversations, Kind
from entraclaw.sandbox.directory import PEOPLE, Directory, Person
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.entra import TokenRequest
from entraclaw.sandbox.hops import hops
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.transcript import Entry, Transcript

Happening: TypeAlias = Entry | Fate | TokenRequest | Agent

_NS_PER_MS = 1_000_000

# A page that opens late shows the state of the chain, not its history.
_LAST_TOKENS = 50

# Enough to scroll through; who needs more has the transcript.
_LAST_ENTRIES = 500


@dataclass(slots=True)
class _Latest:
    """What became of everything in the first *seen* happenings, by what it goes by."""

    seen: int = 0
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    fates: dict[str, Fate] = field(default_factory=dict[str, Fate])
    tokens: list[TokenRequest] = field(default_factory=list[TokenRequest])

    def take(self, happening: Happening) -> None:
        """Let one more happening have its effect."""
        self.seen += 1
        match happening:
            case Agent():
                self.agents[happening.user] = happening
            case Fate():
                self.fates[happening.activity] = happening
            case TokenRequest():
                self.tokens.append(happening)
            case Entry():
                pass


class Views:
    """Everything the page asks for, read from the parts that know it."""

    def __init__(
        self,
        *,
        directory: Directory,
        conversations: Conversations,
        transcript: Transcript,
        happenings: Journal[Happening],
    ) -> None:
        self._directory, self._conversations = directory, conversations
        self._transcript, self._happenings = transcript, happenings
        self._latest = _Latest()

    def state(self) -> Json:
        """The tenant now; *last* is the number of the latest event it contains.

        Of a long conversation only the end is in it.
        """
        latest = self._caught_up()
        places = [place for agent in latest.agents.values() for place in self._places(agent)]
        ends = {place.id: self._transcript.said_in(place.id)[-_LAST_ENTRIES:] for place in places}
        names = (entry.line.id for entries in ends.values() for entry in entries)
        fates = [latest.fates[name] for name in dict.fromkeys(names) if name in latest.fates]
        return {
            "last": latest.seen,
            "people": [self._person(person) for person in PEOPLE],
            "agents": [_agent(agent) for agent in reversed(latest.agents.values())],
            "conversations": [
                {**_conversation(place), "entries": [self._entry(e) for e in ends[place.id]]}
                for place in places
            ],
            "deliveries": [_delivery(fate) for fate in fates],
            "tokens": [_token(request) for request in latest.tokens[-_LAST_TOKENS:]],
        }

    def event(self, happening: Happening) -> tuple[str, Json]:
        """Name and document of one happening."""
        match happening:
            case Entry():
                return "entry", self._entry(happening)
            case Fate():
                return "delivery", _delivery(happening)
            case TokenRequest():
                return "token", _token(happening)
            case Agent():
                places = [_conversation(c) for c in self._places(happening)]
                return "agent", {"agent": _agent(happening), "conversations": places}

    def hops(self, message: str) -> Json | None:
        """The steps of a message and its answer, by the id of either; None if there is none."""
        entry = self._transcript.message(message)
        place = self._conversations.find(entry.line.conversation) if entry else None
        if entry is None or place is None:
            return None
        asked = entry.question or entry
        answer = entry if entry.question else self._transcript.answer(entry)
        tokens = self._tokens(place.agent)
        steps = hops(asked, self._delivery_of(asked.line.id), tokens, answer)
        return {"asked": asked.line.id, "hops": [asdict(hop) for hop in steps]}

    def _caught_up(self) -> "_Latest":
        latest = self._latest
        for happening in self._happenings.since(latest.seen):
            latest.take(happening)
        return latest

    def _places(self, agent: Agent) -> Iterator[Conversation]:
        for person in PEOPLE:
            yield self._conversations.between(person, agent, Kind.PERSONAL)
        for kind in (Kind.GROUP, Kind.CHANNEL):
            yield self._conversations.between(PEOPLE[0], agent, kind)

    def _entry(self, entry: Entry) -> Json:
        line, place = entry.line, self._conversations.find(entry.line.conversation)
        question = entry.question
        sender = line.author.sender
        return {
            "n": entry.n,
            "id": line.id,
            "kind": line.act.value,
            "conversation": place.id if place else line.conversation,
            "thread": line.conversation,
            "from": {"oid": line.author.oid, "name": line.author.name},
            "text": line.text,
            "time": round(entry.wall * 1000),
            "addressed": line.addressed,
            "cards": list(line.cards),
            "attached": [{"name": h.name, "picture": h.url is None} for h in line.holdings],
            "sender": sender
            and {"oid": sender.oid, "idtyp": sender.idtyp, "azp": sender.azp, "tid": sender.tid},
            "answers": question and question.line.id,
            "after_ms": question and round((entry.at - question.at) / _NS_PER_MS, 1),
        }

    def _person(self, person: Person) -> Json:
        tenant = self._directory.tenant(person.tenant)
        return {
            "key": person.key,
            "oid": person.oid,
            "name": person.name,
            "upn": person.upn,
            "tenant": person.tenant,
            "organisation": tenant.name if tenant else person.tenant,
        }

    def _delivery_of(self, activity: str) -> Delivery | None:
        fate = self._caught_up().fates.get(activity)
        return fate.delivery if fate else None

    def _tokens(self, user: str) -> list[TokenRequest]:
        agent = self._directory.agent(user)
        clients = {agent.app, agent.identity} if agent else set[str]()
        requests = self._caught_up().tokens
        return [request for request in requests if request.client_id.lower() in clients]


def _agent(agent: Agent) -> Json:
    return {
        "user": agent.user,
        "name": agent.name,
        "upn": agent.upn,
        "tenant": agent.tenant,
        "blueprint": agent.blueprint,
        "bot": agent.bot if agent.is_bot else None,
        "identity": agent.identity,
        "sponsors": [person.key for person in PEOPLE if person.oid in agent.sponsors],
        "reachable": agent.endpoint is not None,
        "enabled": agent.enabled,
    }


def _conversation(conversation: Conversation) -> Json:
    people = (person.key for person in PEOPLE if person.oid == conversation.person)
    return {
        "id": conversation.id,
        "kind": conversation.kind.value,
        "agent": conversation.agent,
        "person": next(people, None),
        "name": conversation.name,
    }


def _delivery(fate: Fate) -> Json:
    posted_at, accepted_at = fate.delivery.posted_at, fate.delivery.accepted_at
    spent = None if posted_at is None or accepted_at is None else accepted_at - posted_at
    return {
        "id": fate.activity,
        "status": fate.delivery.status,
        "tries": fate.delivery.tries,
        "lost": fate.lost,
        "ms": None if spent is None else round(spent / _NS_PER_MS, 1),
    }


def _token(request: TokenRequest) -> Json:
    return {
        "hop": request.hop,
        "client": request.client_id.lower(),
        "code": request.code,
        "ms": round(request.ms, 1),
    }
