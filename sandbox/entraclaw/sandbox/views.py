"""The tenant as the chat page shows it: who there is, what was said, what came of it.

Turns what happened into documents of our own making. The page draws them and
decides nothing; what it may see is everything, for it is its reader's machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TypeAlias

from entraclaw.sandbox.channel import Delivery, Fate
from entraclaw.sandbox.conversations import Conversation, Conversations, Kind
from entraclaw.sandbox.directory import PEOPLE, Agent, Directory, Person
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.entra import TokenRequest
from entraclaw.sandbox.hops import hops
from entraclaw.sandbox.journal import Journal
from entraclaw.sandbox.transcript import Entry, Transcript

Happening: TypeAlias = Entry | Fate | TokenRequest | Agent

_NS_PER_MS = 1_000_000

# A page that opens late shows the state of the chain, not its history.
_LAST_TOKENS = 50


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

    def state(self) -> Json:
        """The whole tenant now; *last* is the number of the latest event it contains."""
        happened = self._happenings.since(0)
        agents = {h.user: h for h in happened if isinstance(h, Agent)}
        fates = {h.activity: h for h in happened if isinstance(h, Fate)}
        tokens = [h for h in happened if isinstance(h, TokenRequest)][-_LAST_TOKENS:]
        return {
            "last": len(happened),
            "people": [self._person(person) for person in PEOPLE],
            "agents": [_agent(agent) for agent in reversed(agents.values())],
            "conversations": list(self._with_entries(agents.values())),
            "deliveries": [_delivery(fate) for fate in fates.values()],
            "tokens": [_token(request) for request in tokens],
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
        answer = entry if entry.question else self._first_answer(entry)
        tokens = self._tokens(place.agent)
        steps = hops(asked, self._delivery_of(asked.line.id), tokens, answer)
        return {"asked": asked.line.id, "hops": [asdict(hop) for hop in steps]}

    def _with_entries(self, agents: Iterable[Agent]) -> Iterator[Json]:
        said: dict[str, list[Json]] = {}
        for entry in self._transcript.entries():
            document = self._entry(entry)
            said.setdefault(document["conversation"], []).append(document)
        for agent in agents:
            for place in self._places(agent):
                yield {**_conversation(place), "entries": said.get(place.id, [])}

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

    def _first_answer(self, asked: Entry) -> Entry | None:
        entries = self._transcript.entries()
        return next((entry for entry in entries if entry.question is asked), None)

    def _delivery_of(self, activity: str) -> Delivery | None:
        happened = reversed(self._happenings.since(0))
        fates = (h for h in happened if isinstance(h, Fate) and h.activity == activity)
        fate = next(fates, None)
        return fate.delivery if fate else None

    def _tokens(self, user: str) -> list[TokenRequest]:
        agent = self._directory.agent(user)
        clients = {agent.blueprint, agent.identity} if agent else set[str]()
        happened = self._happenings.since(0)
        requests = (h for h in happened if isinstance(h, TokenRequest))
        return [request for request in requests if request.client_id.lower() in clients]


def _agent(agent: Agent) -> Json:
    return {
        "user": agent.user,
        "name": agent.name,
        "upn": agent.upn,
        "tenant": agent.tenant,
        "blueprint": agent.blueprint,
        "identity": agent.identity,
        "sponsors": list(agent.sponsors),
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
        "ms": None if spent is None else round(spent / _NS_PER_MS, 1),
    }


def _token(request: TokenRequest) -> Json:
    return {
        "hop": request.hop,
        "client": request.client_id.lower(),
        "code": request.code,
        "ms": round(request.ms, 1),
    }
