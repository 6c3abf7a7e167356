"""Which host sessions are attached right now, and how to ring them.

A session is an id, not a connection: a host that reconnects is the same session, and
one session may hold several connections.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_log = logging.getLogger(__name__)

Ring = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """One connection of one session.

    Attributes:
        session: The session's id.
        pid: The shim's process, as the operating system tells; 0 where it does not.
        ring: Tell this host how many messages wait.
    """

    session: str
    pid: int
    ring: Ring


class Sessions:
    """The attached sessions."""

    def __init__(self) -> None:
        """Begin with none."""
        self._attached: list[Attachment] = []
        self._bells: list[Attachment] = []
        self._ringing: dict[Attachment, asyncio.Task[None]] = {}

    def add(self, attachment: Attachment) -> None:
        """Note a connection whose host has finished its handshake."""
        self._attached.append(attachment)

    def remove(self, attachment: Attachment) -> bool:
        """Forget a connection; tells whether it was the session's last."""
        self._attached.remove(attachment)
        ringing = self._ringing.pop(attachment, None)
        if ringing is not None:
            ringing.cancel()
        return not self.has(attachment.session)

    def add_bell(self, bell: Attachment) -> None:
        """Note a program beside the host that can wake it."""
        self._bells.append(bell)

    def remove_bell(self, bell: Attachment) -> None:
        """Forget such a program."""
        self._bells.remove(bell)

    def has(self, session: str) -> bool:
        """Tell whether *session* has a connection."""
        return any(attachment.session == session for attachment in self._attached)

    def all(self) -> tuple[Attachment, ...]:
        """List every connection."""
        return tuple(self._attached)

    def ring_all(self, waiting: int) -> None:
        """Ring every host: *waiting* messages can be read."""
        for attachment in (*self._attached, *self._bells):
            self.ring(attachment, waiting)

    def ring_session(self, session: str, waiting: int) -> None:
        """Ring every connection of one session."""
        for attachment in (*self._attached, *self._bells):
            if attachment.session == session:
                self.ring(attachment, waiting)

    def ring(self, attachment: Attachment, waiting: int) -> None:
        """Ring one host, without waiting for it: it may not be reading its pipe.

        A host that has not taken the last ring yet is not rung again; a lost ring is
        harmless, since what waits is read with a tool.
        """
        if attachment in self._ringing:
            return
        _log.debug("doorbell session=%s waiting=%d", attachment.session, waiting)
        task = asyncio.ensure_future(attachment.ring(waiting))
        self._ringing[attachment] = task
        task.add_done_callback(lambda _: self._ringing.pop(attachment, None))
