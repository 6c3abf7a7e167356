"""Tell how long a message took there and back, and how much of that was ours.

Ours is all the time during which the host waits for us: from the channel's first byte to
the doorbell on the host's side of the pipe, and from a tool call on that pipe to its
result. The time at the connector counts as ours, too; what a host, its model and the tap
take is theirs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

_NS_PER_MS = 1e6

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Trip:
    """One message there and back; times are monotonic nanoseconds.

    Attributes:
        word: What it said, and its answer must say.
        posted_at: When the channel began to send it.
        answered_at: When its answer was in Teams.
    """

    word: str
    posted_at: int
    answered_at: int

    @property
    def ns(self) -> int:
        """How long it took."""
        return self.answered_at - self.posted_at


@dataclass(frozen=True, slots=True)
class Noted:
    """What the taps noted; times are monotonic nanoseconds.

    Attributes:
        bells: When a doorbell was with the host.
        rung_by: How often by which waker.
        calls: From a tool call on the pipe to its result.
    """

    bells: Sequence[int]
    rung_by: Mapping[str, int]
    calls: Sequence[Span]

    @classmethod
    def read(cls, notes: Iterable[dict[str, Any]]) -> "Noted":
        """Pair what the taps wrote, in whatever order they wrote it."""
        bells: list[int] = []
        rung_by: Counter[str] = Counter()
        asked: dict[object, int] = {}
        calls: list[Span] = []
        for note in sorted(notes, key=lambda note: int(note["at"])):
            match note["what"]:
                case "bell":
                    bells.append(note["at"])
                    rung_by[note["by"]] += 1
                case "in":
                    asked[note["id"]] = note["at"]
                case _ if note["id"] in asked:
                    calls.append((asked.pop(note["id"]), note["at"]))
                case _:
                    pass  # an answer to something else than a tool call
        return cls(bells, rung_by, calls)

    def to_bell(self, trip: Trip) -> int:
        """Tell how many nanoseconds after *trip* began its host heard of it."""
        rung = min((at for at in self.bells if at >= trip.posted_at), default=trip.answered_at)
        read = min((end for _, end in self.calls if end >= trip.posted_at), default=rung)
        return min(rung, read) - trip.posted_at

    def ours(self, trip: Trip) -> int:
        """Tell how many nanoseconds of *trip* the host waited for us."""
        window = (trip.posted_at, trip.answered_at)
        waited = (trip.posted_at, trip.posted_at + self.to_bell(trip))
        return _length(_clipped((waited, *self.calls), window))


def summary(trips: Sequence[Trip], noted: Noted) -> dict[str, float]:
    """Give the medians of the time, of our part, and of that to the doorbell; and our share."""
    ours = [noted.ours(trip) for trip in trips]
    whole = sum(trip.ns for trip in trips)
    return {
        "p50_ms": _middle([trip.ns for trip in trips]),
        "bridge_ms": _middle(ours),
        "doorbell_ms": _middle([noted.to_bell(trip) for trip in trips]),
        "bridge_share": round(sum(ours) / whole, 3) if trips else 0.0,
    }


def _middle(times: Sequence[int]) -> float:
    return round(median(times) / _NS_PER_MS, 1) if times else 0.0


def _clipped(spans: Iterable[Span], window: Span) -> list[Span]:
    first, last = window
    clipped = [(max(begin, first), min(end, last)) for begin, end in spans]
    return sorted(span for span in clipped if span[0] < span[1])


def _length(spans: Sequence[Span]) -> int:
    """Add up sorted *spans*; what several have in common counts once."""
    reached = [0]
    for _, end in spans:
        reached.append(max(reached[-1], end))
    starts = [max(begin, before) for (begin, _), before in zip(spans, reached, strict=False)]
    return sum(
        max(0, after - start) for start, (_, after) in zip(starts, pairwise(reached), strict=True)
    )
