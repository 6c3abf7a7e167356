"""The words that are the daemon's own, and that never reach the agent.

Only a whole message is such a word, never a part of one. Whether it counts is for the
caller to say: who wrote it, where, and whether it came late.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from entraclaw.bot import proof
from entraclaw.bot.access import read_code

# ASCII, or the long s would stop somebody's agent.
_STOP = re.compile(r"/?stop[.!]*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop what the agent is doing here."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Let in whoever was told *code*; good only from a sponsor, in a 1:1, not late."""

    code: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Take everything said here as meant for the agent; good only from a sponsor, in a group."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Take only what is addressed to the agent, as before `Listen`."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Do what was asked for with *code*; good only from a sponsor, in a 1:1, not late."""

    code: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing of what waits for a code; good only from a sponsor, in a 1:1, not late."""


Word = Stop | Approve | Listen | Hush | Confirm | Refuse


_BARE: Mapping[str, Word] = {"listen": Listen(), "hush": Hush(), "refuse": Refuse()}


def word(text: str) -> Word | None:
    """Read *text*, its mentions taken out, as one of our words; None is an ordinary message."""
    if _STOP.fullmatch(text.strip()):
        return Stop()
    match text.split():
        case [only] if only.lower() in _BARE:
            return _BARE[only.lower()]
        case [first, code] if first.lower() == "pair" and read_code(code):
            return Approve(read_code(code))
        case [first, code] if first.lower() == "confirm" and proof.read_code(code):
            return Confirm(proof.read_code(code))
        case _:
            return None
