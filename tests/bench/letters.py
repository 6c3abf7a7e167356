"""Messages of one person to one agent, each with an id of its own, as requests ready to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import orjson

_FIRST_ID = 1_700_000_000_000  # Teams' ids are milliseconds since the epoch


@dataclass(frozen=True, slots=True)
class Letters:
    """An endless supply.

    Attributes:
        draft: The activity they are copies of.
        token: The bearer they are sent with; it outlives the run.
        url: Where the host listens.
        conversations: Over how many they are spread; 0 leaves the draft's own.
    """

    draft: Mapping[str, Any]
    token: str
    url: str
    conversations: int = 64
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def take(self, number: int) -> Sequence[bytes]:
        """Write the next *number* requests."""
        return [self.one() for _ in range(number)]

    def one(self, **changes: object) -> bytes:
        """Write the next request, its activity changed as *changes* say."""
        number = next(self._numbers)
        activity = {**self.draft, "id": str(_FIRST_ID + number), **changes}
        if self.conversations:
            name = f"a:1{number % self.conversations:080d}"
            activity["conversation"] = {**self.draft["conversation"], "id": name}
        body = orjson.dumps(activity)
        head = (
            "POST /api/messages HTTP/1.1\r\n"
            f"Host: {urlsplit(self.url).netloc}\r\n"
            "User-Agent: Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)\r\n"
            f"Authorization: Bearer {self.token}\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
