"""Answer a host's hooks: what a session is told, what it may do, whether it may rest.

Answers are in Claude Code's own form, so that the program which the host starts for each
hook needs to know no rule; empty where there is nothing to say. What a host may do is
decided in `entraclaw.bot.host_tools`.

Contract: https://code.claude.com/docs/en/hooks, and docs/claude-code.md
"""

import json
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson

from entraclaw.bot import beside, host_tools, persona
from entraclaw.bot.host_tools import Call, Decision
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.settings import Settings

_KEPT = 200  # sessions that we remember having told something
# A model may ask for several tools at once. Those that follow the one which was held were
# asked for before it could read why; no model answers within this time.
_UNREAD_S = 0.25
_TOLD_NOW = "You have been told now, and are not told again: call the tool once more."
_log = logging.getLogger(__name__)

Answer = dict[str, Any]


class Hooking:
    """What the daemon says to hooks."""

    def __init__(
        self,
        settings: Settings,
        inbox: Inbox,
        waiting: Callable[[str], Awaitable[int]],
        rests: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        """Answer for the profile of *settings*.

        Args:
            settings: Its folder has the persona; they have the rules for the host's tools.
            inbox: Where the turns are.
            waiting: Counts what a session may take.
            rests: Told when a session has come to an end of what it did.
            now: Seconds by any clock that does not jump.
        """
        self._settings, self._inbox, self._waiting = settings, inbox, waiting
        self._rests, self._now = rests, now
        # By the host's own id of the session, which is new when its context is: from when
        # on it knows the prompt, and how much waited when it was last sent to that.
        self._briefed: OrderedDict[str, float] = OrderedDict()
        self._stopped: OrderedDict[str, float] = OrderedDict()

    async def serve(self, guest: Guest, *, is_configured: bool = True) -> None:
        """Answer one hook over the local socket; nonsense is answered with nothing.

        So is every hook of a profile that has no agent yet.
        """
        try:
            told: object = json.loads(await guest.reader.readline())
        except ValueError:
            told = None
        is_known = is_configured and isinstance(told, dict)
        event = cast("dict[str, object]", told) if is_known else {}
        await guest.say(await self.take(guest.session, event))

    async def take(self, session: str, event: dict[str, object]) -> Answer:
        """Say what *event* of *session* should answer, as `entraclaw.bot.hook` writes it."""
        context = str(event.get("id"))
        match event.get("event"):
            case "SessionStart":
                self._rests(session)
                return await self._start(session, context, await self._count(session, event))
            case "PreToolUse":
                return await self._tool(session, context, event)
            case "Stop":
                self._rests(session)
                waiting = await self._count(session, event)
                return self._stop(context, waiting, again=bool(event.get("again")))
            case _:
                return {}

    async def _count(self, session: str, event: dict[str, object]) -> int:
        # The result of a run without a person is its last word, and must not be another's.
        return await self._waiting(session) if event.get("attended") else 0

    async def _start(self, session: str, context: str, waiting: int) -> Answer:
        parts = [persona.whole_prompt(self._settings.folder)]
        held = len(await self._inbox.held(session))
        if held:
            parts.append(f"This session holds open turns: {held}. Answer or close each.\n")
        if waiting:
            parts.append(f"{beside.doorbell(waiting)}\n")
        _remember(self._briefed, context, self._now())
        return _specific("SessionStart", additionalContext="\n".join(parts))

    async def _tool(self, session: str, context: str, event: dict[str, object]) -> Answer:
        call = Call(
            tool=str(event.get("tool")),
            is_subagent=bool(event.get("agent")),
            is_briefed=self._now() >= self._briefed.get(context, math.inf),
            relations=[_relation(entry) for entry in await self._inbox.held(session)],
        )
        verdict = host_tools.decide(call, self._settings.host_tools)
        match verdict.decision:
            case Decision.PASS:
                return {}
            case Decision.BRIEF:
                if context not in self._briefed:
                    _remember(self._briefed, context, self._now() + _UNREAD_S)
                prompt = persona.whole_prompt(self._settings.folder)
                return _decided("deny", f"{prompt}\n{_TOLD_NOW}")
            case other:
                _log.info("hook session=%s tool=%s decision=%s", session, call.tool, other)
                return _decided(other, verdict.reason)

    def _stop(self, context: str, waiting: int, *, again: bool) -> Answer:
        """Send a session that wants to rest back to what waits, once for the same."""
        known = self._stopped.get(context, 0) if again else 0
        if waiting <= known:
            return {}
        _remember(self._stopped, context, waiting)
        return {"decision": "block", "reason": beside.doorbell(waiting)}


def _remember(kept: OrderedDict[str, float], context: str, value: float) -> None:
    kept[context] = value
    kept.move_to_end(context)
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def _relation(entry: Entry) -> str:
    return str(orjson.loads(entry.view).get("relation", ""))


def _decided(decision: str, reason: str) -> Answer:
    return _specific("PreToolUse", permissionDecision=decision, permissionDecisionReason=reason)


def _specific(event: str, **fields: str) -> Answer:
    return {"hookSpecificOutput": {"hookEventName": event, **fields}}
