"""Somebody who sits here, played."""

import asyncio
import time
from dataclasses import dataclass, field

from entraclaw.bot.access_desk import AccessDesk
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.presence.absent import Absent
from entraclaw.bot.wish import Result
from entraclaw.bot.wishing import wish


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


def change(file: AccessFile, here: Played | Absent, **asked: object) -> Result:
    """Have something done as the commands do, with somebody who sits here."""
    desk = AccessDesk(file, time.time)
    shown: list[object] = []
    return wish(file.path.parents[1], asked, desk.bind, shown.append, lambda _pid: here)
