"""The context of a turn shows a group as it stands now."""

from typing import Any

import orjson
import pytest

from entraclaw.bot.context import fence
from entraclaw.bot.inbox import Arrival, Entry

SAID, EDIT, GONE, LIKED = "message", "messageUpdate", "messageDelete", "messageReaction"


def entry(seq: int, kind: str, activity: str, sender: str = "ada", *, seen: bool = True) -> Entry:
    """Something that was observed; what was seen shows its own number."""
    arrival = Arrival("t", "19:1", activity, kind, "", sender, b"{}", b"{}", 1.0)
    return Entry(seq, arrival, "19:1", view=orjson.dumps({"n": seq}) if seen else b"")


@pytest.mark.parametrize(
    ("observed", "shown"),
    [
        ([], []),
        ([(SAID, "a"), (SAID, "b")], [0, 1]),
        ([(SAID, "a"), (EDIT, "a"), (EDIT, "a")], [2]),
        ([(EDIT, "a"), (EDIT, "a")], [1]),
        ([(SAID, "a"), (GONE, "a")], []),
        ([(SAID, "a"), (EDIT, "a"), (GONE, "a")], []),
        ([(SAID, "a"), (GONE, "a"), (EDIT, "a")], [2]),
        ([(GONE, "a")], [0]),
        ([(EDIT, "a"), (GONE, "a")], [1]),
        ([(SAID, "a"), (LIKED, "a"), (LIKED, "a")], [0, 1, 2]),
        ([(SAID, "a"), (EDIT, "b")], [0, 1]),
        ([(SAID, "a", "ada"), (EDIT, "a", "eve"), (GONE, "a", "eve")], [0, 2]),
    ],
)
def test_only_the_last_wording_of_what_still_stands_is_shown(
    observed: list[tuple[str, ...]], shown: list[int]
) -> None:
    entries = [entry(number, *one) for number, one in enumerate(observed)]
    views: tuple[dict[str, Any], ...]
    views, unseen = fence(entries)

    assert ([view["n"] for view in views], unseen) == (shown, 0)


def test_only_messages_are_counted_of_what_may_not_be_seen() -> None:
    kinds = [SAID, SAID, EDIT, GONE, LIKED]
    observed = [entry(n, kind, str(n), seen=False) for n, kind in enumerate(kinds)]

    assert fence(observed) == ((), 2)
