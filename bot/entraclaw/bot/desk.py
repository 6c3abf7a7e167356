"""Open turns and hand them to host sessions; ring for what waits.

One turn is open in a conversation at a time. Who holds it, and until when, is
`entraclaw.bot.leases`.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from entraclaw.bot.context import fence
from entraclaw.bot.inbox import Entry, Expired, Inbox, Opened, Opening, State
from entraclaw.bot.leases import Leases
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.sessions import Attachment, Sessions

BATCH = 20
BACKLOG = 200  # turns that may wait in one conversation

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Handed:
    """A message as a host is given it.

    Attributes:
        turn: What answers it.
        conversation: What `read_conversation` needs.
        attempt: 1 the first time it is handed over.
        amends: It adds to a turn that is open already.
        view: What it says and who says it; docs/messages.md lists the fields.
        context: What was said in a group since the agent was last addressed.
        unseen: How many more messages there were: old, or from people who may not speak.
        entry: Where it is kept.
    """

    turn: str
    conversation: str
    attempt: int
    amends: bool
    view: View
    context: tuple[View, ...]
    unseen: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the inbox gives.

    Attributes:
        messages: Leased now, oldest first.
        stopped: Turns of this session whose requester said stop.
        waiting: How many more turns wait.
    """

    messages: tuple[Handed, ...]
    stopped: tuple[str, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation: what was said, and the answer if there is one."""

    sender: str
    sent_at: str
    text: str
    answer: str


class Desk:
    """Where turns are opened, handed over and given back."""

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sessions,
        now: Callable[[], float],
        died: Callable[[Entry], Awaitable[None]],
        lock: ProfileLock,
    ) -> None:
        """Tell *died* of turns that ran out of attempts; *now* is epoch seconds, without jumps."""
        self._inbox, self._sessions, self._died, self._lock = inbox, sessions, died, lock
        self._leases = Leases(inbox, now, sessions.has, self._leases_ended)
        self._news = asyncio.Event()
        self._readers = 0
        self._stopped: dict[str, list[str]] = {}
        self._again: set[str] = set()  # sessions that came back and hold turns

    async def resume(self) -> None:
        """Give the leases of an earlier daemon a while to find their sessions."""
        await self._leases.resume()

    def close(self) -> None:
        """Let no lease end any more."""
        self._leases.close()

    async def open(
        self,
        entry: Entry,
        lane: str,
        view: View,
        *,
        may_join: bool,
        about: Entry | None = None,
        why: str = "",
    ) -> Opened:
        """Open a turn for *entry*, or add it to the open one of its sender, and ring.

        When it is *about* an earlier entry, it takes the place of one that waits, or amends
        the turn of one that is leased; *why* is what happened to that, for the operator.
        """
        opening = Opening(entry.seq, uuid.uuid4().hex, lane, orjson.dumps(view), may_join)
        if about is not None:
            opening = _about(opening, about, why)
        opened = await self._inbox.open_turn(opening, BACKLOG)
        if opened.joined:
            self._news.set()
            self._sessions.ring_session(opened.session, 1)
        elif opened.waiting:
            self._news.set()
            if not self._readers:
                self._sessions.ring_all(opened.waiting)  # a new turn is always one to ring for
        return opened

    async def stop(self, lane: str, sender: str, before: int) -> int:
        """End what *sender* asked for in *lane*; tells how many open turns there were."""
        stopped = await self._inbox.stop(lane, sender, before, "stopped by its requester")
        for entry in stopped:
            self._stopped.setdefault(entry.session, []).append(entry.turn)
            self._sessions.ring_session(entry.session, 1)
        if stopped:
            self._news.set()
            await self.announce()
        return len(stopped)

    async def expect(self, session: str) -> None:
        """Note a new connection of *session*, before anything it asks is answered.

        One that was away may never have got what it was handed last: its next `read` gives
        it again.
        """
        if not self._sessions.has(session) and await self._inbox.unsure(session):
            self._again.add(session)

    async def attach(self, attachment: Attachment) -> None:
        """Let a session in: its leases live on, and it hears of what waits for it."""
        self._sessions.add(attachment)
        await self.busy(attachment.session)
        waiting = await self._inbox.waiting() + (attachment.session in self._again)
        if waiting:
            self._sessions.ring(attachment, waiting)

    async def detach(self, attachment: Attachment) -> None:
        """Note a lost connection; the session's leases end soon if it was the last."""
        if self._sessions.remove(attachment):
            await self._leases.lose(attachment.session)

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
            self._lock.check()  # it may be locked while somebody waits here
            # Cleared before the look, so that what arrives during it is not missed.
            self._news.clear()
            entries = await self._inbox.claim(
                session, self._leases.end_of_new(), BATCH, again=session in self._again
            )
            self._again.discard(session)
            left = end - loop.time()
            if entries or session in self._stopped or left <= 0:
                break
            await self._listen(left)
        if entries:
            await self._leases.watch()
        messages = tuple([await self._handed(entry) for entry in entries])
        stopped = tuple(self._stopped.pop(session, ()))
        return Reading(messages, stopped, await self._inbox.waiting())

    async def conversation(self, lane: str, limit: int) -> Sequence[Said]:
        """Read the last turns of a conversation, oldest first."""
        rows = await self._inbox.conversation(lane, limit)
        return [_said(entry, answer) for entry, answer in rows]

    async def announce(self) -> None:
        """Wake whoever waits in `read`; ring the others when nobody does."""
        waiting = await self._inbox.waiting()
        if not waiting:
            return
        self._news.set()
        if not self._readers and await self._inbox.rings():
            self._sessions.ring_all(waiting)

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

    async def _listen(self, seconds: float) -> None:
        self._readers += 1
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._readers -= 1

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


def to_json(handed: Handed) -> dict[str, object]:
    """Shape a message for the wire: `read_messages` lists these; what is empty is left out."""
    view = dict(handed.view)
    sender = {"name": view.pop("sender", ""), "relation": view.pop("relation", "")}
    document: dict[str, object] = {
        "turn": handed.turn,
        "conversation": handed.conversation,
        "attempt": handed.attempt,
        "from": sender,
        **view,
    }
    if handed.amends:
        document["amends"] = True
    if handed.context:
        document["context"] = [dict(one) for one in handed.context]
    if handed.unseen:
        document["unseen"] = handed.unseen
    return document


def _said(entry: Entry, answer: str) -> Said:
    view: dict[str, str] = orjson.loads(entry.view) if entry.view else {}
    return Said(
        view.get("sender", ""), view.get("sent_at", ""), view.get("text", "(erased)"), answer
    )


def waiting_lanes(queues: Sequence[tuple[str, int]]) -> list[dict[str, object]]:
    """Shape the longest lanes for `status`."""
    return [{"conversation": lane, "queued": number} for lane, number in queues]
