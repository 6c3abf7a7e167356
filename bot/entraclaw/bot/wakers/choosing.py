"""The ways to wake a host session, one module each.

No host acknowledges a push, so a waker only rings: it says how many messages wait, and
what follows is seen when the session reads. Which one rings is chosen anew each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from entraclaw.bot.sessions import Session
from entraclaw.bot.wakers.blocking import Blocking
from entraclaw.bot.wakers.channel import Channel
from entraclaw.bot.wakers.inbox import Inbox
from entraclaw.bot.wakers.monitor import Monitor
from entraclaw.bot.wakers.rewake import Rewake

RINGS_EACH = 2  # rings that nobody follows up before another waker is tried


class Waker(Protocol):
    """One way to wake a session."""

    @property
    def name(self) -> str:
        """Its name in `status`."""
        ...

    def why_not(self, session: Session) -> str:
        """Say why it cannot wake *session*, as a clause; empty if it can."""
        ...

    async def ring(self, session: Session, waiting: int) -> None:
        """Tell *session* that *waiting* messages wait; nothing more."""
        ...


# The best first: those whose ring a host cannot drop, and that say it is no person who speaks.
WAKERS: Final[Sequence[Waker]] = (Blocking(), Monitor(), Inbox(), Rewake(), Channel())


@dataclass(frozen=True, slots=True)
class Chances:
    """What can wake a session, the best first, and why the others cannot."""

    can: Sequence[Waker]
    cannot: Sequence[tuple[str, str]]


def chances(session: Session, wakers: Sequence[Waker] = WAKERS) -> Chances:
    """Ask every waker about *session*."""
    answers = [(waker, waker.why_not(session)) for waker in wakers]
    return Chances(
        [waker for waker, why_not in answers if not why_not],
        [(waker.name, why_not) for waker, why_not in answers if why_not],
    )


def choose(can: Sequence[Waker], unheard: int) -> Waker | None:
    """Choose among those that can: the best, and others in turn when it was not heard."""
    return can[unheard // RINGS_EACH % len(can)] if can else None


def is_needed(session: Session, kind: str) -> bool:
    """Tell whether a program of *kind* should stay and listen for *session*.

    One that costs its host a process only to wait is sent away where another does better.
    """
    return kind != "rewake" or not any(session.listener(one) for one in ("monitor", "inbox"))
