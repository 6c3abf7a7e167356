"""Who is here, who was given what, and so: who gets which conversation.

A session has its seat while it is connected, and after a restart of the daemon has
`BACK_S` to come back to it; what was given to it by name waits for it longer. Who gets
what is asked at the moment something is handed over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Protocol

from entraclaw.bot.routing import Routes, Rule, Seat
from entraclaw.errors import EntraclawError

BACK_S = 3.0  # a shim looks for the daemon many times a second
KEPT_S = 7 * 86400.0  # what was given by name to a session that does not come back

_log = logging.getLogger(__name__)


class SeatStore(Protocol):
    """Seats and what was given by name, on disk. Raises `InboxUnwritable` as the inbox does."""

    async def load(self, since: float) -> tuple[Sequence[Seat], Mapping[str, str]]:
        """Read them; what was given before *since* to who has no seat is forgotten."""
        ...

    async def seat(self, seat: Seat) -> None:
        """Keep a seat."""
        ...

    async def unseat(self, session: str) -> None:
        """Forget a seat, not what was given to it."""
        ...

    async def give(self, lane: str, session: str) -> None:
        """Keep that *session* has *lane*; nobody has it when *session* is empty."""
        ...


class Seats:
    """The seats of one profile."""

    def __init__(
        self,
        store: SeatStore,
        now: Callable[[], float],
        rules: Sequence[Rule],
    ) -> None:
        """Keep them in *store*; *now* is epoch seconds, *rules* the person's own."""
        self._store, self._now = store, now
        self.freed: Callable[[], Awaitable[None]] = _nothing  # told when somebody may get more
        self.routes = Routes(rules=tuple(rules))
        self._awaited: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Let nobody's time run out any more."""
        for timer in self._awaited.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def resume(self) -> None:
        """Keep the seats of an earlier daemon for a while."""
        seats, attached = await self._store.load(self._now() - KEPT_S)
        self.routes = replace(self.routes, seats=tuple(seats), attached=dict(attached))
        loop = asyncio.get_running_loop()
        for seat in seats:
            name = seat.session
            self._awaited[name] = loop.call_later(BACK_S, self._let_go, name)

    def owner(self, lane: str, person: str = "") -> str:
        """Name the session that gets *lane* now; empty if none does."""
        return self.routes.owner(lane, person)

    def come(self, session: str, facts: Mapping[str, str], *, is_child: bool) -> Seat | None:
        """Give *session* a seat at once; None if it has one still. `keep` writes it down.

        Args:
            session: Its id.
            facts: What its host says of it.
            is_child: Another session that is here has started it.
        """
        timer = self._awaited.pop(session, None)
        if timer is not None:
            timer.cancel()
        if any(seat.session == session for seat in self.routes.seats):
            return None
        seat = seat_of(session, facts, self._now(), is_child=is_child)
        self.routes = replace(self.routes, seats=(*self.routes.seats, seat))
        return seat

    async def keep(self, seat: Seat) -> None:
        """Write a seat down, so that it is there after a restart."""
        await self._store.seat(seat)

    def go(self, session: str) -> None:
        """Free the seat of *session*: its last connection is lost."""
        self._let_go(session)

    async def give(self, lane: str, session: str) -> str:
        """Give *lane*, or `routing.ALL`, to *session*; names who had it.

        Raises:
            InboxUnwritable: It could not be kept, and nothing changed.
        """
        had = self.routes.attached.get(lane, "")
        await self._store.give(lane, session)
        self.routes = replace(self.routes, attached={**self.routes.attached, lane: session})
        return had

    async def take_back(self, lane: str, session: str) -> bool:
        """Take from *session* what it was given by name; False if it was not."""
        if self.routes.attached.get(lane) != session:
            return False
        await self._store.give(lane, "")
        left = {name: one for name, one in self.routes.attached.items() if name != lane}
        self.routes = replace(self.routes, attached=left)
        return True

    async def set_by_rule(self, session: str, *, by_rule: bool) -> None:
        """Say whether rules may give anything to *session*."""
        for seat in self.routes.seats:
            if seat.session == session:
                await self._store.seat(replace(seat, by_rule=by_rule))
        seats = tuple(
            replace(seat, by_rule=by_rule) if seat.session == session else seat
            for seat in self.routes.seats
        )
        self.routes = replace(self.routes, seats=seats)

    def _let_go(self, session: str) -> None:
        self._awaited.pop(session, None)
        seats = tuple(seat for seat in self.routes.seats if seat.session != session)
        self.routes = replace(self.routes, seats=seats)
        task = asyncio.get_running_loop().create_task(self._forget(session), name="seats")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, session: str) -> None:
        _log.info("seat free session=%s", session)
        try:
            await self._store.unseat(session)
            await self.freed()
        except EntraclawError as error:
            _log.warning("seat not forgotten session=%s reason=%s", session, error)


def seat_of(session: str, facts: Mapping[str, str], now: float, *, is_child: bool) -> Seat:
    """Read what a host says of a session.

    Claude Code calls itself ``sdk-…`` when no person sits at it (``claude -p`` among them).
    """
    project = facts.get("project", "")
    return Seat(
        session=session,
        since=now,
        project=project if PurePath(project).is_absolute() else "",
        by_rule=not (is_child or facts.get("entry", "").startswith("sdk")),
    )


async def _nothing() -> None:
    """Tell nobody."""
