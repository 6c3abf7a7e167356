"""The inbox socket of a Claude Code session, as 2.1.330 treats what comes in.

One connection brings an auth line, which may be missing where the user is known by the
socket, and a message. A message that repeats the last one is dropped without a word.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from hosts.pipe import BOUND_S


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the session.

    Attributes:
        token: What came with it; empty if nothing did.
        text: Its content.
        priority: When it is read: ``next`` wakes an idle session.
        at: When it came, monotonic seconds.
    """

    token: str
    text: str
    priority: str
    at: float


class Inbox:
    """A session's inbox at a path."""

    def __init__(self, path: Path, token: str = "") -> None:
        """Be at *path*; messages with another token than *token* are dropped, if it is set."""
        self.path, self.token = path, token
        self.messages: list[Message] = []
        self.dropped: list[Message] = []
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator["Inbox"]:
        """Take messages while the body runs."""
        server = await asyncio.start_unix_server(self._receive, self.path)
        try:
            yield self
        finally:
            server.close()
            self.path.unlink(missing_ok=True)

    @property
    def address(self) -> tuple[str, str]:
        """What `hosts.environ.environment` takes."""
        return str(self.path), self.token

    async def message(self, number: int = 1) -> Message:
        """Wait for the message *number*, counted from 1."""
        async with asyncio.timeout(BOUND_S), self._news:
            await self._news.wait_for(lambda: len(self.messages) >= number)
            return self.messages[number - 1]

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        token = ""
        while line := await reader.readline():
            said: dict[str, Any] = json.loads(line)
            match said:
                case {"type": "auth", "token": str(told)}:
                    token = told
                case {"type": "user", "message": {"role": "user", "content": str(text)}}:
                    message = Message(token, text, said.get("priority", ""), monotonic())
                    await self._take(message)
                case _:
                    pass
        writer.close()

    async def _take(self, message: Message) -> None:
        async with self._news:
            is_repeat = bool(self.messages) and self.messages[-1].text == message.text
            if is_repeat or (self.token and message.token != self.token):
                self.dropped.append(message)
            else:
                self.messages.append(message)
            self._news.notify_all()
