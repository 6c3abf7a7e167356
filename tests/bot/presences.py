"""Somebody who sits here, played."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Played:
    """A `Presence` that answers as told; None is nobody there."""

    answer: bool | None
    reason: str | None = None
    asked: list[str] = field(default_factory=list[str])

    @property
    def way(self) -> str:
        return "played"

    def unavailable(self) -> str | None:
        return self.reason

    async def ask(self, what: str) -> bool:
        self.asked.append(what)
        if self.answer is None:
            await asyncio.get_running_loop().create_future()
        return bool(self.answer)
