"""The Teams channel: people speak, the agent's endpoint is told, impatiently.

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

from entraclaw.sandbox.activities import Utterance, message
from entraclaw.sandbox.conversations import Conversation, Conversations, Kind
from entraclaw.sandbox.directory import Agent, Person
from entraclaw.sandbox.documents import DocumentError, Json
from entraclaw.sandbox.passes import Pass, Passes
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.transcript import Act, Author, Line, Transcript

_log = logging.getLogger(__name__)

_TRIES = 3
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the agent's endpoint took one activity; *status* 0 means it never answered.

    *posted_at* and *accepted_at* are `time.monotonic_ns()`, before the first
    POST and after the final answer, and None when there was none.
    """

    status: int
    tries: int
    posted_at: int | None
    accepted_at: int | None


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of one activity so far; under way while it is posted and not accepted."""

    activity: str
    delivery: Delivery


_UNTRIED = Delivery(status=0, tries=0, posted_at=None, accepted_at=None)


class Channel:
    """Turns what people say into deliveries."""

    def __init__(
        self,
        *,
        passes: Passes,
        conversations: Conversations,
        transcript: Transcript,
        session: aiohttp.ClientSession,
        settings: Settings,
        tell: Callable[[Fate], None],
    ) -> None:
        self._tell = tell
        self._passes, self._conversations = passes, conversations
        self._transcript, self._session, self._settings = transcript, session, settings
        self._unwatched: set[asyncio.Task[Delivery]] = set()

    def hear(self, person: Person, agent: Agent, kind: Kind = Kind.PERSONAL) -> Conversation:
        """The conversation in which *person* speaks to *agent*."""
        return self._conversations.between(person, agent, kind)

    def thread(self, conversation: Conversation, message: str) -> str:
        """The thread of *conversation* that *message* began.

        Raises:
            DocumentError: It began none there.
        """
        first = self._transcript.find(message)
        if first is None or first.conversation != conversation.address(message):
            raise DocumentError("there is no such thread in this conversation")
        return message

    def write(self, said: Utterance) -> Json:
        """Write the activity for *said*, with an id of its own; nothing is sent."""
        return message(
            said,
            id=self._transcript.stamp(),
            service_url=self._passes.service_url(said.agent.tenant),
            now=time.time(),
        )

    def record(self, said: Utterance, activity: Json) -> None:
        """Put a person's message into the transcript, where the person sees it at once."""
        shown: object = activity.get("text")
        name = str(activity.get("id"))
        line = Line(
            conversation=said.address(name),
            id=name,
            act=Act.MESSAGE,
            author=Author(said.person.oid, said.person.name),
            text=shown if isinstance(shown, str) else "",
            addressed=said.mention or said.conversation.kind is Kind.PERSONAL,
        )
        self._transcript.append(line)

    async def deliver(
        self, agent: Agent, activity: Json, *, token: str | None = None, wait: bool = True
    ) -> Delivery:
        """Tell the agent's endpoint, again if it must be; without *wait*, in the background."""
        if agent.endpoint is None:
            self._tell(Fate(str(activity.get("id")), _UNTRIED))
            return _UNTRIED
        shown = token or self._passes.show(agent, Pass.AGENTIC)
        work = self._post(agent.endpoint, activity, shown)
        if wait:
            return await work
        task = asyncio.create_task(work)
        self._unwatched.add(task)
        task.add_done_callback(self._unwatched.discard)
        return _UNTRIED

    async def close(self) -> None:
        """Give up whatever is still under way."""
        for task in self._unwatched:
            task.cancel()
        await asyncio.gather(*self._unwatched, return_exceptions=True)

    async def _post(self, endpoint: str, activity: Json, token: str) -> Delivery:
        body, name = orjson.dumps(activity), str(activity.get("id"))
        posted_at, status, tries = time.monotonic_ns(), 0, 0
        while tries < _TRIES:
            tries += 1
            self._tell(Fate(name, Delivery(status, tries, posted_at, None)))
            status = await self._try(endpoint, body, token)
            if 0 < status < _SERVER_FAULT:
                break
        delivery = Delivery(status, tries, posted_at, time.monotonic_ns())
        self._tell(Fate(name, delivery))
        _log.info("delivery of %r: status %d after %d tries", name, status, tries)
        return delivery

    async def _try(self, endpoint: str, body: bytes, token: str) -> int:
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
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
