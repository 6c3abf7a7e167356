"""What the shim must remember of a conversation to survive a new daemon, and no more.

That is the `initialize` line, the `initialized` line, and the ids of requests that are
still open. Every line is seen as it passes and read later, behind the traffic.
"""

import threading
from collections import deque

from entraclaw.bot.passing import Passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_ASIDE: "Final" = 32  # lines that may wait to be read
_OPEN: "Final" = 1024  # requests; a host with more loses track of the oldest in a restart
_LONGEST_ID: "Final" = 256  # bytes
_RESTARTED: "Final" = (
    b'{"jsonrpc":"2.0","id":%b,'
    b'"error":{"code":-32000,"message":"the daemon restarted, call again"}}\n'
)


class Wire:
    """The memory of one conversation; used by two threads."""

    def __init__(self) -> None:
        """Begin with a host that has said nothing."""
        self._lock = threading.Lock()
        self._unread: deque[tuple[Passing, bool, bool]] = deque()
        self._initialize: bytes | None = None
        self._initialized: bytes | None = None
        self._initialize_id = b""
        self._open: dict[bytes, None] = {}
        self._lost: list[bytes] = []
        self.cannot_return = False  # the handshake was too long to be kept

    def note(self, line: Passing, *, from_host: bool, is_lost: bool = False) -> None:
        """Put *line* aside; `read` looks at it later.

        Args:
            line: Complete, and not to be changed any more.
            from_host: Whether the host wrote it.
            is_lost: No daemon has got the whole of it.
        """
        with self._lock:
            self._unread.append((line, from_host, is_lost))
            if len(self._unread) > _ASIDE:
                self._read()

    def read(self) -> None:
        """Look at the lines put aside."""
        with self._lock:
            self._read()

    def daemon_lost(self) -> None:
        """Give up every request the lost daemon had not answered.

        An unanswered `initialize` is left open: it is repeated, not refused.
        """
        with self._lock:
            self._read()
            self._lost += [number for number in self._open if number != self._initialize_id]
            self._open = {number: None for number in self._open if number == self._initialize_id}

    def answers(self) -> list[bytes]:
        """Write an error, once, for every request that was given up."""
        with self._lock:
            self._read()
            lost, self._lost = self._lost, []
        return [_RESTARTED % number for number in lost]

    def replay(self) -> tuple[bytes, bool]:
        """Tell what to repeat to a new daemon, and whether its reply must be swallowed."""
        with self._lock:
            lines = (self._initialize or b"") + (self._initialized or b"")
            answered = self._initialize is not None and self._initialize_id not in self._open
            return lines, answered

    def _read(self) -> None:
        from entraclaw.bot import envelope  # noqa: PLC0415 - 5 ms the first answer need not wait

        while self._unread:
            line, from_host, is_lost = self._unread.popleft()
            outside = envelope.read(line)
            number = outside.id if len(outside.id) <= _LONGEST_ID else b""
            if not from_host:
                if not outside.method:
                    self._open.pop(number, None)
            elif is_lost:
                self._lost += [number] if number and outside.method else []
            else:
                self._from_host(line, outside.method, number)

    def _from_host(self, line: Passing, method: bytes, number: bytes) -> None:
        match method:
            case b"initialize" if number:
                self._initialize, self._initialize_id = line.whole, number
                self.cannot_return = self._initialize is None
            case b"notifications/initialized":
                self._initialized = line.whole
            case b"notifications/cancelled":
                from entraclaw.bot import envelope  # noqa: PLC0415 - as above

                self._open.pop(envelope.cancelled(line), None)  # it will not be answered
            case _:
                pass
        if method and number:
            self._open[number] = None
            if len(self._open) > _OPEN:
                del self._open[next(iter(self._open))]
