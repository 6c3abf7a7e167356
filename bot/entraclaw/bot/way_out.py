"""Everything that leaves: answers, what settles them, and the ways they take."""

import time
from collections.abc import Sequence
from functools import partial

from entraclaw.bot.answers import Answers
from entraclaw.bot.catchup import learn_places
from entraclaw.bot.connector import Line
from entraclaw.bot.desk import Desk
from entraclaw.bot.pace import Pace
from entraclaw.bot.pipeline import Pipeline
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.sending import Sending
from entraclaw.bot.settling import Settling
from entraclaw.bot.store import Store
from entraclaw.identity import AgentIds
from entraclaw.tools import ChatMessage, Graph, latest, post


class WayOut:
    """The rooms an answer passes."""

    def __init__(  # noqa: PLR0917 - each is a room of its own
        self,
        agent: AgentIds,
        store: Store,
        line: Line,
        pipeline: Pipeline,
        graph: Graph,
        lock: ProfileLock,
        desk: Desk,
        pace: Pace,
    ) -> None:
        """Connect them; *desk* knows who holds a turn, and is told when one has ended."""
        self._agent, self._store, self._graph = agent, store, graph
        self.sending = Sending(line, pipeline, store.places, partial(post, graph), lock)
        self.settling = Settling(
            store.inbox,
            store.outbox,
            self.sending.send,
            self._read_back,
            now=time.time,
            left=desk.announce,
            is_sending=self._is_sending,
            pace=pace,
        )
        self.answers = Answers(
            store.inbox,
            store.outbox,
            desk.use,
            self.sending.send,
            now=time.time,
            left=desk.announce,
            doubted=self.settling.start,
            lock=lock,
        )

    async def settle(self) -> None:
        """Begin with what an earlier daemon left without an outcome."""
        if await self._store.outbox.unsettled():
            self.settling.start()

    def _is_sending(self, lane: str) -> bool:
        return self.answers.is_sending(lane)

    async def _read_back(self, lane: str, since: float) -> Sequence[ChatMessage] | None:
        """Read what we said in a chat since then; None where it is not known in Graph.

        A bot's conversations are not there: the chats that Graph lists are the agent user's.
        """
        if self._agent.bot:
            return None
        chat = await self._chat(lane)
        if not chat:
            await learn_places(self._graph, self._store.places, self._agent)
            chat = await self._chat(lane)
        if not chat:
            return None
        said = await latest(self._graph, chat, since)
        return [message for message in said if message.sender == self._agent.user]

    async def _chat(self, lane: str) -> str:
        """Name a lane's chat in Graph; empty if it has none that we know."""
        place = await self._store.places.find(lane)
        if place is None or place.kind == "channel":
            return ""
        names = (place.id, place.twin)
        return next((name for name in names if name.startswith("19:")), "")
