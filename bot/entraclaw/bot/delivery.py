"""Take what a person may say to where it belongs: a turn of its own, an open one, or beside.

The gate has decided; here its word is carried out. An edit, a deletion or a reaction goes to
where its message stands, and is only noted where that is past.
"""

import orjson

from entraclaw.bot import gate
from entraclaw.bot.content import Kind
from entraclaw.bot.desk import BACKLOG
from entraclaw.bot.fields import items
from entraclaw.bot.inbox import OBSERVED, Entry, Move, State
from entraclaw.bot.notices import Notice
from entraclaw.bot.own_words import OwnWords
from entraclaw.bot.rooms import Rooms, Said
from entraclaw.bot.views import glimpse, view

_LOOKS = 5
_EDITED, _TAKEN_BACK = "edited by its sender", "deleted by its sender"


class Delivery:
    """Carries out what the gate allows."""

    def __init__(self, rooms: Rooms) -> None:
        """Deliver into *rooms*."""
        self._rooms = rooms
        self._own_words = OwnWords(rooms)

    async def deliver(self, said: Said, relation: gate.Relation) -> None:
        """Let it reach the agent, unless it is one of the daemon's own words."""
        if await self._own_words.heed(said, relation):
            return
        if said.content.kind is Kind.MESSAGE:
            await self._open(said, relation)
        else:
            await self._change(said, relation)

    async def _change(self, said: Said, relation: gate.Relation) -> None:
        """Take an edit, a deletion or a reaction to where its message stands."""
        # It may be handed over, or answered, between the look and what follows from it.
        for _ in range(_LOOKS):
            target = await self.target(said)
            if target is None:
                break
            if await self._take_to(target, said, relation):
                return
        if said.content.kind is Kind.UNDELETE and await self._was_taken_back(said):
            await self._open(said, relation)
        else:
            await self.observe(said, shown=True)

    async def _take_to(self, target: Entry, said: Said, relation: gate.Relation) -> bool:
        """Amend or replace *target*; False if it has moved on, and nothing was done."""
        # Who has the message in an earlier wording must hear that it is gone.
        was_handed = target.state is State.LEASED or (
            target.joined and target.arrival.kind != "message"
        )
        if was_handed or said.content.kind is not Kind.DELETE:
            return await self._open(said, relation, target)
        inbox = self._rooms.inbox
        if not await inbox.end(target.seq, Move.SUPERSEDE, _TAKEN_BACK):
            return False
        await inbox.note(said.entry.seq, said.place.lane, "took its message back")
        return True

    async def target(self, said: Said) -> Entry | None:
        """Find the open message that a change is about, if its own sender made it."""
        if said.content.kind is Kind.REACTION:
            return None
        return await self._rooms.inbox.open_with(
            said.place.lane, said.content.target, said.speaker.oid
        )

    async def _was_taken_back(self, said: Said) -> bool:
        """Tell whether the message was deleted before anybody was handed it."""
        arrival = said.entry.arrival
        first = await self._rooms.inbox.find(
            arrival.tenant, arrival.conversation, said.content.target
        )
        return (
            first is not None
            and first.arrival.sender == arrival.sender
            and (first.state, first.reason) == (State.SUPERSEDED, _TAKEN_BACK)
        )

    async def _open(self, said: Said, relation: gate.Relation, about: Entry | None = None) -> bool:
        entry, lane = said.entry, said.place.lane
        shown = view(said.content, said.speaker.name, relation, seq=entry.seq, marks=_marks(said))
        is_fresh = not entry.arrival.late
        opened = await self._rooms.desk.open(
            entry,
            lane,
            shown,
            person=said.place.person,
            may_join=is_fresh,
            about=about,
            why=_TAKEN_BACK if said.content.kind is Kind.DELETE else _EDITED,
        )
        if opened.is_full:
            await self._rooms.inbox.end(
                entry.seq, Move.REFUSE, "its conversation's backlog is full"
            )
            await self._rooms.notices.tell(entry, Notice.FULL, str(BACKLOG))
        elif opened.waiting and not opened.joined:
            await self._say_if_queued(said)
        return not opened.is_stale

    async def _say_if_queued(self, said: Said) -> None:
        """Tell who writes that no session gets it now, once an hour."""
        place = said.place
        if said.content.kind is Kind.MESSAGE and not self._rooms.desk.seats.owner(
            place.lane, place.person
        ):
            await self._rooms.notices.tell(said.entry, Notice.QUEUED)

    async def observe(self, said: Said, *, shown: bool) -> None:
        """Note it beside the conversation; the agent may read it there if it is *shown*."""
        seen = orjson.dumps(glimpse(said.content, said.speaker.name)) if shown else b""
        await self._rooms.inbox.note(said.entry.seq, said.place.lane, OBSERVED, seen)


def _marks(said: Said) -> list[str]:
    """Tell what makes a message less than a fresh one; only catching up may say so."""
    if not said.entry.arrival.late:
        return []
    return [str(mark) for mark in items(said.document, "entraclaw", "marks")] or ["late"]
