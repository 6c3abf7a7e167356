"""Take admitted activities to what decides about them, each conversation in its order.

One worker per busy conversation, so that a slow one holds up no other. What cannot be
decided yet (the directory does not answer, the disk is full) stays admitted and is tried
again; what cannot be decided at all is dead, so that it holds up nothing behind it. A lane
holds at most `HELD` entries in memory; behind them it reads from the disk.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import chain, repeat

from entraclaw.bot.inbox import Entry, Inbox, Move
from entraclaw.bot.quiet import Quiet
from entraclaw.errors import EntraclawError

HELD = 64

_log = logging.getLogger(__name__)
_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 30.0)


class _Lane:
    """The entries of one conversation that wait for their decision."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.has_more = False  # on the disk, behind these


class Lanes:
    """The way from admitted to decided."""

    def __init__(
        self, inbox: Inbox, handle: Callable[[Entry], Awaitable[None]], quiet: Quiet
    ) -> None:
        """Give every admitted entry of *inbox* to *handle*, which decides it, one a turn."""
        self._inbox, self._handle, self._quiet = inbox, handle, quiet
        self._lanes: dict[str, _Lane] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Take up what an earlier daemon admitted and did not get to."""
        for conversation in await self._inbox.undecided():
            self._lane(conversation).has_more = True

    def put(self, entry: Entry) -> None:
        """Queue *entry* behind what its conversation already has."""
        lane = self._lane(entry.arrival.conversation)
        if lane.has_more or len(lane.entries) >= HELD:
            lane.has_more = True
        else:
            lane.entries.append(entry)

    async def close(self) -> None:
        """Stop the workers; what they hold stays admitted on disk."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def _lane(self, conversation: str) -> _Lane:
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = self._lanes[conversation] = _Lane()
            worker = asyncio.create_task(self._work(conversation, lane), name="lane")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return lane

    async def _work(self, conversation: str, lane: _Lane) -> None:
        try:
            while lane.entries or lane.has_more:
                if not lane.entries:
                    await self._refill(conversation, lane)
                while lane.entries:
                    async with self._quiet.turn():
                        # Taken out when decided: what is read meanwhile must not hold it twice.
                        await self._persist(lane.entries[0])
                        lane.entries.popleft()
        finally:
            del self._lanes[conversation]

    async def _refill(self, conversation: str, lane: _Lane) -> None:
        lane.has_more = False
        try:
            entries = await self._inbox.admitted(conversation, HELD)
        except EntraclawError as error:
            _log.warning("a lane waits for the disk reason=%s", error)
            await asyncio.sleep(_PAUSES_S[0])
            lane.has_more = True
            return
        if len(entries) == HELD:
            # What was queued during the read comes behind what it left on the disk.
            lane.entries, lane.has_more = deque(entries), True
            return
        # The read found it, or did not: it may have begun before.
        known = {entry.seq for entry in entries}
        lane.entries = deque([*entries, *(one for one in lane.entries if one.seq not in known)])

    async def _persist(self, entry: Entry) -> None:
        """Handle *entry*, again and again while a service or the disk is not there."""
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            try:
                await self._handle(entry)
            except EntraclawError as error:
                _log.warning("waits seq=%d reason=%s pause=%.0f", entry.seq, error, pause)
            except Exception as error:  # noqa: BLE001 - one bad entry must not hold up the rest
                if await self._gave_up(entry, error):
                    return
            else:
                return
            await asyncio.sleep(pause)

    async def _gave_up(self, entry: Entry, error: Exception) -> bool:
        """Set *entry* aside for the operator; False if the disk does not take that now."""
        _log.exception("cannot be decided seq=%d", entry.seq)
        try:
            await self._inbox.end(entry.seq, Move.GIVE_UP, f"unreadable: {type(error).__name__}")
        except EntraclawError:
            return False
        return True
