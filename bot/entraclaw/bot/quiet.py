"""Let the door go first: what can wait does so while requests are being answered.

The channel waits some seconds for a 202 and then sends again; in a flood, a turn that
opens a millisecond later is noticed by nobody. So while one request follows the other, a
step of the lanes begins when nobody is at the door and nobody was for `QUIET_S`, and at
the latest `SHARE_S` after the step before. Few are begun at once, for who comes to the
door next waits for all that were. A message that comes alone is not held up.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

QUIET_S = 0.001  # longer than a caller needs from one answer to the next request
ALONE_S = 0.004  # who comes that long after the one before is no flood
SHARE_S = 0.050
AT_ONCE = 2
LONG_S = 0.020  # a step that takes longer waits for something else, and costs the door nothing


class Quiet:
    """Who is at the door, and who waits until nobody is."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._inside = 0
        self._left_at = 0.0
        self._patience = 0.0  # how long nobody must have been at the door
        self._begun: dict[asyncio.Future[None], float] = {}
        self._stepped_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def enter(self) -> None:
        """Note a request that is being answered."""
        if not self._inside:
            is_alone = monotonic() - self._left_at >= ALONE_S
            self._patience = 0.0 if is_alone else QUIET_S
        self._inside += 1

    def leave(self) -> None:
        """Note that it was answered."""
        self._inside -= 1
        self._left_at = monotonic()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for one's turn to do what is not urgent, and do it."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self._look_in(self._patience)
        try:
            await mine
            yield
        finally:
            self._begun.pop(mine, None)
            if self._waiting:
                self._look_in(0.0)

    def _look_in(self, pause: float) -> None:
        due = monotonic() + pause
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._timer = None
        now = monotonic()
        is_quiet = not self._inside and now - self._left_at >= self._patience
        busy = sum(now - began < LONG_S for began in self._begun.values())
        is_free = is_quiet and busy < AT_ONCE
        if is_free or now - self._stepped_at >= SHARE_S:
            self._stepped_at = now
            self._wake_one()
        if self._waiting:
            self._look_in(0.0 if is_free else QUIET_S)

    def _wake_one(self) -> None:
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():  # else it was cancelled while it waited
                self._begun[first] = monotonic()
                first.set_result(None)
                return
