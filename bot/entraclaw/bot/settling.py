"""Find out whether an answer arrived whose sending was cut off, and only then act.

The chat is read back as the agent user. A part that is there is sent, and its turn is
done. One that is not there after `Pace.absent_s`, when no request of ours can still be
under way, is sent now. Where the chat cannot be read (channels, a missing permission), or
holds something of ours that we do not know, the turn stays ambiguous, for a person to
decide: `entraclaw inbox list --state ambiguous`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import Enum, auto
from weakref import WeakValueDictionary

from entraclaw.bot.fingerprint import fingerprint
from entraclaw.bot.inbox import Entry, Inbox, State
from entraclaw.bot.outbox import Kind, Outbox, Outcome, Part
from entraclaw.bot.pace import Pace
from entraclaw.errors import CallRefused, EntraclawError, Uncertain
from entraclaw.tools import ChatMessage

_AHEAD_S = 2.0  # our clock may be behind Teams' by so much without a word
_SKEW_S = 300.0
_log = logging.getLogger(__name__)

ReadBack = Callable[[str, float], Awaitable[Sequence[ChatMessage] | None]]


class _Found(Enum):
    THERE = auto()
    ABSENT = auto()
    UNCLEAR = auto()  # something of ours is there that we do not know (yet)
    UNREADABLE = auto()


class _Next(Enum):
    END = auto()
    LATER = auto()
    AGAIN = auto()  # it was sent again, and broke off again


class Settling:
    """Settles the parts whose outcome is unknown, in the background."""

    def __init__(
        self,
        inbox: Inbox,
        outbox: Outbox,
        send: Callable[[Entry, Part], Awaitable[str]],
        read_back: ReadBack,
        *,
        now: Callable[[], float],
        left: Callable[[], Awaitable[None]],
        is_sending: Callable[[str], bool],
        pace: Pace,
    ) -> None:
        """Look with *read_back*, which gives None for what cannot be read.

        Args:
            inbox: Where the turns are.
            outbox: Where the parts are.
            send: Sends one.
            read_back: Gives what we said in a conversation since a moment.
            now: Epoch seconds.
            left: Told when a turn has ended.
            is_sending: Whether something else is on its way to a conversation.
            pace: When to look.
        """
        self._inbox, self._outbox, self._send, self._read_back = inbox, outbox, send, read_back
        self._now, self._left, self._is_sending, self._pace = now, left, is_sending, pace
        self._watches: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sends: set[asyncio.Task[_Next]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Begin with what there is; call it again when there is more."""
        task = asyncio.create_task(self._begin(), name="settling")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop looking; what is being sent again comes to its end, the rest stays as it is."""
        watching = [*self._tasks, *self._watches.values()]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await asyncio.gather(*self._sends, return_exceptions=True)

    async def _begin(self) -> None:
        while True:
            try:
                parts = await self._outbox.unsettled()
            except EntraclawError as error:
                _log.warning("cannot settle now reason=%s", error)
                await asyncio.sleep(self._pace.pause_s)
            else:
                break
        for part in parts:
            name = (part.turn, part.number)
            if name not in self._watches:
                self._watches[name] = asyncio.create_task(self._settle(part), name="settling")

    async def _settle(self, part: Part) -> None:
        try:
            while await self._watch(part):
                pass
        except Exception:  # noqa: BLE001 - the top of a task: it must not end unseen
            _log.exception("not settled turn=%s part=%d", part.turn, part.number)
        finally:
            del self._watches[part.turn, part.number]

    async def _watch(self, part: Part) -> bool:
        """Look until there is nothing to find out; True if it must be found out anew."""
        waited = 0.0
        for pause in self._pace.pauses():
            await asyncio.sleep(pause)
            waited += pause
            try:
                async with self._locks.setdefault(part.lane, asyncio.Lock()):
                    step = await self._look(part, may_send=waited >= self._pace.absent_s)
            except EntraclawError as error:
                _log.warning("cannot settle now turn=%s reason=%s", part.turn, error)
                step = _Next.LATER
            if step is not _Next.LATER:
                return step is _Next.AGAIN
            if not self._is_fresh(part):
                _log.warning("left to a person turn=%s part=%d", part.turn, part.number)
                return False
        return False

    async def _look(self, part: Part, *, may_send: bool) -> _Next:
        entry = await self._inbox.of_turn(part.turn)
        if entry is None or entry.state is not State.AMBIGUOUS:
            return _Next.END  # a person decided
        match await self._find(entry, part):
            case _Found.THERE:
                await self._left()
                return _Next.END
            case _Found.UNREADABLE:
                return _Next.END
            case _Found.ABSENT if may_send and self._is_fresh(part):
                return await self._to_the_end(entry, part)
            case _:
                return _Next.LATER

    def _is_fresh(self, part: Part) -> bool:
        return abs(self._now() - part.began) < self._pace.stale_s

    async def _find(self, entry: Entry, part: Part) -> _Found:
        if part.kind is Kind.REACTION:
            return _Found.ABSENT  # putting it there again changes nothing
        since = _asked_at(entry)
        try:
            ours = await self._read_back(entry.lane, since)
        except CallRefused as error:
            if error.is_passing:
                raise
            _log.warning("the chat cannot be read back seq=%d reason=%s", entry.seq, error)
            return _Found.UNREADABLE
        if ours is None:
            return _Found.UNREADABLE
        if self._is_sending(part.lane):
            return _Found.UNCLEAR  # what we see may be that
        return await self._compare(entry, part, ours)

    async def _compare(self, entry: Entry, part: Part, ours: Sequence[ChatMessage]) -> _Found:
        unknown = [one for one in ours if not await self._outbox.is_ours(one.id)]
        wanted = fingerprint(part.text)
        for message in unknown:
            if wanted and fingerprint(message.content) == wanted:
                found = replace(part, outcome=Outcome.SENT, activity=message.id)
                await self._outbox.settle(found)
                _log.info("settled seq=%d part=%d: it had arrived", entry.seq, part.number)
                return _Found.THERE
        # Something else that we do not know: better to ask a person than to say it twice.
        return _Found.UNCLEAR if unknown else _Found.ABSENT

    async def _to_the_end(self, entry: Entry, part: Part) -> _Next:
        task = asyncio.create_task(self._send_again(entry, part), name="sending again")
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)
        return await asyncio.shield(task)

    async def _send_again(self, entry: Entry, part: Part) -> _Next:
        # It is on the disk as unknown, which it is again while it goes out: whenever this is
        # broken off, the next look begins where this one did.
        try:
            activity = await self._send(entry, part)
        except EntraclawError as error:
            _log.warning("not sent again seq=%d reason=%s", entry.seq, error)
            return _Next.AGAIN if isinstance(error, Uncertain) else _Next.LATER
        await self._outbox.settle(replace(part, outcome=Outcome.SENT, activity=activity))
        _log.info("settled seq=%d part=%d: it had not arrived and was sent", entry.seq, part.number)
        await self._left()
        return _Next.END


def _asked_at(entry: Entry) -> float:
    """Tell from when on the answer to *entry* can be there, seconds since the epoch.

    The id of a message is the moment of its making by Teams' own clock. One that came to us
    before it was made claims the future, or our clock is behind: then we look further back.
    """
    name, received = entry.arrival.activity, entry.arrival.received
    is_moment = name.isascii() and name.isdigit() and len(name) <= len("1763930000000")
    made = int(name) / 1000 if is_moment else float("inf")
    return made if made <= received + _AHEAD_S else received - _SKEW_S
