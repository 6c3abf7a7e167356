"""Wake a host session through its inbox socket, from the shim: only its own child may always.

Claude Code gives every session a Unix socket that takes messages for it. In its bypass
mode one from a process that is not its child is held until a person lets it in; so the
daemon asks the shim to write there. What is written is a doorbell: a number, and the time
of day, since the host drops a message that repeats the last one.

When the inbox cannot be written the connection to the daemon is closed, which tells it to
wake the session in another way; it is tried again later. docs/hosts.md
"""

import socket
import threading
from time import monotonic, strftime

from entraclaw.bot.beside import doorbell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

_READ: "Final" = 4096  # bytes; a ring has about twenty
_RING: "Final" = b'{"waiting": '
_EVERY_S: "Final" = 0.25  # the daemon rings once a second, and sooner only for who has read
_WRITING_S: "Final" = 5.0
_FIRST_PAUSE_S: "Final" = 1.0
_BROKEN_S: "Final" = 30.0  # the daemon rings again sooner than that, in another way
_LAST_PAUSE_S: "Final" = 300.0


class SessionInbox:
    """One session's inbox, and the daemon's bell for it."""

    def __init__(
        self,
        path: str,
        token: str,
        connect: "Callable[[], socket.socket | None]",
        broken_s: float = _BROKEN_S,
    ) -> None:
        """Write to the socket at *path*, with *token* if that is not empty.

        *connect* waits until there is a daemon and gives a connection on which it rings, or
        None. An inbox that cannot be written is left alone for *broken_s* seconds, and twice
        as long each time after that.
        """
        self._path, self._connect, self._broken_s = path, connect, broken_s
        self._auth = f'{{"type":"auth","token":{_quoted(token)}}}\n' if token else ""
        self._rings = 0
        self._pause_s = _FIRST_PAUSE_S
        self._last = monotonic() - _EVERY_S

    def run(self) -> None:
        """Pass rings on for ever; the daemon or the inbox may go and come again."""
        while True:
            bell = self._connect()
            if bell is not None:
                with bell:
                    self._listen(bell)
            threading.Event().wait(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)

    def _listen(self, bell: socket.socket) -> None:
        """Pass on what the daemon rings, until it leaves or the inbox does."""
        said = b""
        while heard := _hear(bell, None):
            said, waiting = _latest(said + heard)
            while waiting and (left := self._last + _EVERY_S - monotonic()) > 0:
                later = _hear(bell, left)
                if later is None:
                    break
                if not later:
                    return  # whoever comes after this daemon rings for what waits then
                said, newer = _latest(said + later)
                waiting = newer or waiting
            if waiting and not self._put(waiting):
                return

    def _put(self, waiting: int) -> bool:
        """Write one doorbell into the inbox; False if that cannot be done."""
        self._rings += 1
        text = f"{doorbell(waiting)} (doorbell {self._rings}, {strftime('%H:%M:%S')})"
        message = f'{{"role":"user","content":"{text}"}}'
        line = f'{{"type":"user","message":{message},"priority":"next"}}\n'
        try:
            with socket.socket(socket.AF_UNIX) as inbox:
                inbox.settimeout(_WRITING_S)
                inbox.connect(self._path)
                inbox.sendall((self._auth + line).encode(errors="surrogateescape"))
        except OSError:
            self._pause_s = max(self._pause_s, self._broken_s)
            return False
        self._last = monotonic()
        self._pause_s = _FIRST_PAUSE_S
        return True


def _hear(bell: socket.socket, patience_s: float | None) -> bytes | None:
    """Read what the daemon says; nothing once it is gone, None if it is silent so long."""
    bell.settimeout(patience_s)
    try:
        return bell.recv(_READ)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _latest(said: bytes) -> tuple[bytes, int]:
    """Give the rest after the last newline, and the number of the last ring before it or 0."""
    *lines, rest = said.split(b"\n")
    rings = [line[len(_RING) : -1] for line in lines if line.startswith(_RING)]
    return rest[-_READ:], int(rings[-1]) if rings and rings[-1].isdigit() else 0


def _quoted(word: str) -> str:
    """Write *word*, which is of one line, as JSON; the json module is not worth its memory."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
