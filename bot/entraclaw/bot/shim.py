"""Pump bytes between a host's stdio and the daemon's local socket.

One shim per host session: it owns no state, port or token, imports the standard library
only, and dies with its host. Bytes are passed on as they come, so that no line is held,
however long. It understands just what it must repeat when the daemon goes away
(`entraclaw.bot.shim_wire`). On the daemon's return it repeats the handshake, swallows the
reply the host already has, and answers the open requests with an error that says to call
again: nothing is repeated that could have had an effect. A line of which only a part had
reached the lost daemon reaches none, and is answered so too.

The bookkeeping runs behind the traffic: a line is forwarded first and read afterwards.
"""

import os
import select
import socket
import sys
import threading
from time import monotonic

from entraclaw.bot import home, host_facts
from entraclaw.bot.host_pipe import HostPipe
from entraclaw.bot.passing import Passing, pieces
from entraclaw.bot.shim_wire import Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Final

_READ: "Final" = 1 << 16
_PATIENCE_S: "Final" = 30.0  # for a daemon to start, or to come back, on a busy machine
_PAUSE_S: "Final" = 0.05
# Hosts give us pipes or sockets; a system without `poll` has no Unix sockets either.
_HUNG_UP: "Final" = getattr(select, "POLLHUP", 0) | getattr(select, "POLLRDHUP", 0)


class Shim:
    """One host's pipe on one side, the daemon's socket on the other."""

    def __init__(self, profile: str) -> None:
        """Serve *profile*; nothing is opened yet."""
        self._profile = profile
        self._folder = home.profile_dir(os.environ, profile)
        self._session = host_facts.session(os.environ)
        self._facts = host_facts.tell(os.environ, os.getppid())
        self._wire = Wire()
        self._host = HostPipe()
        self._line = Passing()  # what the host is saying
        self._line_goes_to: socket.socket | None = None
        self._socket: socket.socket | None = None
        self._lost: socket.socket | None = None  # the last one read from; closed by its reader
        self._ready = threading.Condition()

    def run(self) -> int:
        """Pump until the host leaves (exit 0) or no daemon can be had (exit 3)."""
        threading.Thread(target=self._from_host, daemon=True).start()
        self._attach(self._connect())
        inbox = host_facts.inbox(os.environ)
        if inbox is not None:
            self._ring(*inbox)
        while True:
            self._from_daemon()
            self._detach()
            while not self._reattach():
                _pause()

    def _from_host(self) -> None:
        while chunk := _said_by_host():
            for piece in pieces(chunk):
                self._forward(piece)
        # The host is gone. Whatever it asked for can no longer be told to anybody.
        os._exit(0)

    def _forward(self, piece: bytes) -> None:
        """Send the next *piece* of a line to the daemon that has its beginning."""
        with self._ready:
            if not self._line.length:
                while self._socket is None:
                    self._ready.wait()
                self._line_goes_to = self._socket
            self._line.add(piece)
            is_lost = self._line_goes_to is not self._socket
            if piece.endswith(b"\n"):
                # Before it is sent: the answer may be there before we are.
                self._wire.note(self._line, from_host=True, is_lost=is_lost)
                self._line = Passing()
            if not is_lost and self._socket is not None and not _send(self._socket, piece):
                self._socket = None  # the reader re-attaches and settles the line
        if is_lost:
            self._host.say(self._wire.answers())

    def _from_daemon(self) -> None:
        """Copy what the daemon says to the host until the socket ends."""
        current = self._lost = self._socket
        line = Passing()
        while current is not None:
            try:
                chunk = current.recv(_READ)
            except OSError:
                chunk = b""
            if not chunk:
                return
            self._host.pass_on(chunk)
            for piece in pieces(chunk):
                line.add(piece)
                if piece.endswith(b"\n"):
                    self._wire.note(line, from_host=False)
                    line = Passing()
            self._wire.read()

    def _detach(self) -> None:
        """Settle what the lost daemon left open."""
        with self._ready:
            self._socket = None
        if self._lost is not None:
            self._lost.close()
        self._wire.daemon_lost()
        self._host.break_off()
        self._host.say(self._wire.answers())
        _pause()  # a daemon that hangs up on us must not be called in a tight loop

    def _reattach(self) -> bool:
        """Find the daemon again and repeat the handshake; False if it went away meanwhile."""
        if self._wire.cannot_return:
            _complain("the host's first message was too long to repeat it", "start it again")
            os._exit(3)
        fresh = self._connect()
        lines, answered = self._wire.replay()
        try:
            whole = _send(fresh, lines) and (not answered or _swallow(fresh))
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

    def _ring(self, path: str, token: str) -> None:
        """Let the daemon wake the host through the inbox of its session."""
        from entraclaw.bot import session_inbox  # noqa: PLC0415 - only where there is one

        def connect() -> socket.socket | None:
            with self._ready:
                while self._socket is None:
                    self._ready.wait()
            return self._try_connect("ring", "waker=inbox&")

        inbox = session_inbox.SessionInbox(path, token, connect)
        threading.Thread(target=inbox.run, daemon=True).start()

    def _connect(self) -> socket.socket:
        """Reach the daemon, starting one if none answers, and another if that one ends.

        One that is just ending holds the profile a moment longer: the first that we start
        may be refused.
        """
        child = None
        end = monotonic() + _PATIENCE_S
        while True:
            fresh = self._try_connect("mcp")
            if fresh is not None:
                return fresh
            if child is None or child.poll() is not None:
                child = self._start_daemon()
            if _host_has_left():
                os._exit(0)
            if monotonic() > end:
                _complain("no daemon answers", "run `entraclaw serve` and read what it says")
                os._exit(3)
            _pause()

    def _try_connect(self, verb: str, more: str = "") -> socket.socket | None:
        fresh = socket.socket(socket.AF_UNIX)
        try:
            fresh.connect(home.socket_path(self._folder))
            fresh.sendall(f"entraclaw/1 {verb} {self._session} {more}{self._facts}\n".encode())
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


def _said_by_host() -> bytes:
    try:
        return os.read(0, _READ)
    except OSError:  # a terminal that went away
        return b""


def _send(daemon: socket.socket, data: bytes) -> bool:
    """Send all of *data*; False if the daemon is gone.

    While the daemon takes nothing nobody reads our standard input, whose end is the end of
    the host: so both are watched.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[daemon.send(view, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            _wait(daemon, select.POLLOUT)
        except OSError:
            return False
    return True


def _wait(daemon: socket.socket, event: int) -> None:
    """Wait until the daemon takes or gives something, or is gone; end when the host is."""
    watched = select.poll()
    watched.register(daemon, event)
    watched.register(0, _HUNG_UP)
    for number, happened in watched.poll():
        if number == 0 and happened & _HUNG_UP:
            os._exit(0)


def _host_has_left() -> bool:
    """Look at our standard input, which nobody reads while there is no daemon."""
    watched = select.poll()
    watched.register(0, _HUNG_UP)
    return any(happened & _HUNG_UP for _, happened in watched.poll(0))


def _swallow(fresh: socket.socket) -> bool:
    """Read one line: the reply to a repeated `initialize`, which the host already has."""
    while True:
        _wait(fresh, select.POLLIN)
        waiting = fresh.recv(_READ, socket.MSG_PEEK)
        end = waiting.find(b"\n") + 1
        if not fresh.recv(end or len(waiting)):
            return False
        if end:
            return True


def _pause() -> None:
    threading.Event().wait(_PAUSE_S)


def _complain(message: str, hint: str) -> None:
    sys.stderr.write(f"entraclaw: error: {message}\nentraclaw: hint: {hint}\n")
