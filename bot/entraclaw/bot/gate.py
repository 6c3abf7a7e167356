"""Decide who may speak to the agent: a speaker, a place and what is known in, a verdict out.

Pure. Who somebody is has been settled before: the activity names an object id, the
directory says whose it is. What is not proved counts as unknown, and nobody unknown is
let in. Every rule here is a row of docs/access.md.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.bot.access import Access, Account


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who is speaking, as far as that is proved.

    Attributes:
        oid: Entra object id, lower case; empty when there is none.
        tenant: Home tenant, lower case; empty when it is not known.
        is_agent: A bot, or an agent user that is not ours.
        is_self: Our own agent user.
        is_anonymous: Joined a meeting without an account.
    """

    oid: str
    tenant: str
    is_agent: bool = False
    is_self: bool = False
    is_anonymous: bool = False

    @property
    def account(self) -> Account:
        """Home tenant and object id: the only name the list knows people by."""
        return self.tenant, self.oid


class Kind(StrEnum):
    """What sort of conversation it is; a meeting's chat is a group."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"

    @classmethod
    def read(cls, conversation_type: str) -> "Kind":
        """Read an activity's ``conversationType``; one we do not know has a group's rules."""
        return cls(conversation_type) if conversation_type in set(cls) else cls.GROUP


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how it was said.

    Attributes:
        kind: Of the conversation.
        addressed: It was meant for the agent: a mention, a reply to it, a sponsor's word.
        late: It was found afterwards, in what an outage made us miss.
    """

    kind: Kind
    addressed: bool = False
    late: bool = False

    @property
    def asks_for_a_turn(self) -> bool:
        """In a 1:1 everything is meant for the agent."""
        return self.kind is Kind.PERSONAL or self.addressed


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about people.

    Attributes:
        sponsors: Object ids of the agent user's sponsors, from Entra.
        home: The agent's own tenant.
        access: The list kept on this machine.
    """

    sponsors: AbstractSet[str]
    home: str
    access: Access


class Relation(StrEnum):
    """What somebody is to the agent."""

    SPONSOR = "sponsor"
    ALLOWED = "allowed"
    STRANGER = "stranger"  # whoever may not speak


class Reason(StrEnum):
    """Why something was dropped, as the operator reads it."""

    SELF = "the agent's own message"
    AGENT = "a bot or another agent"
    ANONYMOUS = "an anonymous participant"
    NO_ID = "names no sender"
    DENIED = "denied"
    UNKNOWN_TENANT = "home tenant not known"
    OTHER_TENANT = "another tenant"
    NOT_ALLOWED = "not allowed"
    CODE_TOLD = "not allowed, and was told a code twice"


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand it to the agent: it starts a turn."""

    relation: Relation


@dataclass(frozen=True, slots=True)
class Observe:
    """Start no turn.

    Attributes:
        relation: Of its sender.
        shown: The next turn may show it, fenced, as context; otherwise it is only counted.
    """

    relation: Relation
    shown: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Drop it, and answer with a code: `Access.start_pairing` has the last word on that."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Record it; nobody acts on it.

    Attributes:
        reason: For the operator.
        tell: Its sender may be told, one line and not often; otherwise silence.
    """

    reason: Reason
    tell: bool = False


Verdict = Deliver | Observe | Pair | Drop


def may_speak(speaker: Speaker, place: Place, known: Known, now: float) -> Verdict:
    """Judge what *speaker* said in *place*.

    Args:
        speaker: With the home tenant the directory gave, not the one a message claims.
        place: Of the message.
        known: Empty sponsors and an empty list admit nobody.
        now: Unix seconds; codes of pairing end.
    """
    if speaker.is_self:
        return Drop(Reason.SELF)
    relation = _relation(speaker, known)
    if relation is not Relation.STRANGER:
        if place.asks_for_a_turn:
            return Deliver(relation)
        return Observe(relation, shown=True)
    if not place.asks_for_a_turn or (
        _is_machine_or_anonymous(speaker) and place.kind is not Kind.PERSONAL
    ):
        return Observe(relation, shown=False)
    reason = _refusal(speaker, known)
    if reason is Reason.NOT_ALLOWED:
        return _colleague(speaker, place, known, now)
    return Drop(reason)


def _relation(speaker: Speaker, known: Known) -> Relation:
    if _is_machine_or_anonymous(speaker) or not speaker.oid:
        return Relation.STRANGER
    # An id of our directory that our directory lists is proof enough of where it is from.
    if speaker.oid in known.sponsors and speaker.tenant in {"", known.home}:
        return Relation.SPONSOR
    if not speaker.tenant or speaker.account in known.access.denied:
        return Relation.STRANGER
    return Relation.ALLOWED if speaker.account in known.access.allowed else Relation.STRANGER


def _is_machine_or_anonymous(speaker: Speaker) -> bool:
    return speaker.is_agent or speaker.is_anonymous


def _refusal(speaker: Speaker, known: Known) -> Reason:
    """Say why a stranger is refused; `NOT_ALLOWED` only of a colleague of the home tenant."""
    reasons = (
        (speaker.is_agent, Reason.AGENT),
        (speaker.is_anonymous, Reason.ANONYMOUS),
        (not speaker.oid, Reason.NO_ID),
        (not speaker.tenant, Reason.UNKNOWN_TENANT),
        (speaker.account in known.access.denied, Reason.DENIED),
        (speaker.tenant != known.home, Reason.OTHER_TENANT),
    )
    return next((reason for applies, reason in reasons if applies), Reason.NOT_ALLOWED)


def _colleague(speaker: Speaker, place: Place, known: Known, now: float) -> Verdict:
    """Judge a colleague who is on no list."""
    if place.kind is not Kind.PERSONAL or place.late:
        return Drop(Reason.NOT_ALLOWED, tell=True)
    if known.access.may_pair(speaker.account, now):
        return Pair()
    if known.access.waiting(speaker.account, now) is not None:
        return Drop(Reason.CODE_TOLD)
    return Drop(Reason.NOT_ALLOWED, tell=True)
