"""What happens reaches those who watch, and nobody else pays for it."""

import asyncio
from typing import Any

from entraclaw.bot.changes import Change, Tell
from entraclaw.bot.happenings import Happenings

BOUND_S = 30.0


class Switch:
    """Notes what wants to hear of changes."""

    def __init__(self) -> None:
        self.tell: Tell | None = None
        self.turned = 0

    def __call__(self, tell: Tell | None) -> None:
        self.tell = tell
        self.turned += 1


def happenings(switch: Switch) -> Happenings:
    return Happenings(lambda: 12.3456, switch)


async def test_watcher_hears_first_that_it_watches_and_then_what_happens() -> None:
    told = happenings(Switch())
    told.tell("before")
    with told.watching() as watcher:
        told.tell("arrived", seq=1)
        async with asyncio.timeout(BOUND_S):
            heard = await watcher.next()

    assert heard == [
        {"at": 12.346, "what": "watching"},
        {"at": 12.346, "what": "arrived", "seq": 1},
    ]


async def test_changes_are_asked_for_while_anybody_watches_and_no_longer() -> None:
    switch = Switch()
    told = happenings(switch)
    with told.watching(), told.watching() as second:
        assert switch.turned == 1
        assert switch.tell is not None
        switch.tell([Change("opened", {"seq": 3})])
        async with asyncio.timeout(BOUND_S):
            heard = await second.next()

    assert heard[-1]["seq"] == 3
    assert [switch.turned, switch.tell] == [2, None]


async def test_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    told = happenings(Switch())
    with told.watching() as watcher:
        for seq in range(1500):
            told.tell("arrived", seq=seq)
        async with asyncio.timeout(BOUND_S):
            heard: list[dict[str, Any]] = await watcher.next()

    assert heard[0] == {"at": 12.346, "what": "missed", "number": 501}
    assert [heard[1]["seq"], heard[-1]["seq"], len(heard)] == [500, 1499, 1001]
