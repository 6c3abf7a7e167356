"""Say of each person in a conversation whether the agent would take a word from them, and why.

The gate decides (`entraclaw.bot.gate`); here its verdicts become sentences and cures. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entraclaw.bot.gate import (
    Deliver,
    Drop,
    Known,
    Pair,
    Place,
    Reason,
    Relation,
    Speaker,
    Verdict,
    may_speak,
)

_ALLOWED = frozenset({Reason.NOT_ALLOWED, Reason.OTHER_TENANT, Reason.CODE_TOLD})


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person in a conversation.

    Attributes:
        name: As Teams gives it; proves nothing.
        oid: Object id, lower case.
        tenant: Home tenant, lower case; empty when nothing proves one.
    """

    name: str
    oid: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Voice:
    """What the agent would do with a message of somebody's.

    Attributes:
        who: Whose.
        may: It starts a turn.
        says: Why, or why not; one sentence without a full stop.
        cure: The command that lets them speak; empty where they may, or where none does.
    """

    who: Somebody
    may: bool
    says: str
    cure: str = ""


def voices(people: Iterable[Somebody], place: Place, known: Known, now: float) -> list[Voice]:
    """Judge what each of *people* would say in *place*; *now* is seconds since the epoch."""
    judged = ((one, may_speak(Speaker(one.oid, one.tenant), place, known, now)) for one in people)
    return [_voice(one, verdict) for one, verdict in judged]


def _voice(who: Somebody, verdict: Verdict) -> Voice:
    match verdict:
        case Deliver(relation):
            why = "a sponsor" if relation is Relation.SPONSOR else "on the list"
            return Voice(who, may=True, says=f"may speak: {why}")
        case Pair():
            says = "may not yet: whoever writes is told a code, and you approve it"
            return Voice(who, may=False, says=says, cure=_allow(who))
        case Drop(reason):
            return Voice(who, may=False, says=f"may not: {reason}", cure=_cure(who, reason))
        case _:
            return Voice(who, may=False, says="may not: starts no turn here")


def _cure(who: Somebody, reason: Reason) -> str:
    if reason is Reason.DENIED:
        return f"entraclaw access remove {who.tenant}/{who.oid}"
    return _allow(who) if reason in _ALLOWED else ""


def _allow(who: Somebody) -> str:
    return f"entraclaw access allow {who.tenant}/{who.oid}"
