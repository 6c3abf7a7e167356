"""A machine that sets an agent up, and may die at any step of it."""

from dataclasses import dataclass
from typing import TypeVar

from entraclaw.identity.assertion import thumbprint_of
from entraclaw.identity.features import Want
from entraclaw.identity.provisioning.applying import Applied, apply
from entraclaw.identity.provisioning.calls import Call, Reply
from entraclaw.identity.provisioning.certificates import Certificate
from entraclaw.identity.provisioning.driving import Driver
from entraclaw.identity.provisioning.journal import Journal, read, written
from entraclaw.identity.provisioning.look import look
from entraclaw.identity.provisioning.plan import Row, blocked, plan
from entraclaw.identity.provisioning.steps import Begin, Keep, Rest, Steps
from entraclaw.identity.provisioning.undoing import Scope, scope, undo
from entraclaw.identity.provisioning.wish import Wish
from identity.graph_model import CLOUD, TENANT, WANTS, Tenant
from identity.graph_shelves import Clock

T = TypeVar("T")

MARK = "11111111-2222-4333-8444-555555555555"
URL = "https://agent.example/api/messages"
OURS = Certificate(thumbprint_of("b3Vycw=="), "b3Vycw==", "entraclaw test")
WISH = Wish(MARK, "Agent", endpoint=URL)


class CutOffError(Exception):
    """The process ended here."""


@dataclass(slots=True)
class Machine:
    """One profile, and its journal on a disk that survives."""

    tenant: Tenant
    wish: Wish = WISH
    kept: str = ""
    steps: int = 0
    cut: int = -1  # the step at which it dies
    is_late: bool = False  # whether what that step asks for is done before it dies
    rested: float = 0.0

    @property
    def journal(self) -> Journal:
        return read(self.kept)

    def run(self, steps: Steps[T]) -> T:
        driver = Driver(self.tenant, sleep=self.tenant.clock.sleep, now=self.tenant.clock)
        answer: Reply | None = None
        try:
            step = next(steps)
            while True:
                self.steps += 1
                dies = self.steps == self.cut
                if dies and not self.is_late:
                    raise CutOffError
                answer = self._do(step, driver)
                if dies:
                    raise CutOffError
                step = steps.send(answer or Reply(204, {}))
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: object, driver: Driver) -> Reply | None:
        match step:
            case Call():
                return driver.ask(step)
            case Keep(journal):
                self.kept = written(journal)
            case Rest(seconds, _):
                self.tenant.clock.sleep(seconds)
                self.rested += seconds
            case Begin():
                pass
            case _:
                raise AssertionError(step)
        return None

    def plan(self, wants: tuple[Want, ...] = WANTS) -> tuple[Row, ...]:
        journal = read(self.kept) if self.kept else Journal(MARK, CLOUD.login, TENANT)
        facts = self.run(look(self.wish, wants, journal, self.tenant.clock, patiently=False))
        return plan(self.wish, facts, journal, thumbprint="")

    def setup(self, wants: tuple[Want, ...] = WANTS) -> Applied:
        """Do what the command does, between the sign-in and the test message."""
        if not self.kept:
            self.kept = written(Journal(MARK, CLOUD.login, TENANT))
        clock = self.tenant.clock
        facts = self.run(look(self.wish, wants, self.journal, clock))
        rows = plan(self.wish, facts, self.journal, thumbprint="")
        assert blocked(rows) == (), blocked(rows)
        return self.run(
            apply(self.wish, wants, facts, OURS, self.journal, now=clock, graph=CLOUD.graph)
        )

    def teardown(self, *, keep_blueprint: bool = False) -> Scope:
        what = self.run(scope(self.journal, keep_blueprint=keep_blueprint))
        self.run(undo(self.journal, what, self.tenant.clock))
        return what


def machine(lag: float = 0.0, wish: Wish = WISH) -> Machine:
    return Machine(Tenant(Clock(), lag), wish)
