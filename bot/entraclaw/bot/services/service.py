"""The service of one profile: install it, remove it, and see how it is.

Nothing is written over or removed that is not ours, of this profile and as we wrote it.
"""

import os
from dataclasses import dataclass

from entraclaw.bot.services import judging, tag
from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.managers import Manager
from entraclaw.bot.services.program import Program
from entraclaw.errors import EntraclawError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done.

    Attributes:
        manager: What people call the service manager.
        service: What it calls the service.
        place: Where that is kept.
        was_changed: Whether it was written or removed; False if it was so already.
        notes: What a person should know.
    """

    manager: str
    service: str
    place: str
    was_changed: bool
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Shape it for programs."""
        return {
            "manager": self.manager,
            "service": self.service,
            "place": self.place,
            "changed": self.was_changed,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """A service that is installed.

    Attributes:
        manager: What people call the service manager.
        place: Where it is kept.
        python: The interpreter it starts.
        trouble: Why it does not start what it should; None if it does.
        start_with: The command that starts it by hand.
    """

    manager: str
    place: str
    python: str
    trouble: Trouble | None
    start_with: str

    @property
    def says(self) -> str:
        """Put it in one sentence, without a full stop."""
        return self.trouble.says if self.trouble else f"{self.manager} starts it: {self.place}"

    def document(self) -> dict[str, object]:
        """Shape it for programs."""
        return {
            "manager": self.manager,
            "place": self.place,
            "python": self.python,
            "trouble": self.trouble.says if self.trouble else None,
            "cure": self.trouble.cure if self.trouble else None,
        }


class Service:
    """The service of one program, with one manager."""

    def __init__(self, manager: Manager, program: Program) -> None:
        """Have *manager* run *program*; nothing is done yet."""
        self._manager, self._program = manager, program

    def install(self) -> Outcome:
        """Have it run from now on; twice is as once.

        Raises:
            EntraclawError: There is no manager here, something else is at its place, or the
                manager did not take it.
        """
        if self._program.unwritable:
            raise EntraclawError(
                f"no service can be given the path {self._program.unwritable}",
                hint="move it to a folder whose name has printable characters only",
            )
        self._insist_on_manager()
        text, found = self._manager.render(self._program), self._found()
        notes = list[str]()
        if found is not None:
            written = self._ours(found)
            trouble = judging.stale(written, self._program, _is_there)
            notes += [f"before, {trouble.says}"] if trouble else []
        is_new = found is None or _digest(found) != _digest(text)
        if is_new:
            self._manager.put(self._program, text)
        else:
            self._manager.keep(self._program)
        return self._outcome(*notes, *self._manager.notes(), was_changed=is_new)

    def remove(self) -> Outcome:
        """Stop it and take it away; nothing is no error.

        Raises:
            EntraclawError: What is there is not ours, or the manager did not let it go.
        """
        found = self._found()
        if found is None:
            return self._outcome(was_changed=False)
        self._ours(found)
        self._insist_on_manager()
        self._manager.take(self._program)
        return self._outcome(was_changed=True)

    def look(self) -> Seen | None:
        """See the service of this profile; None if it has none. Changes nothing.

        One that somebody else wrote is theirs to look after.
        """
        written = tag.read(self._found() or "")
        if written is None or not judging.is_for(written, self._program):
            return None
        return Seen(
            self._manager.name,
            self._manager.place(self._program),
            written.program.python,
            judging.stale(written, self._program, _is_there),
            self._manager.start_with(self._program),
        )

    def _found(self) -> str | None:
        return self._manager.found(self._program)

    def _owned(self, found: str) -> tag.Written | Trouble:
        return judging.owned(
            tag.read(found),
            self._program,
            self._manager.place(self._program),
            rewrites=self._manager.rewrites,
        )

    def _ours(self, found: str) -> tag.Written:
        owned = self._owned(found)
        if isinstance(owned, Trouble):
            raise EntraclawError(owned.says, hint=owned.cure)
        return owned

    def _insist_on_manager(self) -> None:
        trouble = self._manager.unavailable()
        if trouble is not None:
            raise EntraclawError(trouble.says, hint=trouble.cure)

    def _outcome(self, *notes: str, was_changed: bool) -> Outcome:
        place = self._manager.place(self._program)
        return Outcome(self._manager.name, self._program.name, place, was_changed, notes)


def _digest(text: str) -> str | None:
    written = tag.read(text)
    return written.digest if written else None


def _is_there(python: str) -> bool:
    return os.access(python, os.X_OK)
