"""A line of the doctor: what was looked at, what was found, and what puts it right."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum


class Group(StrEnum):
    """Under which heading a line stands, in the order of the page."""

    IDENTITY = "Identity"
    MICROSOFT = "Microsoft 365"
    MACHINE = "This machine"
    HOSTS = "Hosts"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor.

    Attributes:
        name: What was looked at.
        says: What was found, one sentence without a full stop.
        cure: The command, or the step, that puts it right; empty where it is well. Of a
            note, how to go on.
        remedy: Puts it right; None where a person must.
        group: Where it stands.
        is_note: Nothing is wrong: it is not there yet, or cannot be known from here.
    """

    name: str
    says: str
    cure: str = ""
    remedy: Callable[[], None] | None = None
    group: Group = Group.MACHINE
    is_note: bool = False

    @property
    def is_well(self) -> bool:
        """Whether nothing needs to be put right."""
        return self.is_note or not self.cure


def told_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Make a note of what the cure of an earlier line puts right, too: one cause, one red line."""
    first: dict[str, str] = {}
    for one in findings:
        if one.is_well or one.cure not in first:
            first.update({} if one.is_well else {one.cure: one.name})
            yield one
        else:
            yield replace(one, cure=f"put right what is said of {first[one.cure]}", is_note=True)
