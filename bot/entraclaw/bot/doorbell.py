"""When to ring a session. Pure: it is told the time, and tells when it wants to be asked.

The first message rings at once; what comes within a second of that, before the session
has read, rings together. A ring that nobody follows up is repeated with growing pauses
until the session reads.
"""

from dataclasses import dataclass

TOGETHER_S = 1.0
PAUSES_S = (5.0, 15.0, 45.0, 120.0, 300.0)


@dataclass(slots=True)
class Bell:
    """The doorbell of one session. Times are seconds of any steady clock.

    Attributes:
        due: When to ring next, if anything waits then; None while nothing is to be rung for.
        unheard: How often it rang since the session last read.
        rang: When it rang last; None if it did not since the session last read.
    """

    due: float | None = None
    unheard: int = 0
    rang: float | None = None

    def call(self, now: float) -> None:
        """Something new waits: ring soon."""
        soon = now if self.rang is None else max(now, self.rang + TOGETHER_S)
        self.due = soon if self.due is None else min(self.due, soon)

    def call_anew(self, now: float) -> None:
        """There is another way to ring for what waits: do it at once."""
        self.rang = None
        self.call(now)

    def ring(self, now: float) -> None:
        """It was rung just now."""
        pause = PAUSES_S[min(self.unheard, len(PAUSES_S) - 1)]
        self.rang, self.due = now, now + pause
        self.unheard += 1

    def read(self) -> None:
        """The session has read: it knows."""
        self.due, self.rang, self.unheard = None, None, 0

    def rest(self) -> None:
        """Nothing waits for it."""
        self.due = None
