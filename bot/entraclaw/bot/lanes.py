"""Take admitted activities through the gate and the SDK, each conversation in its order.

One worker per busy conversation, so that a slow one holds up no other. An activity the
gate cannot judge yet (the directory does not answer) stays admitted and is tried again;
one that cannot be read is dead, with the reason, and shows in `inbox list`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import chain, repeat

from entraclaw.bot.activity import parse, sender
from entraclaw.bot.gate import Drop, may_speak
from entraclaw.bot.inbox import Entry, Inbox, State
from entraclaw.bot.sponsors import Sponsors
from entraclaw.errors import EntraclawError

_log = logging.getLogger(__name__)
_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 30.0)


class Lanes:
    """The way from admitted to waiting, dropped, done or dead."""

    def __init__(
        self,
        inbox: Inbox,
        sponsors: Sponsors,
        home: str,
        dispatch: Callable[[Entry, str], Awaitable[None]],
    ) -> None:
        """Judge by *sponsors* of the tenant *home*; hand what may speak to *dispatch*."""
        self._inbox, self._sponsors, self._home = inbox, sponsors, home
        self._dispatch = dispatch
        self._waiting: dict[str, deque[Entry]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Take up what an earlier daemon admitted and did not get to."""
        for entry in await self._inbox.admitted():
            self.put(entry)

    def put(self, entry: Entry) -> None:
        """Queue *entry* behind what its conversation already has."""
        conversation = entry.arrival.conversation
        if conversation in self._waiting:
            self._waiting[conversation].append(entry)
            return
        self._waiting[conversation] = deque([entry])
        worker = asyncio.create_task(self._work(conversation), name="lane")
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def close(self) -> None:
        """Stop the workers; what they hold stays admitted on disk."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self, conversation: str) -> None:
        queue = self._waiting[conversation]
        try:
            while queue:
                await self._persist(queue.popleft())
        finally:
            del self._waiting[conversation]

    async def _persist(self, entry: Entry) -> None:
        """Handle *entry*, again and again while a service or the disk is not there."""
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            try:
                await self._handle(entry)
            except EntraclawError as error:
                _log.warning("waits seq=%d reason=%s pause=%.0f", entry.seq, error, pause)
                await asyncio.sleep(pause)
            else:
                return

    async def _handle(self, entry: Entry) -> None:
        speaker = sender(parse(entry.arrival.body))
        verdict = may_speak(speaker, await self._sponsors.current(), self._home)
        if isinstance(verdict, Drop):
            _log.info("dropped seq=%d reason=%s", entry.seq, verdict.reason)
            await self._inbox.settle(entry.seq, State.DROPPED, verdict.reason)
            return
        try:
            await self._dispatch(entry, verdict.relation)
        except EntraclawError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises on an unreadable activity
            _log.warning("unreadable seq=%d error=%s", entry.seq, type(error).__name__)
            await self._inbox.settle(entry.seq, State.DEAD, f"unreadable: {type(error).__name__}")
            return
        if entry.arrival.kind != "message":
            await self._inbox.settle(entry.seq, State.DONE)
