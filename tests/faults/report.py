"""What a run was asked for, what came of it, and how far it is."""

import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from faults.ledger import Ledger, Wrong
from faults.plants import Plant

_EVERY = 25
_WIDTH = 30
_SLOWEST = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    cycles: int
    seed: int
    only: str = ""
    plant: Plant = Plant.NONE


@dataclass(slots=True)
class Report:
    """What came of it, over all lanes."""

    plan: Plan
    ledgers: list[Ledger] = field(default_factory=list[Ledger])
    misses: list[str] = field(default_factory=list[str])
    by_fault: Counter[str] = field(default_factory=Counter[str])
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))

    def count(self, wrong: Wrong) -> int:
        """Count the offences of one kind."""
        return sum(ledger.count(wrong) for ledger in self.ledgers)

    @property
    def sent(self) -> int:
        """How many messages were sent."""
        return sum(len(ledger.messages) for ledger in self.ledgers)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or reordered; what else was odd is told."""
        return not any(self.count(wrong) for wrong in Wrong if wrong is not Wrong.OTHER)

    def document(self) -> dict[str, object]:
        """Shape it as the last line of output."""
        states = sum((ledger.state_counts() for ledger in self.ledgers), Counter[str]())
        return {
            "cycles": self.by_fault.total(),
            "sent": self.sent,
            "answered": sum(ledger.answered() for ledger in self.ledgers),
            **{wrong.value: self.count(wrong) for wrong in Wrong},
            "ambiguous": states["ambiguous"],
            "dead": states["dead"],
            "stalled": sum(len(ledger.delayed) for ledger in self.ledgers),
            "by_fault": dict(sorted(self.by_fault.items())),
            "seed": self.plan.seed,
        }


class Progress:
    """Tells on stderr: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, report: Report) -> None:
        self._report, self._began = report, time.monotonic()
        self._told: Counter[int] = Counter()
        self._is_live = sys.stderr.isatty()

    def tell(self, fault: str) -> None:
        """Tell of the end of a cycle, and of what it found."""
        self._tell_offences()
        number = self._report.by_fault.total()
        if self._is_live:
            self._write(f"{self._line()}  {fault}")
        elif number % _EVERY == 0 or number == self._report.plan.cycles:
            self._write(f"{self._line()}\n")

    def end(self) -> None:
        """Tell what only the end showed, which points were armed in vain, what took long."""
        self._tell_offences()
        for name, number in Counter(self._report.misses).most_common():
            self._write(f"armed and not reached, {number} times: {name}\n")
        by_time = sorted(self._report.seconds.items(), key=lambda item: -item[1])
        for name, seconds in by_time[:_SLOWEST]:
            each = seconds / self._report.by_fault[name]
            self._write(f"{seconds:7.1f} s, {each:6.2f} s each: {name}\n")

    def _tell_offences(self) -> None:
        for number, ledger in enumerate(self._report.ledgers):
            fresh = ledger.offences[self._told[number] :]
            for offence in fresh if self._report.plan.plant is Plant.NONE else ():
                self._write(f"{offence}\n")
            self._told[number] = len(ledger.offences)

    def _line(self) -> str:
        number, cycles = self._report.by_fault.total(), self._report.plan.cycles
        done = number * _WIDTH // cycles
        bar = "█" * done + "░" * (_WIDTH - done)
        took = time.monotonic() - self._began
        wrong = "  ".join(f"{wrong} {self._report.count(wrong)}" for wrong in Wrong)
        return (
            f"{bar} {number}/{cycles}  {took / 60:.1f} min  {number / took * 60:.0f} a minute  "
            f"sent {self._report.sent}  {wrong}"
        )

    def _write(self, text: str) -> None:
        # Back to the begin of the line, and clear it: what was there is old.
        sys.stderr.write(f"\r\033[K{text}" if self._is_live else text)
        sys.stderr.flush()
