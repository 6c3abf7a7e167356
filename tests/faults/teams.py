"""The people's side: who writes where, how it is delivered, what the connector has.

Ada and Grace write in their 1:1 chats and in a group, either through the sandbox's channel
or straight at the webhook as that channel does it (three tries, a second each, none after
an answer below 500); threads of the channel are written straight, because there can be as
many of them as a run needs. Every text carries the word that names its message.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

import aiohttp
import orjson

from bot.stage import Stage
from faults.ledger import Ledger, Message

ACCEPTED = 202
_TRIES = 3
_PATIENCE = aiohttp.ClientTimeout(total=1.0)
_SERVER_FAULT = 500
_TOKEN_S = 1200.0  # of the hour or more that it lives
_THREADS = 8
_FRESH_THREAD = 0.3

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation and who writes there.

    Attributes:
        conversation: The connector's id.
        body: The activity of a message here, without id, time and text.
        address: What the sandbox's channel is asked for it; None when it is written straight.
        greeting: What stands before the text: the mention, in a group.
    """

    conversation: str
    body: Document
    address: Mapping[str, str] | None
    greeting: str


@dataclass(slots=True)
class Teams:
    """The emulated Teams, towards one agent whose webhook is at *url*."""

    stage: Stage
    ledger: Ledger
    url: str
    places: list[Place] = field(default_factory=list[Place])
    _channel: Place | None = None
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _token: str = ""
    _token_at: float = 0.0
    _heard: int = 0
    _bodies: dict[str, Document] = field(default_factory=dict[str, Document])

    async def open(self) -> None:
        """Find the conversations and learn how activities in them look."""
        user = self.stage.agent.user
        await self.stage.control("PUT", f"agents/{user}", {"sponsors": ["ada", "grace"]})
        people = {
            person["key"]: person
            for person in (await self.stage.control("GET", "people"))["people"]
        }
        draft: Document = (await self.stage.control("GET", f"activity/{user}"))["activity"]
        for who, kind in (
            ("ada", "personal"), ("grace", "personal"), ("ada", "groupChat"), ("ada", "channel"),
        ):  # fmt: skip
            address = {"from": who, "agent": user, "kind": kind}
            receipt = await self.stage.control("POST", "messages", {**address, "text": "hello"})
            place = _place(receipt["conversation"], draft, people[who], address)
            if kind == "channel":
                self._channel = place
            else:
                self.places.append(place)
        for _ in range(_THREADS):
            self.places.append(self._thread())
        await self.stage.control("PUT", f"agents/{user}", {"endpoint": f"{self.url}/api/messages"})
        self._heard = (await self._transcript(0))[-1]["n"]

    def pick(self, chance: Random, number: int) -> list[Place]:
        """Choose *number* places, now and then with a fresh thread in place of an old one."""
        if chance.random() < _FRESH_THREAD:
            self.places[chance.randrange(3, len(self.places))] = self._thread()
        return chance.sample(self.places, number)

    def fresh_place(self) -> Place:
        """Make a conversation that nobody has written in."""
        return self._thread()

    async def say(self, place: Place, *, through_channel: bool = False) -> Message:
        """Write one message; notes how it was taken."""
        word = f"m{next(self._numbers)}"
        if through_channel and place.address is not None:
            return await self._say_through_channel(place, word)
        body = self.compose(place, word)
        return await self.deliver(word, place.conversation, body)

    def compose(self, place: Place, word: str, **changes: object) -> Document:
        """Write the activity of a message, or one that differs as *changes* say."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        number = str(1_000_000_000_000 + int(word[1:]))
        stamp = now.replace("+00:00", "Z")
        body = {**place.body, "id": number, "timestamp": stamp, "localTimestamp": now}
        return {**body, "text": f"{place.greeting}{word}", **changes}

    async def poison(self, place: Place, **changes: object) -> Message:
        """Write a message that differs from a readable one as *changes* say."""
        word = f"m{next(self._numbers)}"
        body = self.compose(place, word, **changes)
        return await self.deliver(word, place.conversation, body, is_plain=False)

    async def deliver(
        self, word: str, conversation: str, body: Document, *, is_plain: bool = True
    ) -> Message:
        """Deliver *body* as the channel does."""
        message = Message(word, conversation, str(body["id"]), self.ledger.cycle, is_plain)
        self.ledger.sent(message)
        self._bodies[word] = body
        message.is_kept = await self.post(body) == ACCEPTED
        return message

    async def again(self, message: Message) -> int:
        """Deliver the same activity once more; gives the status."""
        return await self.post(self._bodies[message.word])

    def can_repeat(self, message: Message) -> bool:
        """Whether the activity of *message* is known here."""
        return message.word in self._bodies

    async def post(self, body: Document) -> int:
        """Post at the webhook, again if it must be; 0 when it never answered."""
        headers = {
            "Authorization": f"Bearer {await self._bearer()}",
            "Content-Type": "application/json; charset=utf-8",
        }
        data, status = orjson.dumps(body), 0
        for _ in range(_TRIES):
            status = await self._try(data, headers)
            if 0 < status < _SERVER_FAULT:
                break
        return status

    async def post_once(self, body: Document) -> int:
        """Post at the webhook one time; 0 when it does not answer."""
        headers = {
            "Authorization": f"Bearer {await self._bearer()}",
            "Content-Type": "application/json; charset=utf-8",
        }
        return await self._try(orjson.dumps(body), headers)

    async def fail_connector(self, fault: Mapping[str, object] | None) -> None:
        """Let the sandbox's connector fail so; None ends it."""
        await self.stage.control("PUT", "faults", {"connector": fault})

    async def can_fail_connector(self) -> bool:
        """Whether this sandbox can do that."""
        secret = {"Authorization": f"Bearer {self.stage.sandbox.secret}"}
        url = f"{self.stage.sandbox.control}/control/faults"
        async with self.stage.session.get(url, headers=secret) as response:
            return response.ok

    async def listen(self) -> None:
        """Note every answer at the connector since the last call."""
        while page := await self._transcript(self._heard):
            for entry in page:
                self._heard = entry["n"]
                sender = entry["sender"]
                if entry["kind"] == "message" and sender and sender["oid"] == self._agent:
                    self.ledger.arrived(entry["id"], entry["text"])

    @property
    def _agent(self) -> str:
        return self.stage.agent.user

    async def _say_through_channel(self, place: Place, word: str) -> Message:
        message = Message(word, place.conversation, "", self.ledger.cycle)
        self.ledger.sent(message)  # a host may have it before the channel tells us its id
        said = {**(place.address or {}), "text": word}
        receipt = await self.stage.control("POST", "messages", said)
        self.ledger.named(message, receipt["activity"])
        message.is_kept = receipt["status"] == ACCEPTED
        return message

    async def _try(self, data: bytes, headers: Mapping[str, str]) -> int:
        url = f"{self.url}/api/messages"
        try:
            async with self.stage.session.post(
                url, data=data, headers=headers, timeout=_PATIENCE
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _bearer(self) -> str:
        if not self._token or time.monotonic() - self._token_at > _TOKEN_S:
            self._token, self._token_at = await self.stage.token(), time.monotonic()
        return self._token

    async def _transcript(self, after: int) -> Sequence[Document]:
        query = f"after={after}&wait_s=0&agent={self._agent}"
        page = await self.stage.control("GET", f"transcript?{query}")
        entries: list[Document] = page["entries"]
        return entries

    def _thread(self) -> Place:
        channel = self._channel
        assert channel is not None
        base = channel.conversation.partition(";messageid=")[0]
        conversation = f"{base};messageid={1_100_000_000_000 + next(self._numbers)}"
        body = {
            **channel.body,
            "conversation": {**channel.body["conversation"], "id": conversation},
        }
        return Place(conversation, body, None, channel.greeting)


def _place(
    conversation: str, draft: Document, person: Mapping[str, str], address: Mapping[str, str]
) -> Place:
    """Shape the activities of *person* in *conversation* as the sandbox's channel does."""
    kind = address["kind"]
    body = dict(draft)
    body["from"] = {
        "id": person["id"], "name": person["displayName"], "aadObjectId": person["oid"],
    }  # fmt: skip
    inner = {"id": conversation, "conversationType": kind, "tenantId": person["tenant"]}
    if kind == "personal":
        return Place(conversation, {**body, "conversation": inner}, address, "")
    name = draft["recipient"]["name"]
    mention = f"<at>{name}</at>"
    mentioned = {"id": draft["recipient"]["id"], "name": name}
    body["conversation"] = {**inner, "isGroup": True, "name": "Planning"}
    body["entities"] = [
        {"type": "mention", "mentioned": mentioned, "text": mention}, *draft["entities"],
    ]  # fmt: skip
    if kind == "channel":
        channel = conversation.partition(";messageid=")[0]
        body["channelData"] = {**draft["channelData"], "channel": {"id": channel}}
    return Place(conversation, body, address if kind == "groupChat" else None, f"{mention} ")
