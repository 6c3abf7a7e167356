"""What is asked before power is widened, and what a sponsor's code confirms of it.

Pure: every method gives a new state. A request ends once: confirmed, denied, expired or
withdrawn. Its code is good once, for the change it was made for, and only after whoever
writes it has been shown, in their own chat, what it does. Who may confirm is settled
before; docs/proof.md says by whom and what that is worth.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hmac import compare_digest

from entraclaw.bot.access import DIGITS, SIGNS
from entraclaw.errors import ProofRefused

KEPT_S = 600.0
OPEN_LIMIT = 5
TRIES = 5  # wrong codes, of all sponsors, until everything that waits is denied
LATELY_S = 3600.0
LATELY_LIMIT = 20  # requests in that time: each is told to every sponsor

# Nine signs of 24 and a digit of 5, 43 bits: no word of a language ends in a digit. Between
# the halves stands what a phone makes of a dash while somebody types, or nothing.
_CODE = re.compile(rf"([{SIGNS}]{{5}})[-\u2010-\u2015\u2212]?([{SIGNS}]{{4}}[{DIGITS}])")


class Outcome(StrEnum):
    """How a request ended."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Request:
    """One change that waits for its proof.

    Attributes:
        id: Names it in logs; proves nothing.
        what: The change in words, to end the sentence "somebody asks me to".
        code: What confirms it.
        until: Seconds since the epoch; it has expired then.
        shown: Object ids of those who were told, in their own 1:1, what it is.
    """

    id: str
    what: str
    code: str = field(repr=False)
    until: float
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The code was right, and whoever wrote it knew what it does."""

    request: Request


@dataclass(frozen=True, slots=True)
class Show:
    """The code was right; whoever wrote it must be told what it does, and write it again."""

    request: Request


@dataclass(frozen=True, slots=True)
class Unknown:
    """No request has that code: mistyped, used, or run out.

    Attributes:
        denied: What it was one wrong code too many for.
    """

    denied: tuple[Request, ...] = ()


Answer = Confirmed | Show | Unknown


@dataclass(frozen=True, slots=True)
class Proofs:
    """What waits.

    Attributes:
        open: The requests, oldest first.
        wrong: Wrong codes since something waits.
        asked: When the latest requests were made, seconds since the epoch.
    """

    open: tuple[Request, ...] = ()
    wrong: int = 0
    asked: tuple[float, ...] = ()

    def ask(self, name: str, what: str, code: str, now: float) -> tuple["Proofs", Request]:
        """Let a change wait, under a *name* and a *code* that no other has.

        Raises:
            ProofRefused: Too many wait, or were asked for lately.
        """
        lately = tuple(moment for moment in self.asked if now - LATELY_S < moment <= now)
        if len(self.open) >= OPEN_LIMIT:
            raise ProofRefused(
                f"{OPEN_LIMIT} other changes wait for a proof already",
                hint="end those commands, or try again in ten minutes",
            )
        if len(lately) >= LATELY_LIMIT:
            raise ProofRefused(
                f"a proof was asked for {LATELY_LIMIT} times within an hour",
                hint="wait, or give the proof at this machine: --here",
            )
        request = Request(name, what, code, now + KEPT_S)
        return replace(self, open=(*self.open, request), asked=(*lately, now)), request

    def show(self, name: str, oid: str) -> "Proofs":
        """Note that *oid* was told, in their own 1:1, what the request *name* does."""
        return replace(
            self,
            open=tuple(
                replace(one, shown=one.shown | {oid}) if one.id == name else one
                for one in self.open
            ),
        )

    def confirm(self, code: str, oid: str) -> tuple["Proofs", Answer]:
        """Take a *code* that the sponsor *oid* wrote in their own 1:1."""
        found = next((one for one in self.open if compare_digest(one.code, code)), None)
        if found is None:
            return self._mistake()
        if oid not in found.shown:
            return self, Show(found)
        return self.end(found.id), Confirmed(found)

    def end(self, name: str) -> "Proofs":
        """Take the request *name* away, however it ended; its code is void."""
        rest = tuple(one for one in self.open if one.id != name)
        return replace(self, open=rest, wrong=self.wrong if rest else 0)

    def waits(self, name: str) -> bool:
        """Tell whether the request *name* has not ended."""
        return any(one.id == name for one in self.open)

    def expired(self, now: float) -> tuple[Request, ...]:
        """List the requests whose time is up."""
        return tuple(one for one in self.open if now >= one.until)

    def _mistake(self) -> tuple["Proofs", Unknown]:
        if not self.open:
            return self, Unknown()
        if self.wrong + 1 < TRIES:
            return replace(self, wrong=self.wrong + 1), Unknown()
        return replace(self, open=(), wrong=0), Unknown(self.open)


def new_code(choose: Callable[[str], str]) -> str:
    """Make a code such as ``K7Q3M-X9H47``; *choose* picks one of a string (`secrets.choice`)."""
    signs = "".join(choose(SIGNS) for _ in range(9))
    return f"{signs[:5]}-{signs[5:]}{choose(DIGITS)}"


def read_code(text: str) -> str:
    """Read a code as people write it, in any case; empty when *text* is none."""
    found = _CODE.fullmatch(text.strip().upper())
    return f"{found[1]}-{found[2]}" if found else ""
