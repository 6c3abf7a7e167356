"""Do what the daemon is told by a word of its own: stop, pair, confirm, refuse, listen, hush.

Which messages are such words is `words`' to say, and who may use one is decided here. They
never reach the model, and one that came late counts for nothing.
"""

import asyncio

from entraclaw.bot import gate
from entraclaw.bot.content import Kind
from entraclaw.bot.notices import Notice
from entraclaw.bot.rooms import Rooms, Said
from entraclaw.bot.words import Approve, Confirm, Hush, Listen, Refuse, Stop, word
from entraclaw.errors import PairingRefused


class OwnWords:
    """Heeds them."""

    def __init__(self, rooms: Rooms) -> None:
        """Act in *rooms*."""
        self._rooms = rooms

    async def heed(self, said: Said, relation: gate.Relation) -> bool:
        """Do what *said* asks of the daemon itself; False if it is an ordinary message."""
        if said.entry.arrival.late or said.content.kind is not Kind.MESSAGE:
            return False
        is_sponsor = relation is gate.Relation.SPONSOR
        is_personal = said.place.kind == gate.Kind.PERSONAL
        match word(said.content.text):
            case Stop():
                await self._stop(said)
            case Approve(code) if is_sponsor and is_personal:
                await self._approve(said, code)
            case Confirm(code) if is_sponsor and is_personal:
                await self._confirm(said, code)
            case Refuse() if is_sponsor and is_personal:
                return await self._refuse(said)
            case Listen() if is_sponsor and not is_personal:
                await self._listen(said, on=True)
            case Hush() if is_sponsor and not is_personal:
                await self._listen(said, on=False)
            case _:
                return False
        return True

    async def _stop(self, said: Said) -> None:
        rooms, entry = self._rooms, said.entry
        stopped = await rooms.desk.stop(said.place.lane, said.speaker.oid, entry.seq)
        await rooms.inbox.note(entry.seq, said.place.lane, "said stop")
        await rooms.notices.tell(entry, Notice.STOPPED if stopped else Notice.NOTHING)

    async def _approve(self, said: Said, code: str) -> None:
        rooms, by = self._rooms, said.speaker.oid
        try:
            _, paired = await asyncio.to_thread(
                rooms.access.change, lambda access: access.approve(code, by, rooms.now())
            )
        except PairingRefused:
            notice, name = Notice.NOT_PAIRED, ""
        else:
            notice, name = Notice.PAIRED, paired.name
        await rooms.inbox.note(said.entry.seq, said.place.lane, "approved a pairing")
        await rooms.notices.tell(said.entry, notice, name)

    async def _confirm(self, said: Said, code: str) -> None:
        rooms, entry = self._rooms, said.entry
        done = await rooms.proving.confirm(code, said.speaker.oid)
        await rooms.inbox.note(entry.seq, said.place.lane, "gave a proof")
        if done is not None:
            notice = Notice.CONFIRMED if done else Notice.NOT_CONFIRMED
            await rooms.notices.tell(entry, notice, done)

    async def _refuse(self, said: Said) -> bool:
        """Refuse what waits; where nothing does, it is an ordinary message."""
        rooms, entry = self._rooms, said.entry
        if not rooms.proving.refuse(said.speaker.oid):
            return False
        await rooms.inbox.note(entry.seq, said.place.lane, "refused a proof")
        await rooms.notices.tell(entry, Notice.NOTHING_CHANGED)
        return True

    async def _listen(self, said: Said, *, on: bool) -> None:
        await self._rooms.places.set_mark(listening(said.place.lane), float(on))
        await self._rooms.inbox.note(said.entry.seq, said.place.lane, "said how to listen here")
        await self._rooms.notices.tell(said.entry, Notice.LISTENING if on else Notice.HUSHED)


def listening(lane: str) -> str:
    """Name the mark that says whether everything in *lane* is meant for the agent."""
    return f"listen:{lane}"
