"""What a host session and a person do with one daemon, in a few words."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bot.stage import Stage, unrung, until
from entraclaw.bot.agency import Agency
from entraclaw.bot.answers import Sent
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import Entry, State
from entraclaw.bot.pace import Pace
from entraclaw.bot.sessions import Connection
from entraclaw.tools import Graph, chats

BRISK = Pace(first_s=0.02, absent_s=0.25, pause_s=0.1)


@dataclass(slots=True)
class Exchange:
    """A daemon, the session "s" attached to it, and Ada who writes to it."""

    stage: Stage
    daemon: Daemon
    connection: Connection

    @classmethod
    async def open(cls, stage: Stage, daemon: Daemon) -> "Exchange":
        """Attach the session."""
        exchange = cls(stage, daemon, Connection("s", 0, unrung))
        await exchange.come()
        return exchange

    @property
    def agency(self) -> Agency:
        assert self.daemon.agency is not None
        return self.daemon.agency

    async def come(self) -> None:
        """Connect the session, again or for the first time."""
        await self.agency.desk.expect(self.connection.session)
        await self.agency.desk.arrive(self.connection)

    async def asked(self, text: str = "hello", **changes: object) -> Handed:
        """Let Ada write, and lease what she wrote."""
        await self.stage.say(text, **changes)
        return await self.read()

    async def read(self, session: str = "s") -> Handed:
        await self.sit(session)
        [message] = (await self.agency.desk.read(session, 30.0)).messages
        return message

    async def sit(self, session: str) -> None:
        """Have *session* be there and get everything; the one that was is gone."""
        if not self.agency.desk.seats.routes.has_all(session):
            await self.agency.desk.arrive(Connection(session, 0, unrung))
            await self.agency.attaching.attach(session, "")

    async def reply(self, turn: Handed, text: str, *, final: bool = True, key: str = "") -> Sent:
        return await self.agency.answers.reply("s", turn.turn, text, final=final, key=key)

    async def leave(self) -> None:
        """Lose the session's connection."""
        await self.agency.desk.depart(self.connection)

    async def said(self, text: str) -> list[dict[str, Any]]:
        """What the agent said in Teams with exactly this text."""
        return [one for one in await self.stage.answers() if one["text"] == text]

    @property
    def graph(self) -> Graph:
        """Graph, as the agent user."""
        return self.agency._graph  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # another program of the same agent

    async def chat(self) -> str:
        """Graph's name for the chat with Ada."""
        return (await chats(self.graph))[0].id

    async def is_known(self, activity: str) -> bool:
        """Whether a message is one that the daemon knows to have sent."""
        with closing(sqlite3.connect(self.stage.folder / "inbox.db")) as connection:
            sql = "SELECT count(*) FROM part WHERE activity = ? AND state = 'sent'"
            return bool(connection.execute(sql, (activity,)).fetchone()[0])

    def entry(self, turn: Handed) -> Entry:
        return next(one for one in self.stage.entries() if one.seq == turn.entry.seq)

    async def until(self, turn: Handed, state: State) -> None:
        """Wait until the entry of *turn* is in *state*."""

        async def holds() -> bool:
            return self.entry(turn).state is state

        await until(holds)

    async def fault(self, **fault: object) -> None:
        """Let the connector's next calls go wrong."""
        await self.stage.control("PUT", "faults", {"connector": fault or None})

    async def graph_fault(self, **fault: object) -> None:
        """Let Graph's next calls go wrong."""
        await self.stage.control("PUT", "faults", {"graph": fault or None})
