"""What happens in the daemon, told to whoever watches: `entraclaw tail`.

Ids and outcomes only. Nobody watching costs nothing; a watcher that is too slow loses the
oldest, and is told how many.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from entraclaw.bot.changes import Change, Tell

_KEPT = 1_000

Happening = dict[str, Any]


class Watcher:
    """One who watches."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self._kept: deque[Happening] = deque()
        self._missed = 0
        self._news = asyncio.Event()

    def put(self, happening: Happening) -> None:
        """Keep *happening* until `next` is asked for it."""
        if len(self._kept) == _KEPT:
            self._kept.popleft()
            self._missed += 1
        self._kept.append(happening)
        self._news.set()

    async def next(self) -> list[Happening]:
        """Wait for what happens; gives all of it, oldest first."""
        await self._news.wait()
        self._news.clear()
        happened, missed = [*self._kept], self._missed
        self._kept.clear()
        self._missed = 0
        if not missed:
            return happened
        return [{"at": happened[0]["at"], "what": "missed", "number": missed}, *happened]


class Happenings:
    """Those who watch."""

    def __init__(self, now: Callable[[], float], switch: Callable[[Tell | None], None]) -> None:
        """Date what happens by *now*, epoch seconds.

        *switch* is given what wants to hear of changes in the inbox's file, and None when
        nobody watches any more.
        """
        self._now, self._switch = now, switch
        self._watchers: set[Watcher] = set()

    def tell(self, what: str, **facts: object) -> None:
        """Tell the watchers."""
        if not self._watchers:
            return
        happening = {"at": round(self._now(), 3), "what": what, **facts}
        for watcher in self._watchers:
            watcher.put(happening)

    @contextmanager
    def watching(self) -> Generator[Watcher]:
        """Give what happens while the body runs, and first that it is watched."""
        watcher = Watcher()
        if not self._watchers:
            self._switch(self._changed)
        self._watchers.add(watcher)
        watcher.put({"at": round(self._now(), 3), "what": "watching"})
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._switch(None)

    def _changed(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.tell(change.what, **change.facts)
