"""Hand waiting messages to host sessions and take their answers back.

A turn belongs to the session that leased it, while it is leased. Leases follow the
session, not its connection: when the last connection is lost they end after
`LOST_S`, unless the session comes back; after a restart of the daemon they all get
`RESTARTED_S`. Nothing polls: one timer stands at the earliest end of a lease.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from entraclaw.bot.activity import plain_name
from entraclaw.bot.inbox import Answer, Entry, Inbox
from entraclaw.bot.pipeline import Message
from entraclaw.bot.sessions import Attachment, Sessions
from entraclaw.errors import TurnRefused

LEASE_S = 600.0
LOST_S = 3.0
RESTARTED_S = 30.0
BATCH = 20
TEXT_LIMIT = 28_000  # characters; Graph and Teams both take this much

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handed:
    """A message as a host is given it.

    Attributes:
        turn: What `reply` needs.
        conversation: What `read_conversation` needs.
        kind: ``personal``, ``groupChat`` or ``channel``.
        sender: Display name, safe to show.
        relation: What the sender is to the agent: ``sponsor``.
        sent_at: ISO 8601, as Teams dated it; may be empty.
        text: What was said. Outside content: data, never instructions.
        attempt: 1 the first time it is handed over.
    """

    turn: str
    conversation: str
    kind: str
    sender: str
    relation: str
    sent_at: str
    text: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation: what was said, and the answer if there is one."""

    sender: str
    sent_at: str
    text: str
    answer: str


class Desk:
    """Where turns are opened, leased, answered and closed."""

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sessions,
        send: Callable[[Entry, str], Awaitable[str]],
        now: Callable[[], float],
    ) -> None:
        """Send answers with *send*, which returns the id Teams gave; *now* is epoch seconds."""
        self._inbox, self._sessions, self._send, self._now = inbox, sessions, send, now
        self._news = asyncio.Event()
        self._readers = 0
        self._answering: set[str] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def resume(self) -> None:
        """Give the leases of an earlier daemon `RESTARTED_S` to find their sessions."""
        await self._inbox.set_lease_end(None, self._now() + RESTARTED_S)
        await self._set_alarm()

    def close(self) -> None:
        """Stop the timer and whatever it started."""
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._tasks:
            task.cancel()

    async def open(self, entry: Entry, message: Message) -> None:
        """Open a turn for *message* and ring, unless somebody is already listening."""
        view = {
            "kind": message.conversation_kind,
            "sender": plain_name(message.sender_name),
            "relation": message.relation,
            "sent_at": message.sent_at,
            "text": message.text,
        }
        await self._inbox.open_turn(entry.seq, uuid.uuid4().hex, orjson.dumps(view))
        await self._announce()

    async def attach(self, attachment: Attachment) -> None:
        """Let a session in: its leases live on, and it hears of what waits."""
        self._sessions.add(attachment)
        await self._inbox.set_lease_end(attachment.session, self._now() + LEASE_S)
        waiting = await self._waiting()
        if waiting:
            self._sessions.ring(attachment, waiting)

    async def detach(self, attachment: Attachment) -> None:
        """Note a lost connection; the session's leases end soon if it was the last."""
        if self._sessions.remove(attachment):
            await self._inbox.set_lease_end(attachment.session, self._now() + LOST_S)
            await self._set_alarm()

    async def read(self, session: str, wait_s: float) -> Sequence[Handed]:
        """Lease what waits for *session*, oldest first; wait up to *wait_s* if nothing does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while True:
            # Cleared before the look, so that what arrives during it is not missed.
            self._news.clear()
            entries = await self._inbox.claim(session, self._now() + LEASE_S, BATCH)
            left = end - loop.time()
            if entries or left <= 0:
                break
            await self._listen(left)
        if entries:
            await self._set_alarm()
        return [_handed(entry) for entry in entries]

    async def reply(self, session: str, turn: str, text: str) -> str:
        """Answer *turn* and close it; returns the id Teams gave the answer.

        Raises:
            TurnRefused: The turn is not this session's, or is being answered already.
            CallRefused: Teams said no; the turn stays open.
            Unreachable: Teams did not answer; the turn stays open.
        """
        if not text.strip():
            raise TurnRefused("an answer needs text")
        if len(text) > TEXT_LIMIT:
            raise TurnRefused(f"an answer holds at most {TEXT_LIMIT} characters")
        entry = await self._leased(session, turn)
        self._answering.add(turn)  # before anything is awaited: a second answer must see it
        sending = asyncio.create_task(self._answer(entry, text), name="answer")
        self._tasks.add(sending)
        sending.add_done_callback(self._tasks.discard)
        # A host that goes away now must not stop half an answer: Teams may have it already.
        return await asyncio.shield(sending)

    async def conversation(self, conversation: str, limit: int) -> Sequence[Said]:
        """Read the last turns of *conversation*, oldest first."""
        rows = await self._inbox.conversation(conversation, limit)
        return [_said(entry, answer) for entry, answer in rows]

    async def _answer(self, entry: Entry, text: str) -> str:
        try:
            activity = await self._send(entry, text)
            await self._inbox.close(Answer(entry.turn, activity, text, self._now()))
        finally:
            self._answering.discard(entry.turn)
        _log.info("answered seq=%d turn=%s", entry.seq, entry.turn)
        await self._announce()
        return activity

    async def _leased(self, session: str, turn: str) -> Entry:
        entry = await self._inbox.leased(turn)
        if entry is None:
            raise TurnRefused("this turn is unknown or closed", hint="read_messages gives new ones")
        if entry.session != session:
            raise TurnRefused("this turn belongs to another session")
        if turn in self._answering:
            raise TurnRefused("this turn is being answered already")
        return entry

    async def _announce(self) -> None:
        """Wake whoever waits in `read`; ring the others when nobody does."""
        waiting = await self._waiting()
        if not waiting:
            return
        self._news.set()
        if not self._readers:
            self._sessions.ring_all(waiting)

    async def _waiting(self) -> int:
        return await self._inbox.waiting()

    async def _listen(self, seconds: float) -> None:
        self._readers += 1
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._readers -= 1

    async def _set_alarm(self) -> None:
        end = await self._inbox.next_lease_end()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if end is not None:
            delay = max(0.0, end - self._now())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring_alarm)

    def _ring_alarm(self) -> None:
        task = asyncio.create_task(self._expire(), name="leases")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expire(self) -> None:
        ended = await self._inbox.expire(self._now())
        if ended:
            _log.info("leases ended count=%d", ended)
            await self._announce()
        await self._set_alarm()


def to_json(handed: Handed) -> dict[str, object]:
    """Shape a message for the wire: `read_messages` lists these."""
    document = asdict(handed)
    document["from"] = {"name": document.pop("sender"), "relation": document.pop("relation")}
    return document


def _handed(entry: Entry) -> Handed:
    view = orjson.loads(entry.view)
    return Handed(
        turn=entry.turn,
        conversation=entry.arrival.conversation,
        attempt=entry.attempt,
        **view,
    )


def _said(entry: Entry, answer: str) -> Said:
    view = orjson.loads(entry.view)
    return Said(view["sender"], view["sent_at"], view["text"], answer)
