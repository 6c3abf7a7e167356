"""The shim's standard output, which two threads write: their lines do not mix.

What the daemon says is passed on as it comes, so a line of it may be under way for long;
what the shim says itself waits for its end. A host that does not read any more is gone,
and so is its shim.
"""

import os
import threading


class HostPipe:
    """Where the host reads."""

    def __init__(self) -> None:
        """Begin at the start of a line."""
        self._lock = threading.Lock()
        self._is_in_line = False
        self._own: list[bytes] = []  # lines that wait for the end of one

    def pass_on(self, data: bytes) -> None:
        """Write what the daemon said."""
        with self._lock:
            if self._own and b"\n" in data:
                end, _, data = data.partition(b"\n")
                _write(end + b"\n")
                self._is_in_line = False
                self._say_own()
            _write(data)
            self._is_in_line = not data.endswith(b"\n") if data else self._is_in_line

    def say(self, lines: list[bytes]) -> None:
        """Write *lines* of our own as soon as no other line is under way."""
        with self._lock:
            self._own += lines
            if not self._is_in_line:
                self._say_own()

    def break_off(self) -> None:
        """End a line of which no more will come: the host finds that it is no JSON."""
        with self._lock:
            if self._is_in_line:
                _write(b"\n")
                self._is_in_line = False
            self._say_own()

    def _say_own(self) -> None:
        own, self._own = self._own, []
        if own:
            _write(b"".join(own))


def _write(data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except OSError:
        os._exit(0)
