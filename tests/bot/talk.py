"""A conversation of its own with a daemon that others share: what people post there, by hand.

Every activity is the sandbox's own, with other words, people and ids, and comes with the
channel's token.
"""

import copy
import itertools
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.stage import Stage, unrung, until
from entraclaw.bot.access import DESK
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.desk import Desk
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import Entry, State
from entraclaw.bot.sessions import Connection

Document = dict[str, Any]

_numbers = itertools.count(1_763_930_000_000, 1000)
_began = datetime(2026, 11, 23, 19, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shared:
    """A daemon that a whole module looks at, and what it takes to post to it."""

    stage: Stage
    daemon: Daemon
    token: str
    draft: Document
    people: dict[str, Document]

    @property
    def desk(self) -> Desk:
        assert self.daemon.desk is not None
        return self.daemon.desk

    @contextmanager
    def allowing(self, key: str) -> Generator[None]:
        """Have somebody on the list meanwhile."""
        person = self.people[key]
        account = (person["tenant"], person["oid"])
        file = AccessFile(self.stage.folder)
        file.change(lambda access: (access.allow(account, key, DESK, 1.0), None))
        try:
            yield
        finally:
            file.change(lambda access: (access.remove(account), None))

    def talk(self, kind: str = "personal", name: str = "") -> "Talk":
        """Begin a conversation nobody else has."""
        number = next(_numbers)
        start = {"personal": "a:1", "meeting": "19:meeting_"}.get(kind, "19:")
        conversation: Document = {
            "id": name or f"{start}{number}",
            "conversationType": "groupChat" if kind == "meeting" else kind,
            "tenantId": self.stage.agent.tenant,
        }
        if kind != "personal":
            conversation |= {"isGroup": True, "name": "Planning"}
        return Talk(self, conversation, f"session {number}")


async def share(stage: Stage, daemon: Daemon) -> Shared:
    people = (await stage.control("GET", "people"))["people"]
    named = {person["key"]: person for person in people}
    return Shared(stage, daemon, await stage.token(), await stage.activity(), named)


@dataclass(slots=True)
class Talk:
    """One conversation, and the session that answers in it."""

    shared: Shared
    conversation: Document
    session: str
    statuses: list[int] = field(default_factory=list[int])

    @property
    def id(self) -> str:
        return str(self.conversation["id"])

    async def post(self, **changes: object) -> str:
        """Post an activity; gives its id."""
        number = next(_numbers)
        body = copy.deepcopy(self.shared.draft) | {
            "id": str(number),
            "timestamp": self._moment(number),
            "conversation": self.conversation,
        }
        body = {key: value for key, value in {**body, **changes}.items() if value is not None}
        response = await self.shared.stage.post(self.shared.daemon, body, self.shared.token)
        self.statuses.append(response.status)
        return str(body.get("id", ""))

    async def say(
        self,
        words: str = "hello",
        *,
        by: str | Document = "ada",
        mention: bool = False,
        **changes: object,
    ) -> str:
        """Let somebody say *words*, to the agent if *mention*; gives the message's id.

        Who is a name, or the sender as the activity is to tell it.
        """
        ours: Document = self.shared.draft["recipient"]
        at = f"<at>{ours['name']}</at>"
        entity = {"type": "mention", "mentioned": {"id": ours["id"], "name": ours["name"]}}
        told: Document = {"text": words, "from": self.person(by) if isinstance(by, str) else by}
        if mention:
            told |= {"text": f"{at} {words}", "entities": [{**entity, "text": at}]}
        return await self.post(**{**told, **changes})

    async def edit(
        self, message: str, words: str, *, by: str = "ada", mention: bool = False, **changes: object
    ) -> None:
        data = {**self.shared.draft["channelData"], "eventType": "editMessage"}
        told = {"type": "messageUpdate", "id": message, "channelData": data, **changes}
        await self.say(words, by=by, mention=mention, **told)

    async def delete(self, message: str, *, by: str = "ada") -> None:
        data = {**self.shared.draft["channelData"], "eventType": "softDeleteMessage"}
        await self.say(
            "", by=by, type="messageDelete", id=message, channelData=data, text=None, entities=None
        )

    async def restore(self, message: str, words: str, *, by: str = "ada") -> None:
        data = {**self.shared.draft["channelData"], "eventType": "undeleteMessage"}
        await self.say(words, by=by, type="messageUpdate", id=message, channelData=data)

    async def react(
        self, message: str, added: Sequence[str] = (), removed: Sequence[str] = (), by: str = "ada"
    ) -> None:
        await self.say(
            by=by,
            type="messageReaction",
            id=f"f:{next(_numbers)}",
            replyToId=message,
            text=None,
            reactionsAdded=[{"type": one} for one in added] or None,
            reactionsRemoved=[{"type": one} for one in removed] or None,
        )

    def person(self, key: str) -> Document:
        """Somebody, as activities tell them."""
        person = self.shared.people[key]
        return {
            "id": person["id"],
            "name": person["displayName"],
            "aadObjectId": person["oid"],
        }

    async def read(self, wait_s: float = 30.0) -> list[Handed]:
        """Lease what waits here, once everything is decided."""
        await self.settled()
        await self.sit()
        messages = (await self.shared.desk.read(self.session, wait_s)).messages
        return [one for one in messages if one.conversation == self.id]

    async def sit(self) -> None:
        """Have the session be there, and give it this conversation."""
        agency = self.shared.daemon.agency
        assert agency is not None
        if agency.desk.seats.owner(self.id) != self.session:
            await agency.desk.arrive(Connection(self.session, 0, unrung))
            await agency.desk.seats.give(self.id, self.session)

    async def only(self) -> Handed:
        """Lease the one message that waits here."""
        [message] = await self.read()
        return message

    async def done(self, handed: Handed) -> None:
        """Close a turn without an answer, which needs no connector."""
        agency = self.shared.daemon.agency
        assert agency is not None
        await agency.answers.done(self.session, handed.turn)

    def entries(self) -> list[Entry]:
        """What the inbox holds of this conversation, oldest first."""
        return [one for one in self.shared.stage.entries() if one.arrival.conversation == self.id]

    async def settled(self) -> list[Entry]:
        """Wait until everything here is decided; gives it."""

        async def is_decided() -> bool:
            return all(entry.state is not State.ADMITTED for entry in self.entries())

        await until(is_decided)
        return self.entries()

    async def fates(self) -> list[tuple[State, str]]:
        """What became of everything said here, and why."""
        return [(entry.state, entry.reason) for entry in await self.settled()]

    def _moment(self, number: int) -> str:
        moment = _began + timedelta(milliseconds=number - 1_763_930_000_000)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
