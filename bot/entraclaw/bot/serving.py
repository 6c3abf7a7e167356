"""Run a daemon in this process: its loop, its log file, its end."""

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

import click

from entraclaw.bot.daemon import Daemon
from entraclaw.bot.settings import Settings

_LOG_BYTES = 5_000_000


def run(settings: Settings, *, until_eof: bool) -> None:
    """Serve *settings* until SIGINT or SIGTERM, or the end of stdin if *until_eof*.

    Raises:
        EntraclawError: The daemon cannot start; the sentence says why.
    """
    _log_to(settings.folder)
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


def _wait_for_eof(end: Callable[[], None]) -> None:
    # Not the buffered stream: its lock, held by a daemon thread, can abort the interpreter.
    while os.read(0, 1024):
        pass
    end()


def _log_to(folder: Path) -> None:
    logs = folder / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        logs / "daemon.log", maxBytes=_LOG_BYTES, backupCount=3, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("entraclaw").setLevel(logging.INFO)
    # msal logs the body of a token answer it cannot read; what failed, our errors say.
    logging.getLogger("msal").setLevel(logging.CRITICAL)
