"""Answer an invoke once, in time, whatever happens meanwhile.

Its entry is on the disk before anything is done, and the answer is kept with it: the same
click, sent again under another id, gets the same answer and has no second effect.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson

from entraclaw.bot.inbox import Arrival, Entry, Inbox, Receipt
from entraclaw.errors import EntraclawError

DEADLINE_S = 8.0  # Teams shows an error after ten or so

_BUSY = orjson.dumps(
    {
        "statusCode": 503,
        "type": "application/vnd.microsoft.error",
        "value": {"code": "Busy", "message": "This takes too long just now. Please try again."},
    }
)
_log = logging.getLogger(__name__)


class Invoking:
    """Answers invokes."""

    def __init__(self, inbox: Inbox, answer: Callable[[Entry], Awaitable[bytes]]) -> None:
        """Answer new ones with *answer*, which keeps what it gives as the entry's view."""
        self._inbox, self._answer = inbox, answer
        self._running: dict[int, asyncio.Task[bytes]] = {}

    async def close(self) -> None:
        """Stop what is being answered."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def take(self, receipt: Receipt, arrival: Arrival) -> bytes:
        """Give the body for the request that brought *arrival*; never raises."""
        task = self._running.get(receipt.seq)
        if task is None:
            task = asyncio.create_task(self._once(receipt, arrival), name="invoke")
            self._running[receipt.seq] = task
            task.add_done_callback(lambda _: self._running.pop(receipt.seq, None))
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await asyncio.shield(task)
        except (TimeoutError, EntraclawError) as error:
            _log.warning("invoke not answered seq=%d reason=%s", receipt.seq, error)
        except Exception:  # noqa: BLE001 - it never fails
            # Teams stops delivering to an agent that answers with errors.
            _log.exception("invoke not answered seq=%d", receipt.seq)
        return _BUSY

    async def _once(self, receipt: Receipt, arrival: Arrival) -> bytes:
        entry = Entry(receipt.seq, arrival, arrival.conversation)
        if not receipt.is_new:
            known = await self._inbox.entry(receipt.seq)
            if known is None or known.view:
                return known.view if known else _BUSY
            entry = known
        return await self._answer(entry)
