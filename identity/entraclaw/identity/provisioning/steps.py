"""What a setup says to whoever does the work: the calls to Graph, and what surrounds them.

`setting up` and `undoing` know the order; these are its words. A `Call` is sent its `Reply`,
everything else nothing.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from entraclaw.identity.provisioning.calls import Call, Reply
from entraclaw.identity.provisioning.journal import Journal

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Keep:
    """Write *journal* down, whole or not at all, before anything else is done."""

    journal: Journal


@dataclass(frozen=True, slots=True)
class Begin:
    """Say that the step *name* begins, and what it will be about."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait *seconds*, for *why*."""

    seconds: float
    why: str


Step: TypeAlias = Call | Keep | Begin | Rest
Steps: TypeAlias = Generator[Step, Reply, _T]
