"""What a person at the desk asks of a running daemon: replay, drop, send, catch up.

One request, one result, both JSON. Nothing here widens who may do what; what does is passed
on to whoever has it proved.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from entraclaw.bot import by_hand
from entraclaw.bot.answers import TEXT_LIMIT
from entraclaw.bot.catchup import CatchUp
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.outbox import Outbox
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.sending import Sending
from entraclaw.errors import EntraclawError, TurnRefused, Uncertain

_log = logging.getLogger(__name__)


Request = Mapping[str, object]
Result = dict[str, Any]


class Controls:
    """The desk's own requests."""

    def __init__(  # noqa: PLR0917 - one for each thing that can be asked
        self,
        inbox: Inbox,
        outbox: Outbox,
        sending: Sending,
        catch_up: CatchUp,
        lock: ProfileLock,
        put: Callable[[Entry], None],
        left: Callable[[], Awaitable[None]],
    ) -> None:
        """Give what is to be judged again to *put*; tell *left* that a turn has ended."""
        self._inbox, self._outbox, self._sending = inbox, outbox, sending
        self._catch_up, self._lock, self._put, self._left = catch_up, lock, put, left

    async def do(self, request: Request) -> Result:
        """Do what *request* asks; gives its result, or ``error`` and ``hint``."""
        verbs: dict[str, Callable[[Request], Awaitable[Result]]] = {
            "replay": self._replay,
            "drop": self._drop,
            "send": self._send,
            "catch-up": self._read_back,
        }
        verb = verbs.get(str(request.get("verb")))
        if verb is None:
            return {"error": "this daemon does not know that request", "hint": "restart it"}
        try:
            return await verb(request)
        except EntraclawError as error:
            return {"error": str(error), "hint": error.hint, "exit": error.exit_code}

    async def _replay(self, request: Request) -> Result:
        entry = await by_hand.replay(
            self._inbox, _number(request, "seq"), yes=request.get("yes") is True
        )
        self._put(entry)
        _log.info("replayed seq=%d", entry.seq)
        return {"seq": entry.seq, "state": entry.state.value}

    async def _drop(self, request: Request) -> Result:
        entry = await by_hand.drop(self._inbox, _number(request, "seq"))
        await self._left()
        _log.info("dropped seq=%d at the desk", entry.seq)
        return {"seq": entry.seq, "state": entry.state.value}

    async def _send(self, request: Request) -> Result:
        self._lock.check()
        conversation, text = _text(request, "conversation"), _text(request, "text")
        if len(text) > TEXT_LIMIT:
            raise TurnRefused(f"a message holds at most {TEXT_LIMIT} characters")
        try:
            activity = await self._sending.say(conversation, text)
        except Uncertain as error:
            error.hint = "look at the chat before you send it again: it may have arrived"
            raise
        await self._outbox.remember(conversation, activity)
        return {"sent": activity, "conversation": conversation}

    async def _read_back(self, request: Request) -> Result:
        del request
        return asdict(await self._catch_up.run())


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value.strip():
        raise TurnRefused(f"{name} must be a text")
    return value


def _number(request: Request, name: str) -> int:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TurnRefused(f"{name} must be a number")
    return value
