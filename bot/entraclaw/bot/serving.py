"""Run a daemon in this process: its loop, its log file, its end."""

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

import click

from entraclaw.bot import memory
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.settings import Settings

_LOG_BYTES = 5_000_000
_SWITCH_S = 0.0005
_GRACE_S = 15.0  # for answers under way, and for everything to end in its order
_log = logging.getLogger(__name__)


def run(settings: Settings, *, until_eof: bool) -> None:
    """Serve *settings* until SIGINT or SIGTERM, or the end of stdin if *until_eof*.

    Raises:
        EntraclawError: The daemon cannot start; the sentence says why.
    """
    # The thread that writes must not wait 5 ms for the one that talks: a 202 waits for it.
    sys.setswitchinterval(_SWITCH_S)
    _log_to(settings.folder)
    unsealed = memory.seal()
    if unsealed:
        _log.warning("a crash may write this daemon's memory to the disk: %s", unsealed)
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=_fast_loop()) as runner,
    ):
        runner.run(_serve(settings, until_eof=until_eof))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed (the extra `fast`); None is asyncio's own loop."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    return cast(
        "Callable[[], asyncio.AbstractEventLoop]", importlib.import_module("uvloop").new_event_loop
    )


async def _serve(settings: Settings, *, until_eof: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end(*_: object) -> None:
        _end_in_time()
        loop.call_soon_threadsafe(stop.set)

    # signal.signal and not the loop's handlers: Windows has only this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if until_eof:
        threading.Thread(target=_wait_for_eof, args=(end,), daemon=True).start()
    async with Daemon.running(settings) as daemon:
        where = daemon.webhook or "nowhere: this profile has no agent yet"
        click.echo(f"profile {settings.profile}: listening for Teams at {where}", err=True)
        await stop.wait()


def _end_in_time() -> None:
    """Leave after `_GRACE_S` whatever still runs: all that was promised is on the disk."""

    def leave() -> None:
        _log.warning("did not end in %.0f s, and leaves", _GRACE_S)
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(_GRACE_S, leave)
    timer.daemon = True
    timer.start()


def _wait_for_eof(end: Callable[[], None]) -> None:
    # Not the buffered stream: its lock, held by a daemon thread, can abort the interpreter.
    while os.read(0, 1024):
        pass
    end()


class _Rotating(RotatingFileHandler):
    """Counts what it writes; the standard one asks the file system at every line."""

    _written = -1  # bytes in the file; unknown before the first line

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the base's name
        if self._written < 0:
            file = Path(self.baseFilename)
            self._written = file.stat().st_size if file.exists() else 0
        self._written += len(self.format(record)) + 1
        if self._written < self.maxBytes:
            return False
        self._written = 0
        return True


def _log_to(folder: Path) -> None:
    logs = folder / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Rotating(
        logs / "daemon.log", maxBytes=_LOG_BYTES, backupCount=3, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("entraclaw").setLevel(logging.INFO)
    # msal logs the body of a token answer it cannot read, the Agents SDK and fastmcp what
    # they were given and cannot take: somebody's words. What failed, our own lines say.
    for name in ("msal", "microsoft_agents", "fastmcp"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
