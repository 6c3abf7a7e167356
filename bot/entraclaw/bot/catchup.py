"""Read what an outage made us miss, once, and take it in by the same door.

The agent user reads its own chats in Graph since the last thing that was kept, and each
message that is not here yet becomes an arrival, marked late. It passes the checks that a
pushed one passes, and is recognised if it was pushed as well. Channels are no chats, and
are not read.

Every moment here is Teams' own: our clock may have been wrong, now or then. A gap that
could not be read to its end is kept, and read the next time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from entraclaw.bot import late
from entraclaw.bot.admission import Caller, Door, Refused, check_body
from entraclaw.bot.inbox import Arrival, Entry, Inbox
from entraclaw.bot.places import Place, Places
from entraclaw.errors import CallRefused, EntraclawError, NoPrincipal, Unreachable
from entraclaw.identity import AgentIds
from entraclaw.tools import Chat, ChatMessage, Graph, chats, messages

FIRST = "first start"  # nothing older is ever read
MARK = "caught up"  # until when everything was read
GAP = "catching up"  # from when on it was not, while that is so; else 0
OVERLAP_S = 300.0  # Graph is not quite in order, and may be behind
FURTHEST_S = 7 * 86_400.0  # beyond it, rows that would be recognised may be gone

_PAUSES_S = (10.0, 60.0, 600.0)  # while Graph does not answer at the start
_LAST = 200  # entries that are looked at for the last thing that was kept
_SAME_S = 5.0  # an edit is dated a little differently by the two ways it comes
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caught:
    """What one catching up found.

    Attributes:
        since: From when on it read, seconds since the epoch.
        chats: How many chats it read.
        seen: How many messages of others there were.
        new: How many of them were not here.
        refused: How many the door refused.
    """

    since: float
    chats: int = 0
    seen: int = 0
    new: int = 0
    refused: int = 0


class CatchUp:
    """Fills the gap that an outage left."""

    def __init__(
        self,
        graph: Graph,
        inbox: Inbox,
        places: Places,
        door: Door,
        *,
        now: Callable[[], float],
        arrived: Callable[[int, Arrival], None],
    ) -> None:
        """Ask *graph*; tell *arrived* of each new entry; *now* is epoch seconds."""
        self._graph, self._inbox, self._places, self._door = graph, inbox, places, door
        self._now, self._arrived = now, arrived
        self._one = asyncio.Lock()

    async def at_start(self) -> None:
        """Catch up, trying again a few times while Graph cannot be reached.

        What cannot be done is said in the log, and does not hinder the start.
        """
        if self._door.agent.bot:
            _log.info("not caught up: messages come to the bot, whose chats Graph does not list")
            return
        for pause in (*_PAUSES_S, None):
            try:
                await self.run()
            except EntraclawError as error:
                if pause is None or not _passes(error):
                    _log.warning("gave up catching up reason=%s (it needs Chat.Read)", error)
                    return
                _log.warning("not caught up reason=%s pause=%.0f", error, pause)
                await asyncio.sleep(pause)
            else:
                return

    async def run(self) -> Caught:
        """Read what came since the last thing that was kept; nothing on the first start.

        Raises:
            CallRefused: Graph does not let us read (``Chat.Read`` is missing).
            Unreachable: Graph does not answer.
            NoPrincipal: Messages come to a bot, and nobody can read its chats.
        """
        if self._door.agent.bot:
            raise NoPrincipal(
                "what a bot missed cannot be read: the chats in Graph are the agent user's",
                hint="ask people to write again; docs/principals.md says what a bot cannot do",
            )
        async with self._one:
            known = await self._inbox.list_entries(_LAST)
            found = await chats(self._graph)
            # What claims the future is not believed.
            newest = min(max((chat.spoken for chat in found), default=0.0), self._now())
            since = await self._since(known, newest)
            caught = Caught(newest if since is None else since)
            if since is None:
                await self._places.set_mark(FIRST, newest)
            else:
                await self._places.set_mark(GAP, since)
                spoken = [c for c in found if not 0.0 < c.spoken < newest - FURTHEST_S]
                caught = await self._read_all(spoken, caught, _Known(known))
            await self._places.set_mark(MARK, max(newest, caught.since))
            await self._places.set_mark(GAP, 0.0)
        _log.info("caught up since=%.0f new=%d seen=%d", caught.since, caught.new, caught.seen)
        return caught

    async def _since(self, known: Sequence[Entry], newest: float) -> float | None:
        """Tell from when on something may have been missed; None on the first start."""
        gap, mark = await self._places.mark(GAP), await self._places.mark(MARK)
        moments = [late.moment(entry) for entry in known]
        if mark is not None:
            moments.append(mark)
        if not moments:
            return None
        since = gap or max(moments) - OVERLAP_S
        return max(1.0, since, newest - FURTHEST_S, await self._places.mark(FIRST) or 0.0)

    async def _read_all(self, found: Sequence[Chat], caught: Caught, known: "_Known") -> Caught:
        refusal: CallRefused | None = None
        for chat in found:
            try:
                caught = await self._read(chat, caught, known)
            except CallRefused as error:
                if error.is_passing:
                    raise
                refusal = error  # of this one chat, or of them all
                _log.warning("a chat cannot be read reason=%s", error)
        if refusal is not None and not caught.chats:
            raise refusal
        return caught

    async def _read(self, chat: Chat, caught: Caught, known: "_Known") -> Caught:
        place = await self._places.learn(late.place_of(chat, self._door.agent))
        twin = await self._places.find(place.twin) if place.twin else None
        at = twin if twin is not None and twin.reference else place
        changed = await messages(self._graph, chat.id, caught.since)
        missed = [one for one in changed if _is_somebodys(one, self._door.agent.user)]
        caught = replace(caught, chats=caught.chats + 1, seen=caught.seen + len(missed))
        for message in sorted(missed, key=lambda one: (one.created, one.id)):
            outcome = await self._take(message, at, caught.since, known)
            caught = replace(
                caught,
                new=caught.new + (outcome is True),
                refused=caught.refused + (outcome is None),
            )
        return caught

    async def _take(
        self, message: ChatMessage, at: Place, since: float, known: "_Known"
    ) -> bool | None:
        """Take one message in: True if something is new, None if the door refuses it."""
        is_new: bool | None = False
        is_recent = message.created > since - FURTHEST_S
        if message.created > since or (is_recent and late.is_backdated(message)):
            is_new = await self._append(message, at, is_edit=False)
        if is_new is False and message.edited > since and not known.has_edit(message):
            is_new = await self._append(message, at, is_edit=True)
        return is_new

    async def _append(self, message: ChatMessage, at: Place, *, is_edit: bool) -> bool | None:
        agent = self._door.agent
        body = orjson.dumps(late.activity(message, at, agent, is_edit=is_edit))
        caller = Caller(agent.tenant, "", at.claims, float("inf"))
        arrival = check_body(body, caller, self._door, self._now())
        if isinstance(arrival, Refused):
            _log.warning("refused late id=%s reason=%s", message.id, arrival.reason)
            return None
        arrival = replace(arrival, late=True)
        receipt = await self._inbox.append(arrival)
        if receipt.is_new:
            self._arrived(receipt.seq, arrival)
        return receipt.is_new


class _Known:
    """The edits among the last entries."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._edits: dict[str, float] = {}
        for entry in entries:
            if entry.arrival.kind == "messageUpdate":
                name, at = entry.arrival.activity, late.moment(entry)
                self._edits[name] = max(at, self._edits.get(name, 0.0))

    def has_edit(self, message: ChatMessage) -> bool:
        """Tell whether the last edit of *message* came already."""
        return message.edited <= self._edits.get(message.id, 0.0) + _SAME_S


async def learn_places(graph: Graph, places: Places, agent: AgentIds) -> None:
    """Learn the chats' names in Graph, so that each chat's two names are known as one.

    Raises:
        CallRefused: Graph does not let us read.
        Unreachable: Graph does not answer.
    """
    for chat in await chats(graph):
        await places.learn(late.place_of(chat, agent))


def _passes(error: EntraclawError) -> bool:
    """Tell whether it may go better a little later."""
    return isinstance(error, Unreachable) or (isinstance(error, CallRefused) and error.is_passing)


def _is_somebodys(message: ChatMessage, user: str) -> bool:
    return not (message.is_event or message.is_deleted or message.sender == user)
