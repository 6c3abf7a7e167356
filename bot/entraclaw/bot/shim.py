"""Pump bytes between a host's stdio and the daemon's local socket.

One shim per host session: it owns no state, port or token, imports the standard library
only, and dies with its stdin. It understands just the lines it must repeat when the
daemon goes away: the `initialize` request, the `initialized` notification, and the ids
of requests still unanswered. On the daemon's return it repeats the first two, swallows
the reply the host already has, and answers the open ids with an error that says to call
again (nothing is repeated that could have had an effect).

The bookkeeping runs behind the traffic: a line is forwarded first and read afterwards.
"""

import os
import socket
import sys
import threading
from collections import deque
from time import monotonic

from entraclaw.bot import home, host_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Final

_READ: "Final" = 1 << 16
_PATIENCE_S: "Final" = 30.0  # for a daemon to start, or to come back, on a busy machine
_PAUSE_S: "Final" = 0.05
_RESTARTED: "Final" = {"code": -32000, "message": "the daemon restarted, call again"}


class Wire:
    """What must be remembered of the conversation to survive a new daemon."""

    def __init__(self) -> None:
        """Begin with a host that has said nothing."""
        self._lock = threading.Lock()
        self._unread: deque[tuple[bool, bytes]] = deque()
        self._initialize: bytes | None = None
        self._initialized: bytes | None = None
        self._initialize_id: object = None
        self._open: list[object] = []

    def note(self, line: bytes, *, from_host: bool) -> None:
        """Put *line* aside; `read` looks at it later."""
        with self._lock:
            self._unread.append((from_host, line))

    def read(self) -> None:
        """Look at the lines put aside."""
        import json  # noqa: PLC0415 - 10 ms that the first answer must not wait for

        with self._lock:
            while self._unread:
                from_host, line = self._unread.popleft()
                if not line.lstrip().startswith(b"{"):
                    continue
                try:
                    message: dict[str, object] = json.loads(line)
                except ValueError:
                    continue  # the daemon answers it; there is nothing to remember
                if from_host:
                    self._from_host(message, line)
                else:
                    self._from_daemon(message)

    def _from_host(self, message: dict[str, object], line: bytes) -> None:
        match message.get("method"):
            case "initialize":
                self._initialize, self._initialize_id = line, message.get("id")
            case "notifications/initialized":
                self._initialized = line
            case _:
                pass
        if "method" in message and message.get("id") is not None:
            self._open.append(message["id"])

    def _from_daemon(self, message: dict[str, object]) -> None:
        if "method" not in message and message.get("id") in self._open:
            self._open.remove(message["id"])

    def answers_for_lost_calls(self) -> list[bytes]:
        """Write an error for every request the lost daemon had not answered.

        An unanswered `initialize` is left open: it is repeated, not refused.
        """
        import json  # noqa: PLC0415 - as above

        with self._lock:
            lost = [number for number in self._open if number != self._initialize_id]
            self._open = [number for number in self._open if number == self._initialize_id]
        return [
            json.dumps({"jsonrpc": "2.0", "id": number, "error": _RESTARTED}).encode() + b"\n"
            for number in lost
        ]

    def replay(self) -> tuple[list[bytes], bool]:
        """Tell the lines to repeat, and whether the reply to them must be swallowed."""
        with self._lock:
            lines = [line for line in (self._initialize, self._initialized) if line is not None]
            answered = self._initialize is not None and self._initialize_id not in self._open
            return lines, answered


class Shim:
    """One host's pipe on one side, the daemon's socket on the other."""

    def __init__(self, profile: str) -> None:
        """Serve *profile*; nothing is opened yet."""
        self._profile = profile
        self._folder = home.profile_dir(os.environ, profile)
        self._session = host_facts.session(os.environ)
        self._facts = host_facts.tell(os.environ, os.getppid())
        self._wire = Wire()
        self._socket: socket.socket | None = None
        self._lost: socket.socket | None = None  # the last one read from; closed by its reader
        self._ready = threading.Condition()

    def run(self) -> int:
        """Pump until the host closes stdin (exit 0) or no daemon can be had (exit 3)."""
        threading.Thread(target=self._from_host, daemon=True).start()
        self._attach(self._connect())
        while True:
            self._from_daemon()
            self._detach()
            while not self._reattach():
                _pause()

    def _from_host(self) -> None:
        rest = b""
        while chunk := os.read(0, _READ):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    self._send(line + b"\n")
        # The host is gone. Whatever it asked for can no longer be told to anybody.
        os._exit(0)

    def _send(self, line: bytes) -> None:
        with self._ready:
            while self._socket is None:
                self._ready.wait()
            self._wire.note(line, from_host=True)
            try:
                self._socket.sendall(line)
            except OSError:
                self._socket = None  # noted: the reader re-attaches and settles the line

    def _from_daemon(self) -> None:
        """Copy the daemon's lines to the host until the socket ends."""
        current = self._lost = self._socket
        rest = b""
        while current is not None:
            try:
                chunk = current.recv(_READ)
            except OSError:
                chunk = b""
            if not chunk:
                return
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                _write(whole + b"\n")
                for line in whole.split(b"\n"):
                    self._wire.note(line, from_host=False)
                self._wire.read()

    def _detach(self) -> None:
        """Settle what the lost daemon left open."""
        with self._ready:
            self._socket = None
        if self._lost is not None:
            self._lost.close()
        self._wire.read()
        for answer in self._wire.answers_for_lost_calls():
            _write(answer)
        _pause()  # a daemon that hangs up on us must not be called in a tight loop

    def _reattach(self) -> bool:
        """Find the daemon again and repeat the handshake; False if it went away meanwhile."""
        fresh = self._connect()
        lines, answered = self._wire.replay()
        try:
            fresh.sendall(b"".join(lines))
            whole = not answered or _swallow(fresh)
        except OSError:
            whole = False
        if whole:
            self._attach(fresh)
        else:
            fresh.close()
        return whole

    def _attach(self, fresh: socket.socket) -> None:
        with self._ready:
            self._socket = fresh
            self._ready.notify_all()

    def _connect(self) -> socket.socket:
        """Reach the daemon, starting one if none answers, and another if that one ends.

        One that is just ending holds the profile a moment longer: the first that we start
        may be refused.
        """
        child = None
        end = monotonic() + _PATIENCE_S
        while True:
            fresh = self._try_connect()
            if fresh is not None:
                return fresh
            if child is None or child.poll() is not None:
                child = self._start_daemon()
            if monotonic() > end:
                _complain("no daemon answers", "run `entraclaw serve` and read what it says")
                os._exit(3)
            _pause()

    def _try_connect(self) -> socket.socket | None:
        fresh = socket.socket(socket.AF_UNIX)
        try:
            fresh.connect(home.socket_path(self._folder))
            fresh.sendall(f"entraclaw/1 mcp {self._session} {self._facts}\n".encode())
        except OSError:
            fresh.close()
            return None
        return fresh

    def _start_daemon(self) -> "subprocess.Popen[bytes]":
        import subprocess  # noqa: PLC0415 - only when no daemon runs

        return subprocess.Popen(  # noqa: S603 - our own program, under our own interpreter
            [sys.executable, "-m", "entraclaw", "--profile", self._profile, "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def run(profile: str) -> int:
    """Serve one host session of *profile* until its stdin ends; returns the exit code."""
    if not hasattr(socket, "AF_UNIX") or sys.platform == "win32":
        _complain("this system has no Unix sockets", "see docs/platforms.md")
        return 3
    try:
        shim = Shim(profile)
    except (LookupError, ValueError) as error:
        _complain(str(error), "give --profile a plain name, or set ENTRACLAW_HOME")
        return 2
    try:
        return shim.run()
    except KeyboardInterrupt:
        return 0


def _swallow(fresh: socket.socket) -> bool:
    """Read one line: the reply to a repeated `initialize`, which the host already has."""
    byte = b""
    while byte != b"\n":
        byte = fresh.recv(1)
        if not byte:
            return False
    return True


def _pause() -> None:
    threading.Event().wait(_PAUSE_S)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _complain(message: str, hint: str) -> None:
    sys.stderr.write(f"entraclaw: error: {message}\nentraclaw: hint: {hint}\n")
