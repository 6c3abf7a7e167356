"""Send what a session answers, once: intent on disk, request, outcome on disk.

The intent is durable before the request leaves. What is refused is certainly not there
and may be tried again; what is cut off may be there, and is left to
`entraclaw.bot.settling`. docs/ack.md
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.outbox import Kind, Outbox, Outcome, Part, compose
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.sending import REACTIONS
from entraclaw.errors import EntraclawError, InboxUnwritable, TurnRefused, Uncertain

TEXT_LIMIT = 28_000  # characters; Graph and Teams both take this much
HOURLY = 120  # parts a conversation may be sent in an hour

_HOUR_S = 3600.0
_PAUSES_S = (0.1, 1.0, 5.0, 15.0)  # while the disk does not take an outcome
_STILL_OPEN = "nothing was sent, and the turn is still open"
_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Send = Callable[[Entry, Part], Awaitable[str]]
Use = Callable[[str, str], Awaitable[Entry]]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an answer: the id Teams gave it, and whether its turn takes more."""

    activity: str
    is_open: bool


class Answers:
    """The way out of a turn."""

    def __init__(
        self,
        inbox: Inbox,
        outbox: Outbox,
        use: Use,
        send: Send,
        *,
        now: Callable[[], float],
        left: Callable[[], Awaitable[None]],
        doubted: Callable[[], None],
        lock: ProfileLock,
    ) -> None:
        """Send with *send*, which returns the id Teams gave.

        Args:
            inbox: Where the turns are.
            outbox: Where the parts are.
            use: Finds a turn that a session holds.
            send: Does it.
            now: Epoch seconds.
            left: Told when a turn was closed: another may be free.
            doubted: Told when an outcome is not known.
            lock: Nothing is sent while it is locked.
        """
        self._inbox, self._outbox, self._use, self._send = inbox, outbox, use, send
        self._now, self._left, self._doubted, self._lock = now, left, doubted, lock
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lanes: list[str] = []  # where something of ours is on its way
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closing = asyncio.Event()

    async def close(self) -> None:
        """Let what is being sent come to its end; nothing new is taken meanwhile."""
        self._closing.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def is_sending(self, lane: str) -> bool:
        """Tell whether something is on its way to *lane*, or not yet noted as sent."""
        return lane in self._lanes

    async def reply(
        self, session: str, turn: str, text: str, *, final: bool = True, key: str = ""
    ) -> Sent:
        """Answer *turn*, and close it if *final*.

        The same *key* (or, without one, the same text) again in one turn is the same
        answer: it is not sent twice, and its id is given again.

        Raises:
            TurnRefused: The turn is not this session's to answer, or not this way.
            CallRefused: Teams said no; the turn stays open.
            Unreachable: Teams could not be reached, nothing was sent; the turn stays open.
            Uncertain: It was sent, and nobody knows yet whether it arrived.
        """
        if not text.strip():
            raise TurnRefused("an answer needs text")
        if len(text) > TEXT_LIMIT:
            raise TurnRefused(
                f"an answer holds at most {TEXT_LIMIT} characters, and this one has {len(text)}",
                hint="send it in parts, all but the last with `final` false",
            )
        return await self._part(session, turn, text, Kind.TEXT, final=final, key=key)

    async def react(self, session: str, turn: str, reaction: str) -> None:
        """Answer *turn* with a reaction to its message, and close it.

        Raises:
            EntraclawError: As `reply` does.
        """
        if reaction not in REACTIONS:
            raise TurnRefused(f"a reaction is one of {', '.join(REACTIONS)}")
        await self._part(session, turn, reaction, Kind.REACTION, final=True, key="")

    async def done(self, session: str, turn: str) -> None:
        """Close *turn* without an answer, or without another one.

        Raises:
            TurnRefused: The turn is not this session's to close.
        """

        async def close() -> None:
            async with self._order(turn):
                await self._use(session, turn)
                await self._close_turn(turn)

        await self._to_the_end(close())

    async def _part(
        self, session: str, turn: str, text: str, kind: Kind, *, final: bool, key: str
    ) -> Sent:
        self._lock.check()
        wanted = compose(turn, "", text, self._now(), kind=kind, final=final, key=key)
        return await self._to_the_end(self._in_order(session, wanted))

    async def _to_the_end(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do *work* even if the host goes away now: Teams may have half of it already."""
        task = asyncio.create_task(work, name="answer")
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever asked may be gone

    def _order(self, turn: str) -> asyncio.Lock:
        """Let what is done with a turn come to its end before the next begins."""
        return self._locks.setdefault(turn, asyncio.Lock())

    async def _in_order(self, session: str, wanted: Part) -> Sent:
        async with self._order(wanted.turn):
            sent = await self._outbox.find_sent(wanted)
            try:
                entry = await self._use(session, wanted.turn)
            except TurnRefused:
                if sent is None:
                    raise
                return Sent(sent.activity, is_open=False)
            if sent is None:
                return await self._begin(entry, replace(wanted, lane=entry.lane))
            if wanted.final:  # it is said already; only its turn is not closed yet
                await self._close_turn(wanted.turn)
            return Sent(sent.activity, is_open=not wanted.final)

    async def _begin(self, entry: Entry, wanted: Part) -> Sent:
        if await self._outbox.sent_since(wanted.lane, self._now() - _HOUR_S) >= HOURLY:
            raise TurnRefused(
                f"this conversation was sent {HOURLY} answers within an hour",
                hint="wait, or close the turn with `done`",
            )
        part, _ = await self._outbox.begin(wanted)
        self._lanes.append(part.lane)
        try:
            activity = await self._deliver(entry, part)
        finally:
            self._lanes.remove(part.lane)
        if part.final:
            await self._tell_left()
        return Sent(activity, is_open=not part.final)

    async def _deliver(self, entry: Entry, part: Part) -> str:
        try:
            activity = await self._send(entry, part)
        except Uncertain:
            await self._doubt(part)
            raise
        except EntraclawError as error:
            await self._record(replace(part, outcome=Outcome.REFUSED))
            error.hint = error.hint or _STILL_OPEN
            raise
        except Exception as error:
            _log.exception("an answer broke off turn=%s part=%d", part.turn, part.number)
            await self._doubt(part)
            raise Uncertain("Teams", type(error).__name__) from error
        await self._record(replace(part, outcome=Outcome.SENT, activity=activity))
        _log.info("answered seq=%d turn=%s part=%d", entry.seq, part.turn, part.number)
        return activity

    async def _doubt(self, part: Part) -> None:
        await self._record(replace(part, outcome=Outcome.UNKNOWN))
        _log.warning("unknown outcome turn=%s part=%d", part.turn, part.number)
        self._doubted()

    async def _record(self, part: Part) -> None:
        """Write an outcome, again and again while the disk does not take it.

        A turn whose answer is under way is not handed out again, so it waits for this.
        """
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            try:
                await self._outbox.finish(part)
            except InboxUnwritable as error:
                _log.warning("outcome not written turn=%s reason=%s", part.turn, error)
                if self._closing.is_set():
                    raise  # the next start finds an intent without outcome
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), pause)
            else:
                return

    async def _close_turn(self, turn: str) -> None:
        await self._inbox.close(turn, "closed by its session")
        await self._tell_left()

    async def _tell_left(self) -> None:
        try:
            await self._left()
        except EntraclawError as error:  # what was done is done
            _log.warning("what waits could not be announced reason=%s", error)
