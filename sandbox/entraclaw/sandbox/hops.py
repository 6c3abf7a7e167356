"""What one message went through, step by step, from the facts of three logs.

The channel knows when it posted and what it was told, the request log when
tokens were asked for, the connector when the answer came. `hops` lays them on
one line. It looks at no clock: what has not happened is not in the list.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from entraclaw.sandbox.channel import Delivery
from entraclaw.sandbox.entra import TokenRequest
from entraclaw.sandbox.transcript import Entry

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Hop:
    """One step; *start_ms* counts from the moment the person pressed Enter."""

    name: str
    detail: str
    start_ms: float
    ms: float


def hops(
    asked: Entry,
    delivery: Delivery | None,
    tokens: Iterable[TokenRequest],
    answer: Entry | None,
) -> list[Hop]:
    """List the steps of *asked* in the order in which they began.

    *tokens* are the agent's own requests; those outside the exchange are left
    out, because most tokens are older than the message they serve.
    """
    steps = [*_delivered(asked, delivery), *_answered(asked, delivery, answer)]
    end = answer.at if answer else None
    steps += [_token(asked, request) for request in tokens if _is_between(asked.at, request, end)]
    return sorted(steps, key=lambda hop: hop.start_ms)


def _delivered(asked: Entry, delivery: Delivery | None) -> Iterator[Hop]:
    if delivery is None or delivery.posted_at is None or delivery.accepted_at is None:
        return
    said = str(delivery.status) if delivery.status else "no answer"
    tries = f" after {delivery.tries} tries" if delivery.tries > 1 else ""
    yield _hop(
        asked, "channel → webhook", f"{said}{tries}", delivery.posted_at, delivery.accepted_at
    )


def _answered(asked: Entry, delivery: Delivery | None, answer: Entry | None) -> Iterator[Hop]:
    if answer is None or answer.line.received_at is None:
        return
    arrived = answer.line.received_at
    # An agent may answer before its endpoint has: then there is no gap to show.
    if delivery and delivery.accepted_at is not None and delivery.accepted_at <= arrived:
        thinking = "the daemon, the host, the model"
        yield _hop(asked, "webhook → first answer", thinking, delivery.accepted_at, arrived)
    yield _hop(asked, "connector post", "token checked, posted", arrived, answer.at)


def _token(asked: Entry, request: TokenRequest) -> Hop:
    said = f"AADSTS{request.code}" if request.code else "granted"
    begun = request.at - int(request.ms * _NS_PER_MS)
    return _hop(asked, f"{request.hop} token", said, begun, request.at)


def _is_between(start: int, request: TokenRequest, end: int | None) -> bool:
    return start <= request.at and (end is None or request.at <= end)


def _hop(asked: Entry, name: str, detail: str, start: int, end: int) -> Hop:
    return Hop(
        name,
        detail,
        start_ms=round((start - asked.at) / _NS_PER_MS, 3),
        ms=round((end - start) / _NS_PER_MS, 3),
    )
