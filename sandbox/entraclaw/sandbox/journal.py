"""An append-only list that can be waited on.

Whoever follows it holds a number, not a queue, so a slow reader costs nothing
and one that comes back misses nothing.
"""

import asyncio
from contextlib import suppress
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Journal(Generic[_Item]):
    """Items in the order in which they came, counted from 1."""

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._more = asyncio.Event()

    def __len__(self) -> int:
        """How many items there are, which is the number of the last."""
        return len(self._items)

    def append(self, item: _Item) -> None:
        """Add one item and wake whoever waits."""
        self._items.append(item)
        # Each event rings once, so that a waiter which comes later waits for later items.
        self._more.set()
        self._more = asyncio.Event()

    def since(self, n: int, most: int | None = None) -> list[_Item]:
        """Items with a number over *n*, at most so many."""
        first = max(n, 0)
        return self._items[first : None if most is None else first + most]

    async def after(self, n: int, wait_s: float) -> list[_Item]:
        """Items with a number over *n*, at once if there are any, else after at most *wait_s*."""
        await self.more(n, wait_s)
        return self.since(n)

    async def more(self, n: int, wait_s: float) -> None:
        """Wait until there is an item with a number over *n*, at most *wait_s*."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while len(self._items) <= n:
                    await self._more.wait()
