"""Decide about one admitted activity: who says it, whether they may, what becomes of it.

The deciding is `reading`, `gate` and `words`, all pure; here they are asked in order and
what they say is done. Every activity that is not refused passes the Agents SDK once.
"""

import asyncio
import logging
import secrets
from functools import partial

import orjson

from entraclaw.bot import gate
from entraclaw.bot.access import Access, new_code
from entraclaw.bot.activity import Json, parse, reference
from entraclaw.bot.content import Content, Kind
from entraclaw.bot.delivery import Delivery
from entraclaw.bot.inbox import Entry, Move
from entraclaw.bot.invokes import answer, invoke_name, say
from entraclaw.bot.notices import Notice
from entraclaw.bot.own_words import listening
from entraclaw.bot.pipeline import Then
from entraclaw.bot.places import Place
from entraclaw.bot.reading import read
from entraclaw.bot.rooms import Rooms, Said
from entraclaw.bot.speaker import is_ours, speaker
from entraclaw.errors import AccessUnwritable, EntraclawError, HopRefused, KeyUnavailable
from entraclaw.tools import is_marked

_log = logging.getLogger(__name__)

_SPEECH = frozenset({Kind.MESSAGE, Kind.EDIT, Kind.UNDELETE, Kind.DELETE, Kind.REACTION})
_NOT_YOU = "This is not for you to answer."
_AT_ONCE = 16_384  # bytes of a body
_ANOTHER_WAY = "it came another way, too"


class Reception:
    """Takes entries one by one; the caller keeps each conversation in order."""

    def __init__(self, rooms: Rooms) -> None:
        """Decide with *rooms*."""
        self._rooms = rooms
        self._delivery = Delivery(rooms)

    async def handle(self, entry: Entry) -> None:
        """Decide about *entry*.

        Raises:
            EntraclawError: It cannot be decided now; it is still admitted.
        """
        document = parse(entry.arrival.body)
        content = await self._read(document, len(entry.arrival.body))
        if content.kind in _SPEECH:
            place = await self._place(entry, document, content)
            said = Said(entry, document, content, speaker(document), place)
            try:
                await self._speech(said)
            except HopRefused as error:
                if place.kind == gate.Kind.PERSONAL and not error.is_passing:
                    await self._rooms.notices.tell(entry, Notice.HELD)
                raise
        elif content.kind is Kind.LIFECYCLE:
            # Done before the SDK is asked to read it: it must lock, readable or not.
            done = await self._rooms.lifecycle.take(document)
            await self._note(entry, done)
        else:
            await self._note(entry, content.kind.value)

    async def invoke(self, entry: Entry) -> bytes:
        """Answer an invoke, if its sender may speak; the answer is kept as its view.

        Raises:
            EntraclawError: It cannot be decided now; it is still admitted.
        """
        document = parse(entry.arrival.body)
        content = await self._read(document, len(entry.arrival.body))
        place = await self._place(entry, document, content)
        said = Said(entry, document, content, speaker(document), place)
        verdict = await self._judge(said)
        given = say(_NOT_YOU)
        if isinstance(verdict, gate.Deliver):
            given = answer(invoke_name(document), document)
        body = orjson.dumps(dict(given.body))
        await self._dispatch_invoke(entry, body)
        return body

    async def _dispatch_invoke(self, entry: Entry, body: bytes) -> None:
        async def ask() -> object:
            await self._rooms.inbox.note(entry.seq, entry.lane, "invoke", body)
            return orjson.loads(body)

        try:
            await self._rooms.pipeline.invoke(entry, ask)
        except EntraclawError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises on an unreadable activity
            await self._give_up(entry, error)

    async def _read(self, document: Json, size: int) -> Content:
        if size <= _AT_ONCE:
            return read(document, self._rooms.agent)
        # Hostile markup at the limit of a body takes a second: others go on meanwhile.
        return await asyncio.to_thread(read, document, self._rooms.agent)

    async def _note(self, entry: Entry, reason: str) -> None:
        note = partial(self._rooms.inbox.note, entry.seq, entry.lane, reason)
        await self._dispatch(entry, note)

    async def _speech(self, said: Said) -> None:
        inbox, entry = self._rooms.inbox, said.entry
        if await self._came_another_way(said):
            await inbox.note(entry.seq, said.place.lane, _ANOTHER_WAY)
            return
        verdict = await self._judge(said)
        match verdict:
            case gate.Deliver(relation):
                await self._dispatch(entry, partial(self._delivery.deliver, said, relation))
            case gate.Observe(_, shown):
                await self._dispatch(entry, partial(self._delivery.observe, said, shown=shown))
            case gate.Pair() if said.content.kind is Kind.MESSAGE:
                await self._pair(said)
            case gate.Pair():
                await inbox.end(entry.seq, Move.REFUSE, gate.Reason.NOT_ALLOWED)
            case gate.Drop(reason, tell):
                await inbox.end(entry.seq, Move.REFUSE, reason)
                _log.info("dropped seq=%d reason=%s", entry.seq, reason)
                if tell and said.content.kind is Kind.MESSAGE:
                    await self._rooms.notices.tell(entry, Notice.REFUSED)

    async def _place(self, entry: Entry, document: Json, content: Content) -> Place:
        arrival = entry.arrival
        kind = content.conversation_kind.value
        is_theirs = kind == gate.Kind.PERSONAL and arrival.sender != self._rooms.agent.user
        return await self._rooms.places.learn(
            Place(
                id=arrival.conversation,
                tenant=arrival.tenant,
                kind=kind,
                person=arrival.sender if is_theirs else "",
                name=content.place_name,
                reference=reference(document),
                claims=arrival.claims,
            )
        )

    async def _came_another_way(self, said: Said) -> bool:
        """Tell whether the chat's other name has the same message of the same sender."""
        arrival, place = said.entry.arrival, said.place
        if not place.twin or arrival.kind != "message":
            return False
        same = await self._rooms.inbox.find(arrival.tenant, place.twin, arrival.activity)
        if same is None or same.arrival.sender != arrival.sender:
            return False
        return same.seq < said.entry.seq  # the first stays, whichever is decided first

    async def _judge(self, said: Said) -> gate.Verdict:
        rooms, who, home = self._rooms, said.speaker, self._rooms.agent.tenant
        sponsors = await rooms.sponsors.current()
        tenant = who.tenant
        if who.oid not in sponsors and not (who.is_agent or who.is_anonymous):
            tenant = await rooms.directory.home_of(who.oid, who.tenant, said.document)
        return gate.may_speak(
            gate.Speaker(who.oid, tenant, who.is_agent, self._is_self(said), who.is_anonymous),
            gate.Place(
                gate.Kind.read(said.content.conversation_kind),
                await self._is_addressed(said),
                said.entry.arrival.late,
            ),
            gate.Known(sponsors, home, await self._listed(who.oid in sponsors)),
            rooms.now(),
        )

    def _is_self(self, said: Said) -> bool:
        """Tell whether we said it ourselves, in our own name or in a person's."""
        rooms = self._rooms
        return is_ours(said.speaker, rooms.agent) or (rooms.marks and is_marked(said.content.text))

    async def _listed(self, is_sponsor: bool) -> Access:  # noqa: FBT001 - one fact of whoever speaks
        """Give the list; while nobody can say whether it is sealed, only sponsors need none."""
        try:
            return await self._rooms.access.now()
        except (KeyUnavailable, AccessUnwritable):
            if is_sponsor:
                return Access()
            raise

    async def _is_addressed(self, said: Said) -> bool:
        content = said.content
        if content.kind is Kind.REACTION:
            return False
        if content.kind is Kind.INVOKE:
            return True  # a click on something of ours
        return (
            content.addressed
            or bool(content.reply_to and await self._rooms.outbox.is_ours(content.reply_to))
            or bool(await self._rooms.places.mark(listening(said.place.lane)))
            or (content.kind is not Kind.MESSAGE and await self._delivery.target(said) is not None)
        )

    async def _pair(self, said: Said) -> None:
        rooms, who = self._rooms, said.speaker
        account = (rooms.agent.tenant, who.oid)

        def start(access: Access) -> tuple[Access, str]:
            return access.start_pairing(account, who.name, new_code(secrets.choice), rooms.now())

        _, code = await asyncio.to_thread(rooms.access.change, start)
        await rooms.inbox.end(said.entry.seq, Move.REFUSE, "not allowed; was told a code")
        if code:
            await rooms.notices.tell(said.entry, Notice.CODE, code)

    async def _dispatch(self, entry: Entry, then: Then) -> None:
        """Let *entry* pass the SDK; what the SDK cannot read is dead, with the reason."""
        try:
            await self._rooms.pipeline.dispatch(entry, then)
        except EntraclawError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises on an unreadable activity
            await self._give_up(entry, error)

    async def _give_up(self, entry: Entry, error: Exception) -> None:
        _log.warning("unreadable seq=%d error=%s", entry.seq, type(error).__name__)
        reason = f"unreadable: {type(error).__name__}"
        await self._rooms.inbox.end(entry.seq, Move.GIVE_UP, reason)
