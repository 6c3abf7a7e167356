"""Read what a host asks before it uses a tool, and make it fit to be shown.

Pure. The same question may come by two ways, a hook and the channel. It counts as the same
only if both give the whole input, value for value: an answer must never allow what the one
who gave it did not see. What is shown hides nothing without saying so. docs/approvals.md
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from entraclaw.bot.fields import mapping, text
from entraclaw.bot.plain import marked, plain_name

ID = re.compile("[a-km-z]{5}")
SHOWN_LIMIT = 3500  # code points; Claude Code shows as many

_TOOL_LIMIT = 128  # letters of a tool's name
_NOTE_LIMIT = 48  # letters that the words for what is left out take at most
_LONGEST = 4 * 1024 * 1024  # bytes of a question


class Origin(StrEnum):
    """How a question came."""

    HOOK = "hook"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Question:
    """What a host asks.

    Attributes:
        session: Its session.
        tool: What it wants to use.
        description: What the host says of that; may be empty, and may say nothing.
        input: What it wants to use it with, as it is shown: JSON, or what a channel previews.
        left_out: How many characters are missing in the middle of *input*.
        origin: How it came.
        sameness: Equal for equal inputs; empty when the input is not known as a whole.
        host_id: What the host calls it; empty for a hook's.
    """

    session: str
    tool: str
    description: str
    input: str
    left_out: int
    origin: Origin
    sameness: str = ""
    host_id: str = ""


def from_hook(session: str, line: bytes) -> Question | None:
    """Read what a hook asks: ``{"tool", "input", "description"?}``; None if it is no question.

    Its input is the whole of it.
    """
    if len(line) > _LONGEST:
        return None
    try:
        asked: object = json.loads(line)
        given = mapping(asked).get("input")
        whole = json.dumps(given, ensure_ascii=False)
        same = _sameness(given)
    except (ValueError, RecursionError):
        return None
    tool = plain_name(text(asked, "tool"), _TOOL_LIMIT)
    if not tool:
        return None
    shown, left_out = _shown(whole)
    description, _ = _shown(text(asked, "description"))
    return Question(session, tool, description, shown, left_out, Origin.HOOK, same)


def from_channel(session: str, params: object) -> Question | None:
    """Read what a host asks over its channel; None if it is no question.

    ``{"request_id", "tool_name", "description", "input_preview"}``, all of them strings.
    """
    host_id, tool = text(params, "request_id"), plain_name(text(params, "tool_name"), _TOOL_LIMIT)
    preview, description = text(params, "input_preview"), text(params, "description")
    if not ID.fullmatch(host_id) or not tool or len(preview) > _LONGEST:
        return None
    try:
        same = _sameness(json.loads(preview))
    except (ValueError, RecursionError):
        same = ""  # only a part of the input, or a mask over something in it
    shown, left_out = _shown(preview)
    description, _ = _shown(description)
    return Question(session, tool, description, shown, left_out, Origin.CHANNEL, same, host_id)


def _sameness(given: object) -> str:
    return sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _shown(words: str) -> tuple[str, int]:
    """Make *words* harmless and short; tells how many characters are left out of the middle."""
    if len(words) <= SHOWN_LIMIT and len(safe := marked(words)) <= SHOWN_LIMIT:
        return safe, 0
    room = (SHOWN_LIMIT - _NOTE_LIMIT) // 2
    start, end = _fitting(words, room), _fitting(reversed(words), room)
    left_out = len(words) - len(start) - len(end)
    note = f" […{left_out} characters left out…] "
    return "".join((*start, note, *reversed(end))), left_out


def _fitting(words: Iterable[str], room: int) -> list[str]:
    """Make the first of *words* harmless, as many as take no more than *room*."""
    taken: list[str] = []
    for one in islice(words, room):
        safe = marked(one)
        room -= len(safe)
        if room < 0:
            break
        taken.append(safe)
    return taken
