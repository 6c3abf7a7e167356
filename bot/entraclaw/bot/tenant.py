"""The sandbox's control API, as the exchange uses it: hire an agent, speak, listen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp

from entraclaw.errors import EntraclawError
from entraclaw.identity import AgentIds

_TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True, slots=True)
class Hired:
    """A provisioned agent: its ids, and the address people see."""

    ids: AgentIds
    upn: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the channel delivered a message; times are monotonic nanoseconds."""

    activity: str
    conversation: str
    status: int
    posted_at: int
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Post:
    """A message that arrived in the emulated Teams.

    Attributes:
        n: Its number in the transcript.
        conversation: The connector's id.
        text: What was said.
        sender_oid: Whom the bearer it came with speaks for; empty for people.
        at: Monotonic nanoseconds.
    """

    n: int
    conversation: str
    text: str
    sender_oid: str
    at: int


class Tenant:
    """A running sandbox, by its address and secret."""

    def __init__(self, session: aiohttp.ClientSession, address: str, secret: str) -> None:
        """Speak to *address* with *secret*."""
        self._session, self._address = session, address
        self._headers = {"Authorization": f"Bearer {secret}"}

    async def home(self) -> str:
        """Tell the directory that Ada lives in."""
        people = (await self._call("GET", "people", None))["people"]
        return next(str(person["tenant"]) for person in people if person["key"] == "ada")

    async def hire(self, certificate: bytes) -> Hired:
        """Provision an agent with Ada as its sponsor: blueprint, identity, user, certificate."""
        body = {"name": "Agent", "certificate": certificate.decode(), "sponsors": ["ada"]}
        card = await self._call("POST", "agents", body)
        ids = AgentIds(card["tenant"], card["blueprint"], card["agent"], card["user"])
        return Hired(ids, card["upn"])

    async def set_endpoint(self, user: str, webhook: str) -> None:
        """Tell the channel where the agent listens."""
        await self._call("PUT", f"agents/{user}", {"endpoint": f"{webhook}/api/messages"})

    async def say(self, user: str, text: str) -> Delivery:
        """Let Ada write *text* to the agent *user* in their 1:1 chat."""
        receipt = await self._call("POST", "messages", {"from": "ada", "agent": user, "text": text})
        return Delivery(
            activity=receipt["activity"],
            conversation=receipt["conversation"],
            status=receipt["status"],
            posted_at=receipt["posted_at"],
            accepted_at=receipt["accepted_at"],
        )

    async def next_answer(self, after: int, wait_s: float) -> Post | None:
        """Wait for the next message of an agent behind number *after*; None if none comes."""
        while True:
            page = await self._call("GET", f"transcript?after={after}&wait_s={wait_s}", None)
            entries = cast("list[dict[str, Any]]", page["entries"])
            for entry in entries:
                after = entry["n"]
                if entry["kind"] == "message" and entry["sender"]:
                    return _post(entry)
            if not entries:
                return None

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None
    ) -> dict[str, Any]:
        try:
            async with self._session.request(
                method,
                f"{self._address}/control/{path}",
                json=body,
                headers=self._headers,
                timeout=_TIMEOUT,
            ) as response:
                document = cast("dict[str, Any]", await response.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EntraclawError(f"the sandbox does not answer ({type(error).__name__})") from error
        if not response.ok:
            raise EntraclawError(f"the sandbox refused: {document.get('error')}")
        return document


def _post(entry: dict[str, Any]) -> Post:
    return Post(
        n=entry["n"],
        conversation=entry["conversation"],
        text=entry["text"],
        sender_oid=entry["sender"]["oid"],
        at=entry["at"],
    )
