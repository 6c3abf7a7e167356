"""One person's screen in a real browser, and the agent that answers what is typed there."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sandbox.browser import Tab
from sandbox.scene import Endpoint, Hired, Json, Scene


@dataclass(slots=True)
class Desk:
    """Ada's screen, and the agent behind the endpoint that her messages reach."""

    tab: Tab
    scene: Scene
    agent: Hired
    endpoint: Endpoint
    token: str

    async def bubbles(self, count: int) -> None:
        await self.tab.until(f"document.querySelectorAll('.message').length === {count}")

    async def last(self, what: str) -> str:
        words: str = await self.tab.read(
            f"[...document.querySelectorAll('{what}')].at(-1).innerText"
        )
        return words

    async def tells(self, what: str, words: str) -> None:
        """Wait until the last *what* on the page says *words*."""
        last = f"[...document.querySelectorAll('{what}')].at(-1)?.innerText"
        await self.tab.until(f"{last}?.includes({words!r})")

    async def answer(self, words: str) -> None:
        """Answer the latest arrival as the agent user, through the connector."""
        asked = self.endpoint.arrivals[-1].activity
        await self.call(asked, {"type": "message", "text": words, "replyToId": asked["id"]})

    async def call(self, asked: Json, body: Json) -> None:
        conversation = quote(asked["conversation"]["id"], safe="")
        url = f"{asked['serviceUrl']}v3/conversations/{conversation}/activities"
        answer = await asyncio.to_thread(self.scene.post, url, self.token, body)
        assert answer.ok

    async def shoot(self, name: str) -> None:
        if folder := os.environ.get("ENTRACLAW_SCREENSHOTS"):
            path = Path(folder)
            path.mkdir(parents=True, exist_ok=True)
            await self.tab.shoot(path / f"{name}.png")
