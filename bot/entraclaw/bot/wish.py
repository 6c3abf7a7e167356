"""What somebody at this machine wants done, told in words before it is done.

Each command that can widen power binds its request to one of these: the words a person is
shown, whether it needs a proof at all, and the doing. Whoever proves it proves exactly this.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Request: TypeAlias = Mapping[str, object]
Result: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """One change, bound.

    Attributes:
        what: To end the sentence "somebody asks me to".
        needs_proof: Whether it widens power.
        do: Does it, for whoever is named: an object id, or `access.DESK`. Gives what is so
            afterwards under ``did``, and what else a program may want.
    """

    what: str
    needs_proof: bool
    do: Callable[[str], Awaitable[Result]]


Bind: TypeAlias = Callable[[Request], Awaitable[Wish]]
