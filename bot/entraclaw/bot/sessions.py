"""The host sessions that are connected right now, and what each has to be rung with.

A session is an id, not a connection: a host that reconnects is the same session, and one
session may hold several connections.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Notify = Callable[[str, dict[str, Any]], Awaitable[None]]
Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """One MCP connection of a session, its handshake done.

    Attributes:
        session: The session's id.
        pid: The shim's process, as the operating system tells; 0 where it does not.
        notify: Send a notification to the host: method and params.
        facts: What the host says of the session; `entraclaw.bot.host_facts`.
        host: The name the host gave itself in the handshake.
    """

    session: str
    pid: int
    notify: Notify
    facts: Facts = field(default_factory=dict[str, str])
    host: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """A program beside a host that can wake it.

    Attributes:
        session: The session it is for.
        kind: ``monitor``, ``inbox`` or ``rewake``.
        ring: Tell it how many messages wait.
    """

    session: str
    kind: str
    ring: Callable[[int], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Session:
    """One session.

    Attributes:
        id: Its id.
        connections: Its MCP connections, the oldest first.
        listeners: The programs beside its host.
        readers: How many of its tool calls wait for messages.
        news: Set when they should look again.
    """

    id: str
    connections: list[Connection] = field(default_factory=list[Connection])
    listeners: list[Listener] = field(default_factory=list[Listener])
    readers: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def listener(self, kind: str) -> Listener | None:
        """Find the newest program of *kind* beside its host."""
        return next((one for one in reversed(self.listeners) if one.kind == kind), None)

    @property
    def facts(self) -> Facts:
        """What its host says of it."""
        return self.connections[-1].facts if self.connections else {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is left."""
        return not (self.connections or self.listeners or self.readers)


class Sessions:
    """All of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[str, Session] = {}

    def add(self, connection: Connection) -> None:
        """Note a connection whose host has finished its handshake."""
        self._keep(connection.session).connections.append(connection)

    def remove(self, connection: Connection) -> bool:
        """Forget a connection; tells whether it was the session's last."""
        self.get(connection.session).connections.remove(connection)
        self._tidy(connection.session)
        return not self.has(connection.session)

    def listen(self, listener: Listener) -> None:
        """Note a program that can wake its session."""
        self._keep(listener.session).listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Forget such a program."""
        self.get(listener.session).listeners.remove(listener)
        self._tidy(listener.session)

    def has(self, session: str) -> bool:
        """Tell whether *session* has a connection."""
        return session in self._known and bool(self._known[session].connections)

    def get(self, session: str) -> Session:
        """Find what is known of *session*; nothing, perhaps."""
        return self._known.get(session) or Session(session)

    def here(self) -> tuple[Session, ...]:
        """List the sessions that have a connection."""
        return tuple(one for one in self._known.values() if one.connections)

    def all(self) -> tuple[Connection, ...]:
        """List every connection."""
        return tuple(one for session in self._known.values() for one in session.connections)

    def wake_readers(self) -> None:
        """Let every tool call that waits for messages look again."""
        for session in self._known.values():
            session.news.set()

    def note_reader(self, session: Session) -> None:
        """Note a tool call that begins to wait."""
        self._known.setdefault(session.id, session).readers += 1

    def forget_reader(self, session: Session) -> None:
        """Note the end of a tool call that waited."""
        session.readers -= 1
        self._tidy(session.id)

    def _keep(self, session: str) -> Session:
        return self._known.setdefault(session, Session(session))

    def _tidy(self, session: str) -> None:
        if session in self._known and self._known[session].is_empty:
            del self._known[session]
