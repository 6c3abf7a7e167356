"""Find the way for one part: where its question came from, else the place we know, else Graph.

An answer goes back by the connector while an activity of the conversation is known that
names its address. A chat that is known from Graph alone is answered there, as the same
agent user.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from entraclaw.bot.activity import parse
from entraclaw.bot.connector import Conversations, Line
from entraclaw.bot.fields import text
from entraclaw.bot.inbox import Entry
from entraclaw.bot.outbox import Kind, Part
from entraclaw.bot.pipeline import Origin, Pipeline, origin
from entraclaw.bot.places import Place, Places
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.errors import TurnRefused

# The connector's names for what people call by a word.
REACTIONS = {
    "like": "like",
    "heart": "heart",
    "eyes": "1f440_eyes",
    "check": "2705_whiteheavycheckmark",
    "rocket": "launch",
    "pin": "1f4cc_pushpin",
}


class Sending:
    """The ways out."""

    def __init__(
        self,
        line: Line,
        pipeline: Pipeline,
        places: Places,
        post: Callable[[str, str], Awaitable[str]],
        lock: ProfileLock,
    ) -> None:
        """Send over *line* and *pipeline*; *post* says a text in a chat of Graph's.

        Nothing is sent while the profile is locked, whoever asks.
        """
        self._line, self._pipeline, self._places, self._post = line, pipeline, places, post
        self._lock = lock

    async def send(self, entry: Entry, part: Part) -> str:
        """Send *part* for *entry*; gives the id Teams gave it, empty for a reaction.

        Raises:
            Locked: The profile is locked.
            EntraclawError: As `Pipeline.send` does.
        """
        self._lock.check()
        if part.kind is Kind.REACTION:
            await self._react(entry, part.text)
            return ""
        if _service_url(entry.arrival.body):
            return await self._pipeline.send(origin(entry), part.text)
        return await self.say(entry.arrival.conversation, part.text)

    async def say(self, conversation: str, text: str) -> str:
        """Say *text* in a conversation that we know; gives the id Teams gave it.

        Raises:
            Locked: The profile is locked.
            TurnRefused: We do not know it.
            EntraclawError: As `Pipeline.send` does.
        """
        place = await self._places.find(conversation)
        if place is None:
            raise TurnRefused(
                "nothing ever came from this conversation",
                hint="only places that somebody wrote to the agent from are known",
            )
        twin = await self._places.find(place.twin) if place.twin else None
        for one in (place, twin):
            if one is not None and one.reference:
                return await self._say_to(Origin(one.reference, one.claims), text)
        return await self._post_to(place.id, text)

    def ways(self, place: Place) -> list[Callable[[str], Awaitable[str]]]:
        """List the ways to a 1:1, the best first; each says a text there and gives its id.

        They raise as `say` does.
        """
        ways: list[Callable[[str], Awaitable[str]]] = []
        if place.reference:
            ways.append(partial(self._say_to, Origin(place.reference, place.claims)))
        in_graph = place.twin if place.reference else place.id
        if in_graph:
            ways.append(partial(self._post_to, in_graph))
        return ways

    async def _say_to(self, to: Origin, text: str) -> str:
        self._lock.check()
        return await self._pipeline.send(to, text)

    async def _post_to(self, chat: str, text: str) -> str:
        self._lock.check()
        return await self._post(chat, text)

    async def _react(self, entry: Entry, reaction: str) -> None:
        arrival = entry.arrival
        base = _service_url(arrival.body)
        if not base:
            raise TurnRefused(
                "this message takes no reaction: it was found by catching up",
                hint="answer it with `reply`, or close its turn with `done`",
            )
        at = Conversations(self._line, base)
        await at.react(arrival.conversation, arrival.activity, REACTIONS[reaction])


def _service_url(body: bytes) -> str:
    return text(parse(body), "serviceUrl")
