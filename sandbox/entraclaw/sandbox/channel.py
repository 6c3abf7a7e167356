"""The Teams channel: the agent's endpoint is told what people do, impatiently.

The service waits a few seconds for an answer and then sends the same activity
again. What it promises is at least once, so what an agent sees twice is one
message.

Messages: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.settings import Settings

_log = logging.getLogger(__name__)

_TRIES = 3
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the agent's endpoint took one activity; *status* 0 means it never answered.

    *posted_at* and *accepted_at* are `time.monotonic_ns()`, before the first
    POST and after the final answer, and None when there was none. *body* is
    what the final answer said: JSON, else text, None when it was empty.
    """

    status: int
    tries: int
    posted_at: int | None
    accepted_at: int | None
    body: object = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of one activity so far; under way while it is posted and not accepted.

    *lost* is an activity that the endpoint will never be told of.
    """

    activity: str
    delivery: Delivery
    lost: bool = False


_UNTRIED = Delivery(status=0, tries=0, posted_at=None, accepted_at=None)


class Channel:
    """Delivers activities, or loses them."""

    def __init__(
        self,
        *,
        passes: Passes,
        session: aiohttp.ClientSession,
        settings: Settings,
        tell: Callable[[Fate], None],
    ) -> None:
        self._tell = tell
        self._passes, self._session, self._settings = passes, session, settings
        self._unwatched: set[asyncio.Task[Delivery]] = set()

    async def deliver(
        self,
        agent: Agent,
        activity: Json,
        *,
        name: str | None = None,
        token: str | None = None,
        wait: bool = True,
    ) -> Delivery:
        """Tell the agent's endpoint, again if it must be; without *wait*, in the background.

        *name* is what the delivery goes by, the activity's id unless it is another message's.
        """
        called = name or str(activity.get("id"))
        if agent.endpoint is None:
            self._tell(Fate(called, _UNTRIED))
            return _UNTRIED
        shown = token or self._passes.show(agent)
        work = self._post(agent.endpoint, activity, called, shown)
        if wait:
            return await work
        task = asyncio.create_task(work)
        self._unwatched.add(task)
        task.add_done_callback(self._unwatched.discard)
        return _UNTRIED

    def lose(self, name: str) -> Delivery:
        """Never tell the agent's endpoint, as when the service gave up."""
        self._tell(Fate(name, _UNTRIED, lost=True))
        return _UNTRIED

    async def close(self) -> None:
        """Give up whatever is still under way."""
        for task in self._unwatched:
            task.cancel()
        await asyncio.gather(*self._unwatched, return_exceptions=True)

    async def _post(self, endpoint: str, activity: Json, name: str, token: str) -> Delivery:
        body = orjson.dumps(activity)
        posted_at, status, tries, said = time.monotonic_ns(), 0, 0, b""
        while tries < _TRIES:
            tries += 1
            self._tell(Fate(name, Delivery(status, tries, posted_at, None)))
            status, said = await self._try(endpoint, body, token)
            if 0 < status < _SERVER_FAULT:
                break
        delivery = Delivery(status, tries, posted_at, time.monotonic_ns(), _body(said))
        self._tell(Fate(name, delivery))
        _log.info("delivery of %r: status %d after %d tries", name, status, tries)
        return delivery

    async def _try(self, endpoint: str, body: bytes, token: str) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)",
        }
        patience = aiohttp.ClientTimeout(total=self._settings.patience_s)
        try:
            async with self._session.post(
                endpoint, data=body, headers=headers, timeout=patience, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return 0, b""


def _body(said: bytes) -> object:
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return said.decode(errors="replace") or None
