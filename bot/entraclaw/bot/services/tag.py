r"""The line by which we know a service as ours: for whom it is, and that nobody changed it.

    entraclaw-service: {"python": …, "home": …, "profile": …, "digest": "…"}

It is one line of ASCII that is the same in a unit's comment, in XML and on a console of any
code page: what those would read as theirs is written as ``\uXXXX``. The digest is over the
whole text without it. Pure.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

from entraclaw.bot.services.program import Program

HERE = "{entraclaw-service}"  # where a text wants its tag; nothing before it comes from outside

_LINE = re.compile(r"entraclaw-service: (\{.*\})")
_THEIRS = re.compile(r"[&<>%]|--")


@dataclass(frozen=True, slots=True)
class Written:
    """What a service of ours says of itself.

    Attributes:
        program: What it starts.
        digest: Of the text as we wrote it.
        is_intact: Whether that is the digest of the text that was read.
    """

    program: Program
    digest: str
    is_intact: bool


def signed(text: str, program: Program) -> str:
    """Put the tag of *program* where *text* has `HERE`."""
    facts = asdict(program)
    digest = _digest(text.replace(HERE, _line(facts), 1))
    return text.replace(HERE, _line({**facts, "digest": digest}), 1)


def read(text: str) -> Written | None:
    """Read the tag of a service; None if it is not one of ours."""
    found = _LINE.search(text)
    if found is None:
        return None
    try:
        facts: dict[str, str] = json.loads(found[1])
        digest = facts.pop("digest")
        program = Program(**facts)
    except (ValueError, KeyError, TypeError):
        return None
    is_intact = _digest(text.replace(found[0], _line(facts), 1)) == digest
    return Written(program, digest, is_intact)


def _line(facts: dict[str, str]) -> str:
    document = json.dumps(facts, sort_keys=True)
    return "entraclaw-service: " + _THEIRS.sub(
        lambda found: "".join(f"\\u{ord(one):04x}" for one in found[0]), document
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
