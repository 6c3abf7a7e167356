"""Run the steps of a setup: send what they call, keep what they note, tell what goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from entraclaw.identity.provisioning.calls import Call, Reply
from entraclaw.identity.provisioning.driving import Driver, Waiting
from entraclaw.identity.provisioning.graph_admin import GraphAdmin
from entraclaw.identity.provisioning.journal import Journal
from entraclaw.identity.provisioning.steps import Begin, Keep, Rest, Step, Steps

_T = TypeVar("_T")
_NOTHING = Reply(204, {})


class Show(Protocol):
    """Who shows a person what goes on."""

    def begin(self, name: str, says: str) -> None:
        """The step *name* begins."""
        ...

    def wait(self, why: str) -> None:
        """Something is waited for."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """Runs steps, one after the other.

    Attributes:
        driver: Makes the calls.
        keep: Writes a journal down.
        show: Shows what goes on.
        sleep: Waits, seconds.
    """

    driver: Driver
    keep: Callable[[Journal], None]
    show: Show
    sleep: Callable[[float], object] = time.sleep

    @classmethod
    def by(cls, graph: GraphAdmin, keep: Callable[[Journal], None], show: Show) -> "Running":
        """Call by *graph*, and show what that waits for, too."""

        def tell(waiting: Waiting) -> None:
            show.wait(f"{waiting.call.awaits or 'an answer'}: {waiting.why}")

        return cls(Driver(graph, tell), keep, show)

    def run(self, steps: Steps[_T]) -> _T:
        """Do what *steps* yield, and give what they return.

        Raises:
            EntraclawError: What they raise, and what stops a call or a note.
        """
        answer = _NOTHING
        try:
            step = next(steps)
            while True:
                answer = self._do(step)
                step = steps.send(answer)
        except StopIteration as end:
            result: _T = end.value
            return result

    def _do(self, step: Step) -> Reply:
        match step:
            case Call():
                return self.driver.ask(step)
            case Keep(journal):
                self.keep(journal)
            case Begin(name, says):
                self.show.begin(name, says)
            case Rest(seconds, why):
                self.show.wait(why)
                self.sleep(seconds)
        return _NOTHING
