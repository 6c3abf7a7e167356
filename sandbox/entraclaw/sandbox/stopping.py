"""When to stop: an interrupt, a request to end, or a parent that has gone.

A process that watches its stdin cannot outlive whoever started it, on any
operating system.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress


def watch() -> asyncio.Event:
    """Return an event that is set once this process should end; call it inside the loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        # The loop may be closed already, and then there is nothing left to stop.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        # Not loop.add_signal_handler: Windows has none.
        signal.signal(number, lambda _number, _frame: ring())
    if sys.stdin is not None:
        descriptor = sys.stdin.fileno()
        threading.Thread(target=_drain, args=(descriptor, ring), daemon=True).start()
    return stop


def _drain(descriptor: int, ring: Callable[[], None]) -> None:
    # os.read and not sys.stdin: a daemon thread that holds the lock of a buffered stream makes
    # the interpreter abort at exit.
    with suppress(OSError):
        while os.read(descriptor, 65536):
            pass
    ring()
