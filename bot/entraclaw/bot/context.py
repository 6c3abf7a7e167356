"""Make the context of a turn out of what was observed before it: as it stands now.

Pure. What its sender took back is not shown, and what was edited only as it reads today:
nobody is told in whole sentences what somebody else thought better of.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from entraclaw.bot.inbox import Entry

_MESSAGE, _EDIT, _DELETION = "message", "messageUpdate", "messageDelete"

View = dict[str, Any]


def fence(observed: Sequence[Entry]) -> tuple[tuple[View, ...], int]:
    """Give what of *observed*, oldest first, a host is shown, and how many messages it is not.

    Reactions and changes of what is not shown are no messages, and are not counted.
    """
    last = {
        _what(entry): entry.seq for entry in observed if entry.arrival.kind != "messageReaction"
    }
    said = {_what(entry) for entry in observed if entry.arrival.kind == _MESSAGE}

    def is_gone(entry: Entry) -> bool:
        kind, what = entry.arrival.kind, _what(entry)
        if kind == _DELETION:
            return what in said  # neither it nor what it deletes
        return kind in {_MESSAGE, _EDIT} and last[what] > entry.seq

    shown = [one for one in observed if one.view and not is_gone(one)]
    unseen = sum(one.arrival.kind == _MESSAGE and not one.view for one in observed)
    return tuple(orjson.loads(one.view) for one in shown), unseen


def _what(entry: Entry) -> tuple[str, str]:
    """Name a message, so that only its own sender's changes change it."""
    return entry.arrival.sender, entry.arrival.activity
