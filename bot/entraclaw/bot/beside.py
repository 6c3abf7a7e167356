"""What the programs beside a host share: reach its daemon, and notice that the host has gone.

Hooks and the monitor are started by a host, with its environment, and end with it. They
import the standard library only, never start a daemon, and say nothing where none runs.

Claude Code 2.1.330 names itself in ``CLAUDE_PID``, and keeps that when ``/clear`` gives the
session a new id, of which the shim beside it never hears. So the daemon is told both.
"""

import os
import select
import socket

from entraclaw.bot import home, host_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_PATIENCE_S: "Final" = 2.0  # for a daemon to take a connection; it does so at once, or never
_LOOK_S: "Final" = 5.0  # how often to look for the host where its pipe does not tell
_READ: "Final" = 1 << 16


def connect(folder: str, verb: str, more: str = "") -> "socket.socket | None":
    """Reach the daemon of the profile in *folder* and say what for; None if none answers.

    Args:
        folder: The profile's home.
        verb: As in `entraclaw.bot.local_socket`.
        more: Facts besides those of the host, as a query string.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_PATIENCE_S)
        connection.connect(home.socket_path(folder))
        connection.sendall(greeting(os.environ, verb, more))
        connection.settimeout(None)
    except OSError:
        connection.close()
        return None
    return connection


def greeting(environ: "Mapping[str, str]", verb: str, more: str = "") -> bytes:
    """Write the first line: the verb, the session, and what only its host tells."""
    given = environ.get("CLAUDE_PID", "")
    parent = int(given) if given.isascii() and given.isdigit() else os.getppid()
    facts = host_facts.tell(environ, parent)
    facts = f"{facts}&{more}" if more else facts
    return f"entraclaw/1 {verb} {host_facts.session(environ)} {facts}\n".encode()


def doorbell(waiting: int) -> str:
    """Say that messages wait: how many, and nothing of them."""
    words = "1 Teams message waits" if waiting == 1 else f"{waiting} Teams messages wait"
    return f"{words}. Call read_messages."


def waiting(line: bytes | None) -> int:
    """Read how many messages wait from a line of the bell; 0 if it does not say."""
    told = (line or b"").partition(b'"waiting":')[2]
    number = told.partition(b",")[0].strip(b" }\r\n")
    return int(number) if number.isdigit() else 0


class Lines:
    """Lines from the daemon, for as long as the host is there.

    Attributes:
        is_over: The host has ended.
    """

    def __init__(self, connection: "socket.socket | None", output: int = 1) -> None:
        """Read from *connection*; *output* is where the host reads what we say.

        Without a connection `wait` only waits.
        """
        self._connection, self._rest = connection, b""
        self._parent = os.getppid()
        self.is_over = False
        self._poll = select.poll()
        # Asked for nothing, poll still tells of the end: the host holds the other end of our
        # output, and the kernel closes that when it dies, however it dies.
        self._poll.register(output, 0)
        if connection is not None:
            self._poll.register(connection, select.POLLIN)

    def next(self, seconds: float | None = None) -> bytes | None:
        """Wait for a line; None at the end: of the daemon, of the host, or of *seconds*."""
        while b"\n" not in self._rest:
            if self._connection is None or not self.wait(seconds):
                return None
            try:
                chunk = self._connection.recv(_READ)
            except OSError:
                return None
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until there is something to read; False when the host or the time has ended."""
        left = float("inf") if seconds is None else seconds
        while left > 0 and not self.is_over:
            pause = min(left, _LOOK_S)
            found = {number for number, _ in self._poll.poll(pause * 1000)}
            if self._connection is not None and self._connection.fileno() in found:
                return True
            # An orphan has another parent: for a host that reads us by no pipe of its own.
            self.is_over = bool(found) or os.getppid() != self._parent
            left -= pause
        return False
