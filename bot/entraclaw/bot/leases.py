"""Who holds a turn, and until when.

A turn belongs to the session that leased it, while it is leased. Leases follow the
session, not its connection: when the last connection is lost they end after `LOST_S`,
unless the session comes back; after a restart of the daemon they all get `RESTARTED_S`.
Every use of a turn renews its lease. Nothing polls: one timer stands at the earliest end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from entraclaw.bot.inbox import Entry, Expired, Inbox, State
from entraclaw.errors import EntraclawError, TurnRefused

LEASE_S = 600.0
LOST_S = 3.0
RESTARTED_S = 30.0

_AGAIN_S = 5.0  # while the disk does not take the end of a lease
_log = logging.getLogger(__name__)


class Leases:
    """The leases of one inbox."""

    def __init__(
        self,
        inbox: Inbox,
        now: Callable[[], float],
        is_here: Callable[[str], bool],
        ended: Callable[[Expired], Awaitable[None]],
    ) -> None:
        """Keep them in *inbox*.

        Args:
            inbox: Where the turns are.
            now: Seconds since the epoch, by a clock that does not jump.
            is_here: Whether a session is connected.
            ended: Told of the leases that ended.
        """
        self._inbox, self._now, self._is_here, self._ended = inbox, now, is_here, ended
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def close(self) -> None:
        """Stop the timer and whatever it started."""
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._tasks:
            task.cancel()

    async def resume(self) -> None:
        """Give the leases of an earlier daemon `RESTARTED_S` to find their sessions."""
        await self._inbox.set_lease_end(None, self._now() + RESTARTED_S)
        await self.watch()

    def end_of_new(self) -> float:
        """Tell when a lease ends that begins now."""
        return self._now() + LEASE_S

    async def lose(self, session: str) -> None:
        """Let the leases of a session that is gone end soon."""
        await self._inbox.set_lease_end(session, self._now() + LOST_S)
        await self.watch()

    async def keep(self, session: str) -> None:
        """Give all leases of a session that is at work their full time again."""
        await self._inbox.set_lease_end(session, self.end_of_new())

    async def use(self, session: str, turn: str) -> Entry:
        """Find a turn that *session* holds, for whatever it does with it: that renews its lease.

        Raises:
            TurnRefused: The session does not hold it; the words say why.
        """
        entry = await self._inbox.of_turn(turn)
        if entry is None or entry.state is not State.LEASED or entry.session != session:
            raise why_not(entry, session)
        # Of a session that went away meanwhile, the lease is about to end, and may.
        if self._is_here(session):
            await self._inbox.renew(turn, self.end_of_new())
        return entry

    async def watch(self) -> None:
        """Set the timer to the earliest end of a lease."""
        end = await self._inbox.next_lease_end()
        self._set_alarm(None if end is None else max(0.0, end - self._now()))

    def _set_alarm(self, delay: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if delay is not None:
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        task = asyncio.create_task(self._expire(), name="leases")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expire(self) -> None:
        try:
            expired = await self._inbox.expire(self._now())
            await self.watch()
            if expired.waiting or expired.dead:
                _log.info("leases ended waiting=%d dead=%d", expired.waiting, len(expired.dead))
                await self._ended(expired)
        except EntraclawError as error:
            _log.warning("leases cannot end now reason=%s", error)
            self._set_alarm(_AGAIN_S)


def why_not(entry: Entry | None, session: str) -> TurnRefused:
    """Say why *session* cannot use the turn of *entry*."""
    if entry is None or entry.joined:
        return TurnRefused("this turn is unknown", hint="read_messages gives new ones")
    match entry.state:
        case State.LEASED if entry.session != session:
            return TurnRefused("this turn belongs to another session")
        case State.WAITING:
            return TurnRefused("this turn is no longer yours", hint="read_messages gives it again")
        case State.AMBIGUOUS:
            return TurnRefused(
                "nobody knows yet whether the answer to this turn arrived",
                hint="do nothing more for it: the daemon finds out, or a person decides",
            )
        case _:
            said = entry.reason or "it was answered"
            return TurnRefused(f"this turn is closed: {said}")
