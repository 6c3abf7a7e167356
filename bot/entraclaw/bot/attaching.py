"""Give a conversation to a session, or take it away: what `attach` and the desk ask for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath

from entraclaw.bot.desk import Desk
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.places import Place, Places
from entraclaw.bot.routing import ALL
from entraclaw.bot.sessions import Sessions
from entraclaw.errors import TurnRefused

Tell = Callable[[Entry, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attached:
    """What a session gets now.

    Attributes:
        rest: Whether it gets what no other session has.
        conversations: What it was given by name.
    """

    rest: bool
    conversations: tuple[str, ...]


class Attaching:
    """Who gets what, by name."""

    def __init__(
        self, desk: Desk, sessions: Sessions, *, places: Places, inbox: Inbox, tell: Tell
    ) -> None:
        """Have *tell* say to the person of a 1:1 which project they talk to from now on."""
        self._seats, self._sessions, self._desk = desk.seats, sessions, desk
        self._places, self._inbox, self._tell = places, inbox, tell

    async def attach(self, session: str, conversation: str) -> Attached:
        """Give *conversation*, or all that nobody else has if it is empty, to *session*.

        A turn that another session holds stays with that one until it is closed.

        Raises:
            TurnRefused: There is no such conversation, or *session* is not connected.
        """
        place = await self._place(conversation)
        if not self._sessions.has(session):
            raise TurnRefused("this session is not connected")
        if place is None:
            await self._seats.set_by_rule(session, by_rule=True)
            await self._seats.give(ALL, session)
        else:
            had = await self._seats.give(place.lane, session)
            if had != session:
                await self._say_so(place, session)
        await self._desk.announce()
        return self.of(session)

    async def detach(self, session: str, conversation: str) -> Attached:
        """Take *conversation*, or everything if it is empty, from *session*.

        Raises:
            TurnRefused: There is no such conversation.
        """
        place = await self._place(conversation)
        if place is not None:
            await self._seats.take_back(place.lane, session)
        else:
            for lane in self.of(session).conversations:
                await self._seats.take_back(lane, session)
            await self._seats.take_back(ALL, session)
            await self._seats.set_by_rule(session, by_rule=False)
        await self._desk.announce()
        return self.of(session)

    def of(self, session: str) -> Attached:
        """Tell what *session* gets."""
        rest, named = self._seats.routes.how(session)
        return Attached(rest, tuple(named))

    async def _place(self, conversation: str) -> Place | None:
        if not conversation:
            return None
        place = await self._places.find(conversation)
        if place is None:
            raise TurnRefused(
                f"there is no conversation {conversation[:80]!r}",
                hint="read_messages names each message's conversation",
            )
        return place

    async def _say_so(self, place: Place, session: str) -> None:
        """Tell the person of a 1:1: what they write next is read elsewhere."""
        said = await self._inbox.conversation(place.lane, 1) if place.person else ()
        project = PurePath(self._sessions.get(session).facts.get("project", "")).name
        for entry, _ in said:
            await self._tell(entry, project or "another project")
