"""Ring the sessions for which something waits, until each has read.

One timer stands at the earliest ring that is due; while nothing is, nothing runs. A host
that does not take a ring holds up nobody: it is not rung again until it has.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from entraclaw.bot.doorbell import Bell
from entraclaw.bot.sessions import Sessions
from entraclaw.bot.wakers.choosing import chances, choose
from entraclaw.errors import EntraclawError

_AGAIN_S = 5.0  # while the disk does not say what waits
_log = logging.getLogger(__name__)


class Ringing:
    """The doorbells of all sessions."""

    def __init__(self, sessions: Sessions, waiting: Callable[[str], Awaitable[int]]) -> None:
        """Ring *sessions*; *waiting* counts what a session is to be rung for now."""
        self._sessions, self._waiting = sessions, waiting
        self._bells: dict[str, Bell] = {}
        self._rung: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._rung.values():
            task.cancel()

    def call(self, session: str, waiting: int = 0) -> None:
        """Something new waits for *session*: *waiting* messages, if the caller knows.

        A tool call of the session that waits gets it at once, and nothing is rung.
        """
        if self._sessions.get(session).readers:
            self._sessions.get(session).news.set()
            return
        if not self._sessions.has(session):
            return  # it is rung when it is back
        bell, now = self._bells.setdefault(session, Bell()), _now()
        bell.call(now)
        # What rings later rings for more than the caller knows of.
        self._known[session] = waiting if bell.due is not None and bell.due <= now else 0
        self._look()

    def call_anew(self, session: str) -> None:
        """What waits for *session* can be rung for in another way than before."""
        bell = self._bells.get(session)
        if bell is not None:
            bell.call_anew(_now())
        self.call(session)

    def read(self, session: str) -> None:
        """*session* has read what there was."""
        bell = self._bells.get(session)
        if bell is not None:
            bell.read()

    def forget(self, session: str) -> None:
        """*session* is gone."""
        self._bells.pop(session, None)
        self._known.pop(session, None)
        task = self._rung.pop(session, None)
        if task is not None:
            task.cancel()

    def unheard(self, session: str) -> int:
        """Tell how often *session* was rung since it last read."""
        bell = self._bells.get(session)
        return bell.unheard if bell else 0

    def _look(self) -> None:
        """Ring what is due, and set the timer to what is due next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now, loop = _now(), asyncio.get_running_loop()
        for session, bell in self._bells.items():
            if bell.due is not None and bell.due <= now and session not in self._rung:
                self._rung[session] = loop.create_task(self._ring(session, bell), name="doorbell")
        coming = [
            bell.due
            for session, bell in self._bells.items()
            if bell.due is not None and session not in self._rung
        ]
        if coming:
            self._timer = loop.call_later(max(0.0, min(coming) - now), self._look)

    async def _ring(self, session: str, bell: Bell) -> None:
        try:
            await self._ring_once(session, bell)
        except EntraclawError as error:
            bell.due = _now() + _AGAIN_S
            _log.warning("cannot tell what waits session=%s reason=%s", session, error)
        except OSError:
            bell.rest()  # whoever was rung is gone; what comes instead is called for anew
        finally:
            if self._rung.get(session) is asyncio.current_task():
                del self._rung[session]
                self._look()

    async def _ring_once(self, session: str, bell: Bell) -> None:
        waiting = self._known.pop(session, 0) or await self._waiting(session)
        waker = choose(chances(self._sessions.get(session)).can, bell.unheard)
        if not waiting or waker is None:
            bell.rest()
            return
        bell.ring(_now())
        _log.debug("doorbell session=%s waker=%s waiting=%d", session, waker.name, waiting)
        await waker.ring(self._sessions.get(session), waiting)


def _now() -> float:
    return asyncio.get_running_loop().time()
