"""The few lines that the daemon says itself, in the agent's name, and not often.

Each kind is told to one person in one conversation at most once an hour, whatever
happens. A notice that cannot be sent is logged and forgotten: it is sent in the background,
and never holds up or undoes what it is about.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from entraclaw.bot.inbox import Entry
from entraclaw.bot.outbox import Outbox
from entraclaw.bot.pipeline import Origin, origin
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.errors import EntraclawError

EVERY_S = 3600.0

_log = logging.getLogger(__name__)


class Notice(StrEnum):
    """What there is to say."""

    REFUSED = "I can only take requests from my sponsors and from people they allow."
    CODE = (
        "I do not know you yet. If one of my sponsors writes me **pair {detail}** within the"
        " hour, you can talk to me."
    )
    REFUSED_BY_LIST = "I can only take requests from people whom the person who runs me allows."
    CODE_AT_DESK = (
        "I do not know you yet. If the person who runs me enters the code **{detail}** within the"
        " hour, you can talk to me."
    )
    PAIRED = "{detail} can talk to me now."
    NOT_PAIRED = "That code is unknown or has run out."
    CONFIRMED = "{detail}."
    NOT_CONFIRMED = "No change waits with that code: it is mistyped, used, or has run out."
    NOTHING_CHANGED = "I do nothing of that."
    FULL = (
        "{detail} messages wait here already, so I did not take this one. Please try again later."
    )
    DEAD = "I did not manage to answer your message. It is set aside for the person who runs me."
    QUEUED = (
        "I have this. Nobody is at work here right now, so it waits until a session is open"
        " on my machine."
    )
    HELD = (
        "I have this, but I cannot look up who may write to me right now. It waits; the person"
        " who runs me can see why."
    )
    ATTACHED = "From now on, what you write here goes to the session at work on **{detail}**."
    STOPPED = "Stopped."
    NOTHING = "There is nothing to stop here."
    LISTENING = "I take everything said here as meant for me, until you write **hush**."
    HUSHED = "I only take what is addressed to me."


# What answers somebody's own word is told each time; the rest must not become noise.
_ANSWERS = frozenset(
    {Notice.STOPPED, Notice.NOTHING, Notice.PAIRED, Notice.NOT_PAIRED, Notice.LISTENING,
     Notice.HUSHED, Notice.CODE, Notice.CODE_AT_DESK, Notice.CONFIRMED, Notice.NOT_CONFIRMED,
     Notice.NOTHING_CHANGED}
)  # fmt: skip

# What is true where there are no sponsors.
_WITHOUT_SPONSORS = {
    Notice.REFUSED: Notice.REFUSED_BY_LIST,
    Notice.CODE: Notice.CODE_AT_DESK,
}


class Notices:
    """Says them."""

    def __init__(
        self,
        outbox: Outbox,
        send: Callable[[Origin, str], Awaitable[str]],
        lock: ProfileLock,
        *,
        has_sponsors: bool,
    ) -> None:
        """Send with *send*, unless *lock* is; *outbox* remembers who was told what.

        Without sponsors nobody is sent to them.
        """
        self._outbox, self._send, self._lock = outbox, send, lock
        self._instead = {} if has_sponsors else _WITHOUT_SPONSORS
        self._sending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give up what is still being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def tell(self, entry: Entry, notice: Notice, detail: str = "") -> None:
        """Answer *entry* with *notice*, unless its sender was told the same lately."""
        notice = self._instead.get(notice, notice)
        if entry.arrival.late or self._lock.reason or not await self._may_tell(entry, notice):
            return
        task = asyncio.create_task(self._say(entry, notice, detail), name="notice")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _may_tell(self, entry: Entry, notice: Notice) -> bool:
        if notice in _ANSWERS:
            return True
        try:
            return await self._outbox.may_tell(
                entry.lane, entry.arrival.sender, notice.name, EVERY_S
            )
        except EntraclawError as error:
            _log.warning("notice not sent kind=%s seq=%d reason=%s", notice.name, entry.seq, error)
            return False

    async def _say(self, entry: Entry, notice: Notice, detail: str) -> None:
        try:
            activity = await self._send(origin(entry), notice.format(detail=detail))
            await self._outbox.remember(entry.lane, activity)
        except Exception as error:  # noqa: BLE001 - the SDK may not even read what it is about
            reason = str(error) if isinstance(error, EntraclawError) else type(error).__name__
            _log.warning("notice not sent kind=%s seq=%d reason=%s", notice.name, entry.seq, reason)
        else:
            _log.info("notice kind=%s seq=%d", notice.name, entry.seq)
