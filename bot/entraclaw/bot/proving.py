"""Have a person prove that they want what widens power, and only then do it.

A command asks over the local socket; the daemon binds what it asks to a `Wish`, keeps the
request, tells the sponsors, and does it itself once it is proved: by a code that a sponsor
writes in their own 1:1, or by the operating system asking whoever sits here. A command
that has been tampered with can show what it likes; it cannot have another thing done than
the one the sponsor was shown. `entraclaw.bot.proof` decides, docs/proof.md explains.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from entraclaw.bot import presence
from entraclaw.bot.access import DESK
from entraclaw.bot.at_machine import AtThisMachine
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.presence import Presence
from entraclaw.bot.proof import (
    KEPT_S,
    Confirmed,
    Outcome,
    Proofs,
    Request,
    Show,
    Unknown,
    new_code,
)
from entraclaw.bot.wish import Bind, Result, Wish
from entraclaw.errors import EntraclawError, ProofRefused

VERB = "widen"
CHAT = "chat"

_log = logging.getLogger(__name__)

IsOfAHost = Callable[[int], bool]
Tell = Callable[[Collection[str], str], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class People:
    """Who may confirm over chat, and how they are reached.

    Attributes:
        sponsors: Gives their object ids; raises as `Sponsors.current`.
        tell: Says a text to some of them in their 1:1; gives who was told.
        why_not: Says why nothing written in a chat proves anything now; empty where it does.
    """

    sponsors: Callable[[], Awaitable[frozenset[str]]]
    tell: Tell
    why_not: Callable[[], str]


@dataclass(slots=True)
class _Waiting:
    wish: Wish
    ended: "asyncio.Future[Result]"


class Proving:
    """What waits for a proof, and those who give one."""

    def __init__(
        self,
        bindings: Mapping[str, Bind],
        people: People,
        now: Callable[[], float],
        here: Callable[[int], Presence] = presence.here,
    ) -> None:
        """Bind what commands ask with *bindings*; *here* asks whoever sits at a process."""
        self._bindings, self._people, self._now = bindings, people, now
        self._here = AtThisMachine(here)
        self._proofs = Proofs()
        self._waiting: dict[str, _Waiting] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> tuple[Request, ...]:
        """The requests that wait for a code."""
        return self._proofs.open

    async def close(self) -> None:
        """Give up what is still being told."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def serve(
        self, guest: Guest, asked: Mapping[str, object], is_of_a_host: IsOfAHost
    ) -> None:
        """Bind what *guest* asks, have it proved where it must be, and do it.

        Says one line for what is waited for, if anything is, and one for the outcome.
        """
        try:
            await guest.say({"done": await self._serve(guest, asked, is_of_a_host)})
        except EntraclawError as error:
            await guest.say({"error": str(error), "hint": error.hint, "exit": error.exit_code})

    async def confirm(self, code: str, oid: str) -> str | None:
        """Take a code that the sponsor *oid* wrote in their own 1:1, and do what it confirms.

        Returns:
            What is so now, a sentence without a full stop; empty when no request has that
            code; None when they are told elsewhere what it would do, and write it again.
        """
        self._expire()
        self._proofs, answer = self._proofs.confirm(code, oid)
        match answer:
            case Confirmed(request):
                return await self._do(request, oid)
            case Show(request):
                words = f"That code has me {request.what}. If you want that, write it once more."
                self._show(request, words, oid)
                return None
            case Unknown(denied):
                for request in denied:
                    self._fail(request, Outcome.DENIED, "too many wrong codes were written")
                return ""

    def refuse(self, oid: str) -> int:
        """End everything that waits, since the sponsor *oid* wants none of it; gives how much."""
        self._expire()
        refused = self._proofs.open
        for request in refused:
            self._proofs = self._proofs.end(request.id)
            self._fail(request, Outcome.DENIED, f"a sponsor refused it ({oid})")
        return len(refused)

    async def _serve(
        self, guest: Guest, asked: Mapping[str, object], is_of_a_host: IsOfAHost
    ) -> Result:
        bind = self._bindings.get(str(asked.get("change")))
        if bind is None:
            raise ProofRefused("this daemon does not know that change", hint="restart it")
        wish = await bind(asked)
        if not wish.needs_proof:
            return await wish.do(DESK)
        # Where the system does not tell who asks, the proof alone must do.
        if guest.pid and await asyncio.to_thread(is_of_a_host, guest.pid):
            raise ProofRefused(
                "a session of an LLM host cannot ask for this",
                hint="type it in a terminal that no LLM host started: docs/proof.md",
            )
        if asked.get("here") is not True:
            why_not = await self._why_no_chat()
            if not why_not:
                return await self._by_chat(guest, wish)
        else:
            why_not = ""
        await self._here.prove(guest, wish.what, why_not)
        return await wish.do(DESK)

    async def _why_no_chat(self) -> str:
        why_not = self._people.why_not()
        if why_not:
            return why_not
        try:
            sponsors = await self._people.sponsors()
        except EntraclawError as error:
            return f"the sponsors cannot be asked for now: {error}"
        return "" if sponsors else "Entra names no sponsor of the agent"

    async def _by_chat(self, guest: Guest, wish: Wish) -> Result:
        self._expire()
        name, code = secrets.token_hex(4), new_code(secrets.choice)
        self._proofs, request = self._proofs.ask(name, wish.what, code, self._now())
        waiting = _Waiting(wish, asyncio.get_running_loop().create_future())
        self._waiting[name] = waiting
        _log.info("proof asked id=%s", name)
        self._show(request, _asked(request))
        try:
            asked = {"what": wish.what, "way": CHAT, "code": code, "seconds": KEPT_S}
            await guest.say({"asked": asked})
            return await self._wait(guest, request, waiting.ended)
        finally:
            self._withdraw(request)

    async def _wait(
        self, guest: Guest, request: Request, ended: "asyncio.Future[Result]"
    ) -> Result:
        leaving = asyncio.ensure_future(guest.reader.read(1))
        awaited: set[asyncio.Future[Any]] = {ended, leaving}
        try:
            await asyncio.wait(
                awaited,
                timeout=max(0.0, request.until - self._now()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            leaving.cancel()
        if not ended.done() and self._proofs.waits(request.id):
            self._proofs = self._proofs.end(request.id)
            outcome = Outcome.WITHDRAWN if leaving.done() else Outcome.EXPIRED
            self._fail(request, outcome, "nobody confirmed it in time")
        return await ended  # what was confirmed is being done

    def _show(self, request: Request, words: str, *sponsors: str) -> None:
        """Tell *sponsors*, or all of them, what is asked: a code of theirs is about that."""
        task = asyncio.create_task(self._tell(request, words, sponsors), name="proof")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, request: Request, words: str, sponsors: Collection[str]) -> None:
        try:
            told = await self._people.tell(sponsors or await self._people.sponsors(), words)
        except EntraclawError as error:
            _log.warning("sponsors not told of a proof id=%s reason=%s", request.id, error)
            return
        for oid in told:
            self._proofs = self._proofs.show(request.id, oid)

    async def _do(self, request: Request, oid: str) -> str:
        """Do what was confirmed; gives what became of it, for the sponsor."""
        waiting = self._waiting.pop(request.id)
        _log.info("proof %s id=%s by=%s", Outcome.CONFIRMED, request.id, oid)
        try:
            result = await waiting.wish.do(oid)
        except EntraclawError as error:
            _finish(waiting.ended, error)
            return f"Not done, though you confirmed it: {error}"
        if not waiting.ended.done():
            waiting.ended.set_result({**result, "by": oid})
        return f"Confirmed: {result['did']}"

    def _expire(self) -> None:
        for request in self._proofs.expired(self._now()):
            self._proofs = self._proofs.end(request.id)
            self._fail(request, Outcome.EXPIRED, "nobody confirmed it in time")

    def _withdraw(self, request: Request) -> None:
        """Forget a request whose command has left; one that ended is not touched."""
        self._proofs = self._proofs.end(request.id)
        self._waiting.pop(request.id, None)

    def _fail(self, request: Request, outcome: Outcome, reason: str) -> None:
        _log.info("proof %s id=%s", outcome, request.id)
        waiting = self._waiting.pop(request.id, None)
        if waiting is not None:
            _finish(waiting.ended, ProofRefused(f"nothing was changed: {reason}"))


def _finish(ended: "asyncio.Future[Result]", error: EntraclawError) -> None:
    if not ended.done():
        ended.set_exception(error)


def _asked(request: Request) -> str:
    return (
        f"Somebody at my machine asks me to {request.what}. If you want that, write me **confirm**"
        f" and the code that is shown there, within {round(KEPT_S / 60)} minutes. If you do not,"
        " write **refuse**."
    )
