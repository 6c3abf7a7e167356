"""Do what Microsoft 365 says about our agent: lock, ask anew, note an offer. Never answer.

Being disabled or deleted locks the profile, and nothing unlocks it by itself: what came
back may not be what went. A new identity under our blueprint is noted for the operator.
"""

import logging
from collections.abc import Callable

from entraclaw.bot.activity import Json
from entraclaw.bot.agent_lifecycle import LifecycleEvent, LifecycleKind, lifecycle
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.identity import AgentIds

_OFFERS = 20
_log = logging.getLogger(__name__)


class Lifecycle:
    """Takes the events of the agent's own life."""

    def __init__(
        self, agent: AgentIds, lock: ProfileLock, forget_sponsors: Callable[[], None]
    ) -> None:
        """Act for *agent*: with *lock*, or by having its sponsors asked for again."""
        self._agent, self._lock, self._forget = agent, lock, forget_sponsors
        self._offers: dict[str, str] = {}

    @property
    def offers(self) -> list[str]:
        """Agent users that were made under our blueprint and are not ours, the last ones."""
        return list(self._offers)

    async def take(self, document: Json) -> str:
        """Act on one event; gives what was done, for the entry's reason."""
        event = lifecycle(document)
        _log.info("lifecycle kind=%s user=%s", event.kind, event.user or "-")
        if event.kind is LifecycleKind.IDENTITY_CREATED and event.user != self._agent.user:
            return self._offer(event)
        if event.user not in {"", self._agent.user}:
            return f"{event.kind}, of another agent"
        match event.kind:
            case LifecycleKind.DISABLED | LifecycleKind.DELETED:
                self._lock.lock(f"Microsoft 365 says that the agent user was {event.kind}")
                return f"{event.kind}: locked"
            case LifecycleKind.MANAGER_UPDATED:
                self._forget()
                return f"{event.kind}: sponsors are asked for again"
            case _:
                return event.kind.value

    def _offer(self, event: LifecycleEvent) -> str:
        self._offers[event.user] = event.agent
        while len(self._offers) > _OFFERS:
            del self._offers[next(iter(self._offers))]
        return f"{event.kind}: it can be adopted"
