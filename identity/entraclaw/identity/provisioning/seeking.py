"""How long to look for what a journal speaks of: a copy of the directory may not show it yet."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from entraclaw.identity.provisioning.calls import Document
from entraclaw.identity.provisioning.facts import Application, Identity, User
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.steps import Rest, Steps

SETTLED_S = 120.0  # after which whoever still does not see a thing never will
_PAUSE_S = 5.0
# Of these there can be several: whoever makes one has to know that there is none yet. Of the
# others Graph itself refuses the second.
_TWICE = frozenset({Part.BLUEPRINT, Part.IDENTITY})

Now: TypeAlias = Callable[[], float]


class Seek:
    """Looks for what *journal* speaks of; *now* is seconds since the epoch."""

    def __init__(self, journal: Journal, now: Now, *, patiently: bool) -> None:
        """Wait for what may not be shown yet only where *patiently*."""
        self.journal, self._now, self._patiently = journal, now, patiently

    def is_fresh(self, part: Part) -> bool:
        """Whether *part* was made so lately that a copy may not show it."""
        thing = self.journal.things.get(part)
        at = thing.at if thing else self.journal.begun.get(part) if part in _TWICE else None
        return self._patiently and at is not None and 0 <= self._now() - at < SETTLED_S

    def until(
        self, part: Part, attempt: Callable[[], Steps[Document | None]]
    ) -> Steps[Document | None]:
        """Try *attempt* until it finds something, or *part* cannot be fresh any more."""
        while True:
            found = yield from attempt()
            if found is not None or not self.is_fresh(part):
                return found
            yield Rest(_PAUSE_S, f"the {part} that an earlier setup made may not be seen yet")

    def gone(
        self,
        blueprint: Application | None,
        principal: str,
        identity: Identity | None,
        user: User | None,
    ) -> frozenset[Part]:
        """Name what the journal has and the tenant has not."""
        found: Mapping[Part, object] = {
            Part.BLUEPRINT: blueprint,
            Part.PRINCIPAL: principal,
            Part.IDENTITY: identity,
            Part.USER: user,
        }
        return frozenset(
            part for part, one in found.items() if not one and part in self.journal.things
        )
