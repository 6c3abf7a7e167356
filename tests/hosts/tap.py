"""Stand between a host and a program of ours, and note when what passes: `tap.py LOG KIND WORDS`.

It passes every byte on as it is. The standard library only, since it starts with every
host session, and run by its path: it is no part of what is measured, and its own time
counts as the host's. What it notes, one JSON line each, with monotonic nanoseconds:

    mcp       tool calls and their results, by id; and what is said to the session's inbox
    mcp-only  the same of a host that has no inbox
    monitor   lines of standard output, each a doorbell
    rewake    the end of the program with the exit code that wakes the host
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

_READ = 1 << 16
_INBOX = "CLAUDE_CODE_MESSAGING_SOCKET"
_WAKES = 2  # https://code.claude.com/docs/en/hooks, asyncRewake
Note = Callable[..., None]


def main() -> int:
    """Run WORDS; gives its exit code."""
    log, kind, *words = sys.argv[1:]
    note = _noting(log)
    environ = dict(os.environ)
    if kind == "mcp" and _INBOX in environ:
        environ[_INBOX] = _between(environ[_INBOX], note)
    elif kind == "mcp-only":
        environ.pop(_INBOX, None)
    stdin = subprocess.PIPE if kind.startswith("mcp") else None
    stdout = None if kind == "rewake" else subprocess.PIPE
    with subprocess.Popen(words, env=environ, stdin=stdin, stdout=stdout) as process:
        signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
        if process.stdin is not None:
            threading.Thread(target=_pass_calls, args=(process.stdin, note), daemon=True).start()
        if kind == "monitor":
            threading.Thread(target=_end_with_host, daemon=True).start()
        if process.stdout is not None:
            _pass_lines(process.stdout, kind, note)
        code = process.wait()
    if kind == "rewake" and code == _WAKES:
        note(time.monotonic_ns(), "bell", by=kind)
    return code


def _pass_lines(stdout: IO[bytes], kind: str, note: Note) -> None:
    """Pass the program's lines on until it says no more."""
    for line in stdout:
        at = time.monotonic_ns()
        _write(line)
        if kind == "monitor":
            note(at, "bell", by=kind)
        elif "id" in (message := _read(line)) and "method" not in message:
            note(at, "out", id=message["id"])


def _noting(log: str) -> Note:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(at: int, what: str, **facts: object) -> None:
        os.write(file, json.dumps({"at": at, "what": what, **facts}).encode() + b"\n")

    return note


def _pass_calls(stdin: IO[bytes], note: Note) -> None:
    """Pass the host's lines on until it says no more."""
    rest = b""
    while chunk := os.read(0, _READ):
        at = time.monotonic_ns()
        stdin.write(chunk)
        stdin.flush()
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            message = _read(line)
            if message.get("method") == "tools/call":
                note(at, "in", id=message.get("id"), tool=message["params"]["name"])
    stdin.close()


def _end_with_host() -> None:
    """End when the host does, so that the program before us sees its output's end, too."""
    poll = select.poll()
    poll.register(1, 0)  # asked for nothing, it still tells of the end
    poll.poll()
    os._exit(0)


def _read(line: bytes) -> dict[str, Any]:
    try:
        message: object = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", message) if isinstance(message, dict) else {}


def _between(inbox: str, note: Note) -> str:
    """Listen in the place of the host's *inbox*; gives where."""
    place = str(Path(tempfile.mkdtemp(prefix="tap-")) / "inbox.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen()

    def serve() -> None:
        while True:
            guest, _ = listener.accept()
            host = socket.socket(socket.AF_UNIX)
            host.connect(inbox)
            threading.Thread(target=_pass_on, args=(host, guest, None), daemon=True).start()
            threading.Thread(target=_pass_on, args=(guest, host, note), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return place


def _pass_on(giver: socket.socket, taker: socket.socket, note: Note | None) -> None:
    try:
        while chunk := giver.recv(_READ):
            at = time.monotonic_ns()
            taker.sendall(chunk)
            if note is not None and b'"user"' in chunk:
                note(at, "bell", by="inbox")
        taker.shutdown(socket.SHUT_WR)
    except OSError:
        taker.close()


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    sys.exit(main())
