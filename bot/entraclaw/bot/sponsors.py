"""Remember who the sponsors are, for a while; ask again when that has passed.

When Graph cannot be asked there are no sponsors to judge by, and whoever asks is told
so: nobody is let in, and nobody is turned away, on old knowledge.
"""

import asyncio
from collections.abc import Awaitable, Callable

KEPT_S = 300.0


class Sponsors:
    """The object ids of the agent user's sponsors."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[frozenset[str]]],
        clock: Callable[[], float],
        learn: Callable[[frozenset[str]], Awaitable[None]] | None = None,
    ) -> None:
        """Learn them from *ask*; *clock* gives monotonic seconds, *learn* is told of changes."""
        self._ask, self._clock, self._learn = ask, clock, learn
        self._known: frozenset[str] = frozenset()
        self._asked_at: float | None = None
        self._forgotten = 0
        self._lock = asyncio.Lock()

    async def current(self) -> frozenset[str]:
        """Give the ids, at most `KEPT_S` seconds old.

        Raises:
            EntraclawError: They are not known and cannot be asked for.
        """
        async with self._lock:
            now = self._clock()
            while self._asked_at is None or now - self._asked_at >= KEPT_S:
                forgotten = self._forgotten
                told, self._known = self._known, await self._ask()
                if self._learn is not None and self._known != told:
                    await self._learn(self._known)
                # What was asked before something changed may tell how it was before.
                self._asked_at = now if forgotten == self._forgotten else None
            return self._known

    def forget(self) -> None:
        """Ask again the next time: something about the agent has changed."""
        self._asked_at = None
        self._forgotten += 1
