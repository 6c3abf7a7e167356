"""Decide whether Graph is asked once more: it does not know yet what it made, or is busy.

A directory answers from copies of itself, and a copy may not have what another one has just
been given. That passes, and is told from a refusal by the call (it names what was made a
moment ago), the status and the code; nothing else is tried again.

Pure. https://learn.microsoft.com/graph/best-practices-concept#reliability-and-support,
https://learn.microsoft.com/graph/throttling, https://learn.microsoft.com/graph/errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from entraclaw.identity.provisioning.calls import Call, Reply

LONGEST_S = 300.0  # what was made is known by then, or something else is wrong
BUSY_S = 300.0  # for which a busy service is asked again
BROKEN = 0  # the status of a call whose line broke off before its answer came

_FIRST_S, _LONGEST_PAUSE_S = 0.25, 15.0
_PART = 6  # a pause is this part of what was waited: nothing is noticed much later than it is so
_SURE = frozenset({"GET", "PUT", "PATCH", "DELETE"})  # doing it twice is doing it once
# Whoever says these has done nothing.
_UNTOUCHED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 509})

# What a copy says that does not know yet what the call names. A code that is Graph's word for
# anything wrong counts only with what it says of it.
_NOT_YET: Mapping[tuple[int, str], tuple[str, ...]] = {
    (404, "Request_ResourceNotFound"): (),
    (400, "AgentIdentity_AgentBlueprintPrincipalDoesNotExist"): (),
    (400, "Request_BadRequest"): (
        "does not reference a valid application object",
        "one of its queried reference-property objects are not present",
        "invalid usage location",
    ),
    (403, "Authorization_RequestDenied"): ("must in the local tenant",),
}


class Why(StrEnum):
    """Why a call is made once more, in words that end "waiting: "."""

    NOT_YET = "not known to Graph yet"
    BUSY = "Graph is busy"
    BROKEN = "the line to Graph broke off"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one sending of a call.

    Attributes:
        reply: Status and body; the status is `BROKEN` where none came.
        retry_after: Seconds it asks to be left alone; None if it does not say.
    """

    reply: Reply
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait *seconds*, for *why*, and make the call again."""

    seconds: float
    why: Why


def why_again(call: Call, heard: Heard) -> Why | None:
    """Say why *call* may be granted later with nothing changed; None if it will not be."""
    status = heard.reply.status
    if status in _UNTOUCHED:
        return Why.BUSY
    if status == BROKEN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if call.method not in _SURE:
            return None
        return Why.BUSY if status else Why.BROKEN
    return Why.NOT_YET if call.awaits and is_not_yet(heard.reply) else None


def is_not_yet(reply: Reply) -> bool:
    """Tell whether *reply* is what a copy says that does not know yet what a call names."""
    words = _NOT_YET.get((reply.status, reply.code))
    if words is None:
        return False
    return not words or any(one in reply.message for one in words)


def is_unknown(call: Call, reply: Reply) -> bool:
    """Tell whether nobody knows if *call* was done: it is not one to be made twice unseen."""
    is_cut = reply.status == BROKEN or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return is_cut and reply.status not in _UNTOUCHED and call.method not in _SURE


def pause(call: Call, heard: Heard, waited_s: float) -> Pause | None:
    """Decide what follows *heard*, *waited_s* seconds after *call* was first made.

    None: it is the answer.
    """
    why = why_again(call, heard)
    if why is None or waited_s >= (LONGEST_S if why is Why.NOT_YET else BUSY_S):
        return None
    seconds = max(_FIRST_S, min(waited_s / _PART, _LONGEST_PAUSE_S), heard.retry_after or 0.0)
    return Pause(seconds, why) if seconds <= BUSY_S else None
