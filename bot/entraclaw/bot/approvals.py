"""Hold what hosts ask until somebody answers, it expires, or the host asks no more.

In memory only: a restart withdraws everything, and the question stands in the host's own
terminal all the while. Log and `tail` are told ids and outcomes, never what is asked.

`Approvals.answer` is where an answering side comes in, whoever it is: it must know whom it
speaks for before it calls.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from entraclaw.bot.inbox import Entry, Inbox, State
from entraclaw.bot.labels import sender
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.permission import Behavior, HeldTurn, Ledger, Request, Verdict
from entraclaw.bot.question import Question, from_hook
from entraclaw.errors import ApprovalRefused, EntraclawError

_LETTERS = "abcdefghijkmnopqrstuvwxyz"
_ID_LENGTH = 5
_LEASED_LOOKED_AT = 1000
_CHUNK = 1 << 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way back to who asked.

    Attributes:
        pid: Its process, as the operating system tells; 0 where it does not.
        tell: Takes the verdict, or None when there will be none. Called once.
    """

    pid: int
    tell: Callable[[Verdict | None], None]


class Alarm(Protocol):
    """Call something later; gives what takes that back."""

    def __call__(self, delay: float, ring: Callable[[], None], /) -> Callable[[], None]:
        """Call *ring* in *delay* seconds."""
        ...


class Approvals:
    """The requests for approval of all sessions."""

    def __init__(
        self,
        turns: Callable[[str], Awaitable[Sequence[HeldTurn]]],
        happened: Callable[[str, dict[str, object]], None],
        now: Callable[[], float],
        alarm: Alarm | None = None,
    ) -> None:
        """Begin with none.

        Args:
            turns: Finds what a session holds.
            happened: Told what happens: a word, and ids.
            now: Seconds since the epoch, by a clock that does not jump.
            alarm: Wakes us when a request expires; None takes the running loop's.
        """
        self._turns, self._happened, self._now = turns, happened, now
        self._alarm = alarm or _by_the_loop
        self._cancel_alarm: Callable[[], None] | None = None
        self._ledger = Ledger(_make_id)
        self._ways: dict[str, list[Way]] = {}
        self._order = asyncio.Lock()

    def open(self) -> Sequence[Request]:
        """List what waits for an answer, oldest first."""
        return self._ledger.open()

    def pids(self) -> frozenset[int]:
        """Tell the processes that ask right now, as far as the system names them."""
        return frozenset(way.pid for ways in self._ways.values() for way in ways if way.pid)

    async def ask(self, question: Question, way: Way) -> Request:
        """Let *question* wait; *way* is told what came of it.

        Raises:
            ApprovalRefused: Too many wait, or it was asked before. *way* is not called.
        """
        async with self._order:  # one at a time: what cannot wait costs no look for turns
            try:
                self._ledger.check(question)
                turns = await self._turns(question.session)
                request = self._ledger.ask(question, turns, self._now())
            except ApprovalRefused as refusal:
                _log.warning("not asked session=%s reason=%s", question.session, refusal)
                raise
        self._ways.setdefault(request.id, []).append(way)
        self._tell("asked", request, origin=question.origin.value, tool=question.tool)
        self._watch()
        return request

    def answer(self, name: str, behavior: Behavior, by: str, words: str = "") -> Request:
        """Answer the request *name*; the first answer counts.

        Args:
            name: Its id.
            behavior: What the host is to do.
            by: Whom the answer is from: ``desk``, or an object id. The caller has proved it.
            words: For the model, when it is denied; may be empty.

        Raises:
            ApprovalRefused: It ended already, or there is none.
        """
        verdict = Verdict(behavior, by, words)
        request = self._ledger.answer(name, verdict, self._now())
        allows = behavior is Behavior.ALLOW
        self._ended("allowed" if allows else "denied", request, verdict)
        return request

    def withdraw(self, name: str) -> None:
        """End the request *name* without an answer, if it still waits: its host asks no more."""
        request = self._ledger.withdraw(name)
        if request is not None:
            self._ended("withdrawn", request, None)

    async def serve(self, guest: Guest) -> object:
        """Hear what a hook asks, and give what to say to it.

        A verdict, or nothing, which leaves the question to the terminal. The guest that
        hangs up withdraws what it asked.
        """
        try:
            question = from_hook(guest.session, await guest.reader.readline())
        except ValueError:  # a line over the socket's limit
            question = None
        if question is None:
            return {"error": "this is no question about a tool"}
        told: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        try:
            request = await self.ask(question, Way(guest.pid, told.set_result))
        except ApprovalRefused:
            return {}
        leaving = asyncio.ensure_future(_end_of(guest.reader))
        try:
            await asyncio.wait((told, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            self.withdraw(request.id)
        verdict = told.result()
        return {"behavior": verdict.behavior, "message": verdict.words} if verdict else {}

    def _ended(self, how: str, request: Request, verdict: Verdict | None) -> None:
        self._tell(how, request, **({"by": verdict.by} if verdict else {}))
        for way in self._ways.pop(request.id):
            way.tell(verdict)
        self._watch()

    def _tell(self, how: str, request: Request, **facts: object) -> None:
        session = request.question.session
        _log.info("approval %s id=%s session=%s", how, request.id, session)
        self._happened(how, {"approval": request.id, "session": session, **facts})

    def _watch(self) -> None:
        """Set the alarm to the next expiry."""
        if self._cancel_alarm is not None:
            self._cancel_alarm()
            self._cancel_alarm = None
        end = self._ledger.next_expiry()
        if end is not None:
            self._cancel_alarm = self._alarm(max(0.0, end - self._now()), self._expire)

    def _expire(self) -> None:
        for request in self._ledger.expire(self._now()):
            self._ended("expired", request, None)
        self._watch()


async def turns_of(inbox: Inbox, session: str) -> Sequence[HeldTurn]:
    """Find the turns that *session* holds, and whose they are; none if the inbox cannot tell."""
    try:
        leased = await inbox.list_entries(_LEASED_LOOKED_AT, State.LEASED)
    except EntraclawError as error:
        _log.warning("held turns are not known session=%s reason=%s", session, error)
        return ()
    return [_held(one) for one in leased if one.session == session and not one.joined]


def _held(entry: Entry) -> HeldTurn:
    return HeldTurn(entry.turn, entry.lane, entry.arrival.sender, sender(entry))


async def _end_of(reader: asyncio.StreamReader) -> None:
    """Wait until there is nothing more to read, and keep none of it."""
    while await reader.read(_CHUNK):
        pass


def _by_the_loop(delay: float, ring: Callable[[], None], /) -> Callable[[], None]:
    return asyncio.get_running_loop().call_later(delay, ring).cancel


def _make_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
