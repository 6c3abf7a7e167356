"""Run orders against Graph: send each call, wait where waiting helps, tell what goes on.

The one place where an administrator's calls, the clock and whoever watches come together.
`consistency` says what is tried again, and for how long.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from entraclaw.errors import EntraclawError, Uncertain, Unreachable
from entraclaw.identity.provisioning.calls import SERVICE, Call, Orders, Reply
from entraclaw.identity.provisioning.consistency import (
    BROKEN,
    Heard,
    Why,
    is_unknown,
    pause,
    why_again,
)

_T = TypeVar("_T")
_LOOK = "it may have been done: run the same command again, which looks first"


class Sender(Protocol):
    """What sends a call once: `GraphAdmin`."""

    def send(self, call: Call) -> Heard:
        """Make *call* once."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for, told before each pause.

    Attributes:
        call: The call that is made again.
        why: What it waits for.
        waited_s: Since the call was first made.
        pause_s: Until it is made again.
    """

    call: Call
    why: Why
    waited_s: float
    pause_s: float


Tell = Callable[[Waiting], None]


class Driver:
    """Runs orders, one after the other."""

    def __init__(
        self,
        sender: Sender,
        tell: Tell | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send by *sender*; *tell* hears of each wait; *now* gives seconds that never go back."""
        self._sender, self._tell, self._sleep, self._now = sender, tell, sleep, now

    def run(self, orders: Orders[_T]) -> _T:
        """Send what *orders* yield, and give what they return.

        What *orders* raise is raised; what stops a call is raised in them first, so that they
        can leave things in order.

        Raises:
            Unreachable: Graph does not answer, or is busy for longer than anybody waits.
            Uncertain: It broke off, and what it was told may have been done.
        """
        try:
            call = next(orders)
            while True:
                call = self._step(orders, call)
        except StopIteration as end:
            result: _T = end.value
            return result

    def _step(self, orders: Orders[_T], call: Call) -> Call:
        try:
            reply = self.ask(call)
        except EntraclawError as error:
            return orders.throw(error)
        return orders.send(reply)

    def ask(self, call: Call) -> Reply:
        """Make *call* until there is an answer that waiting does not change.

        Raises:
            Unreachable: As `run` does.
            Uncertain: As `run` does.
        """
        begun = self._now()
        while True:
            heard = self._sender.send(call)
            waited = self._now() - begun
            rest = pause(call, heard, waited)
            if rest is None:
                return _answer(call, heard)
            if self._tell is not None:
                self._tell(Waiting(call, rest.why, waited, rest.seconds))
            self._sleep(rest.seconds)


def _answer(call: Call, heard: Heard) -> Reply:
    status = heard.reply.status
    reason = f"status {status}" if status != BROKEN else "the line broke off"
    if is_unknown(call, heard.reply):
        raise Uncertain(SERVICE, reason, hint=_LOOK)
    if why_again(call, heard) in {Why.BUSY, Why.BROKEN}:
        raise Unreachable(SERVICE, reason, retry_after=heard.retry_after, is_passing=True)
    return heard.reply
