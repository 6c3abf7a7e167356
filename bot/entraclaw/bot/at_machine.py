"""Have the operating system ask whoever sits at a command, while that waits for it.

One question is open at a time, and it ends with the command. What the system says is
`entraclaw.bot.presence`'s to find out.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from entraclaw.bot.local_socket import Guest
from entraclaw.bot.presence import Presence
from entraclaw.errors import ProofRefused

READY_S = 15.0  # for the command to have a terminal ready to be asked on

_log = logging.getLogger(__name__)


class AtThisMachine:
    """The proof by whoever sits here."""

    def __init__(self, here: Callable[[int], Presence]) -> None:
        """Ask by what *here* gives for a process."""
        self._here, self._is_asking = here, False

    async def prove(self, guest: Guest, what: str, why_no_chat: str) -> None:
        """Have the system ask whoever sits at *guest* whether they want *what*.

        Args:
            guest: The command; it says a line once it is ready for that.
            what: To end the sentence "somebody asks me to".
            why_no_chat: Why no sponsor was asked instead; empty where that was not wanted.

        Raises:
            ProofRefused: Nobody said yes, or nobody can be asked.
        """
        here = self._here(guest.pid)
        reason = here.unavailable()
        if reason is not None:
            reasons = "; ".join(filter(None, (why_no_chat, reason)))
            raise ProofRefused(
                f"nobody can prove here that they want this: {reasons}",
                hint="docs/proof.md says what each proof needs",
            )
        if self._is_asking:
            raise ProofRefused("another question is open here", hint="answer that one first")
        self._is_asking = True
        try:
            await self._ask(guest, here, what)
        finally:
            self._is_asking = False
        _log.info("proof given way=%s", here.way)

    async def _ask(self, guest: Guest, here: Presence, what: str) -> None:
        await guest.say({"asked": {"what": what, "way": here.way}})
        if not await _is_ready(guest):
            raise ProofRefused("the command left, or did not become ready to ask")
        leaving = asyncio.ensure_future(guest.reader.read(1))
        asking = asyncio.ensure_future(here.ask(what))
        awaited: set[asyncio.Future[Any]] = {leaving, asking}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() or not asking.result():
                raise ProofRefused("nobody here confirmed it, and nothing was changed")
        finally:
            for task in awaited:
                task.cancel()
            await asyncio.gather(*awaited, return_exceptions=True)


async def _is_ready(guest: Guest) -> bool:
    """Wait until the command has made ready a terminal to be asked on."""
    try:
        async with asyncio.timeout(READY_S):
            return bool(await guest.reader.readline())
    except TimeoutError:
        return False
