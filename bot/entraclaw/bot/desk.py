"""Open turns and hand them to host sessions; ring for what waits.

One turn is open in a conversation at a time. Who holds it, and until when, is
`entraclaw.bot.leases`; which session gets a conversation, `entraclaw.bot.seats`.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import orjson

from entraclaw.bot.context import fence
from entraclaw.bot.due import Due
from entraclaw.bot.handed import Handed, Reading, Said, View, said
from entraclaw.bot.inbox import Entry, Expired, Inbox, Opened, Opening, State
from entraclaw.bot.kin import has_ended
from entraclaw.bot.leases import Leases
from entraclaw.bot.places import Places
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.ringing import Ringing
from entraclaw.bot.seats import Seats
from entraclaw.bot.sessions import Connection, Listener, Session, Sessions
from entraclaw.bot.wakers.choosing import is_needed
from entraclaw.errors import TurnRefused

BATCH = 20
BACKLOG = 200  # turns that may wait in one conversation


class Desk:
    """Where turns are opened, handed over and given back."""

    def __init__(
        self,
        inbox: Inbox,
        places: Places,
        sessions: Sessions,
        seats: Seats,
        *,
        now: Callable[[], float],
        died: Callable[[Entry], Awaitable[None]],
        lock: ProfileLock,
    ) -> None:
        """Hand out what is in *inbox* as *seats* say.

        Args:
            inbox: Where the turns are.
            places: The conversations.
            sessions: Who is connected.
            seats: Who gets what.
            now: Epoch seconds, without jumps.
            died: Told of turns that ran out of attempts.
            lock: Nothing is handed out while it is shut.
        """
        self._inbox, self._sessions, self._died, self._lock = inbox, sessions, died, lock
        self._leases = Leases(inbox, now, sessions.has, self._leases_ended)
        self._places, self.seats = places, seats
        seats.freed = self.announce
        self._due = Due(inbox, self.seats)
        self._ringing = Ringing(sessions, self.due)
        self._stopped: dict[str, list[str]] = {}
        self._again: set[str] = set()  # sessions that came back and hold turns

    async def resume(self) -> None:
        """Give the leases and seats of an earlier daemon a while to find their sessions."""
        await self._leases.resume()
        await self.seats.resume()

    def close(self) -> None:
        """Let no lease end any more, and ring for nothing."""
        self._leases.close()
        self.seats.close()
        self._ringing.close()

    async def open(
        self,
        entry: Entry,
        lane: str,
        view: View,
        *,
        person: str = "",
        may_join: bool,
        about: Entry | None = None,
        why: str = "",
    ) -> Opened:
        """Open a turn for *entry*, or add it to the open one of its sender, and ring.

        *lane* is the 1:1 with *person*, unless that is empty.

        When it is *about* an earlier entry, it takes the place of one that waits, or amends
        the turn of one that is leased; *why* is what happened to that, for the operator.
        """
        opening = Opening(entry.seq, uuid.uuid4().hex, lane, orjson.dumps(view), may_join)
        if about is not None:
            opening = _about(opening, about, why)
        opened = await self._inbox.open_turn(opening, BACKLOG)
        if opened.joined:
            self._ringing.call(opened.session, 1)
        elif opened.waiting:
            owner = self.seats.owner(lane, person)
            if owner:
                known = opened.waiting if self.seats.routes.has_all(owner) else 0
                self._ringing.call(owner, known)
        return opened

    async def stop(self, lane: str, sender: str, before: int) -> int:
        """End what *sender* asked for in *lane*; tells how many open turns there were."""
        stopped = await self._inbox.stop(lane, sender, before, "stopped by its requester")
        for entry in stopped:
            self._stopped.setdefault(entry.session, []).append(entry.turn)
            self._ringing.call(entry.session, 1)
        if stopped:
            await self.announce()
        return len(stopped)

    async def expect(self, session: str) -> None:
        """Note a new connection of *session*, before anything it asks is answered.

        One that was away may never have got what it was handed last: its next `read` gives
        it again.
        """
        here = self._sessions.get(session).connections
        if all(has_ended(one.pid) for one in here) and await self._inbox.unsure(session):
            self._again.add(session)

    async def arrive(self, connection: Connection, *, is_child: bool = False) -> None:
        """Let a session in: its leases live on, and it hears of what waits for it.

        Args:
            connection: Its host has finished the handshake.
            is_child: Another session that is here has started it.
        """
        session = connection.session
        self._sessions.add(connection)
        seat = self.seats.come(session, connection.facts, is_child=is_child)
        self._sessions.wake_readers()
        if seat is not None:
            await self.seats.keep(seat)
        await self.busy(session)
        if await self.due(session):
            self._ringing.call(session)

    async def listen(self, listener: Listener) -> None:
        """Note a program that can wake its session, and ring it for what waits already."""
        self._sessions.listen(listener)
        here = self._sessions.get(listener.session)
        for other in here.listeners:
            if not is_needed(here, other.kind):
                other.dismiss()
        if await self.due(listener.session):
            self._ringing.call_anew(listener.session)

    def unlisten(self, listener: Listener) -> None:
        """Forget such a program; what it was rung for in vain is rung for in another way."""
        session = listener.session
        self._sessions.unlisten(listener)
        # A hook that waits leaves when it is rung: that is how it wakes.
        if listener.kind != "rewake" and self._ringing.unheard(session):
            self._ringing.call_anew(session)

    async def depart(self, connection: Connection) -> None:
        """Note a lost connection; the session's leases end soon if it was the last."""
        if self._sessions.remove(connection):
            self._ringing.forget(connection.session)
            self.seats.go(connection.session)
            await self._leases.lose(connection.session)

    def unheard(self, session: str) -> int:
        """Tell how often *session* was rung since it last read."""
        return self._ringing.unheard(session)

    async def busy(self, session: str) -> None:
        """Give all leases of a session that is at work their full time again."""
        await self._leases.keep(session)

    async def use(self, session: str, turn: str) -> Entry:
        """Find a turn that *session* holds; whatever it does with it renews its lease.

        Raises:
            TurnRefused: The session does not hold it; the words say why.
        """
        return await self._leases.use(session, turn)

    async def read(self, session: str, wait_s: float) -> Reading:
        """Lease what waits for *session*, oldest first; wait up to *wait_s* if nothing does.

        Raises:
            Locked: The profile is locked.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while True:
            here = self._sessions.get(session)
            self._lock.check()  # it may be locked while somebody waits here
            # Cleared before the look, so that what arrives during it is not missed.
            here.news.clear()
            entries = await self._claim(session)
            left = end - loop.time()
            if entries or session in self._stopped or left <= 0:
                break
            await self._listen(here, left)
        self._ringing.read(session)
        if entries:
            await self._leases.watch()
        messages = tuple([await self._handed(entry) for entry in entries])
        stopped = tuple(self._stopped.pop(session, ()))
        gets_rest, named = self.seats.routes.how(session)
        waiting = await self._due.waiting(session)
        return Reading(messages, stopped, waiting, is_attached=gets_rest or bool(named))

    async def _claim(self, session: str) -> Sequence[Entry]:
        again = session in self._again
        until = self._leases.end_of_new()
        mine = self._due.mine(session)
        entries = await self._inbox.claim(session, until, BATCH, mine, again=again)
        self._again.discard(session)
        return entries

    async def conversation(self, session: str, lane: str, limit: int) -> Sequence[Said]:
        """Read the last turns of a conversation of *session*, oldest first.

        Raises:
            TurnRefused: It is another session's, or nobody's.
        """
        place = await self._places.find(lane)
        rows = await self._inbox.conversation(lane, limit)
        holds = any(entry.session == session for entry, _ in rows)
        if not holds and self.seats.owner(lane, place.person if place else "") != session:
            raise TurnRefused(
                "this conversation is not this session's", hint="`attach` takes it here"
            )
        return [said(entry, answer) for entry, answer in rows]

    async def announce(self) -> None:
        """Wake whoever something waits for."""
        if not await self._inbox.waiting():
            return
        for session, waiting in (await self._due.by_session()).items():
            self._ringing.call(session, waiting)

    async def due(self, session: str) -> int:
        """Count what *session* is to be rung for now."""
        due = (await self._due.by_session()).get(session, 0)
        return due + (session in self._again) + len(self._stopped.get(session, ()))

    async def _handed(self, entry: Entry) -> Handed:
        fenced = () if entry.joined else await self._inbox.observed(entry.turn)
        views, unseen = fence(fenced)
        return Handed(
            turn=entry.joined or entry.turn,
            conversation=entry.lane,
            attempt=entry.attempt,
            amends=bool(entry.joined),
            view=orjson.loads(entry.view),
            context=views,
            unseen=unseen,
            entry=entry,
        )

    async def _listen(self, here: Session, seconds: float) -> None:
        self._sessions.note_reader(here)
        try:
            async with asyncio.timeout(seconds):
                await here.news.wait()
        except TimeoutError:
            return
        finally:
            self._sessions.forget_reader(here)

    async def _leases_ended(self, expired: Expired) -> None:
        await self.announce()
        for entry in expired.dead:
            await self._died(entry)


def _about(opening: Opening, about: Entry, why: str) -> Opening:
    """Have *opening* amend the turn that *about* is in, or take its place, or both."""
    if about.state is State.WAITING:
        opening = replace(opening, instead_of=about.seq, why=why)
    if about.state is State.WAITING and not about.joined:
        return opening
    return replace(opening, may_join=True, amends=about.joined or about.turn)
