"""Processes of our own, started in order and ended in the opposite order.

Each child lives as long as its standard input, so none outlives us even if we are
killed; each is in a group of its own, so that Ctrl-C reaches us alone and they end in
order.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psutil

from entraclaw.errors import EntraclawError

_GRACE_S = 10.0
_LINE_LIMIT = 4 * 1024 * 1024


class Child:
    """A running process that says one JSON document a line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Name *process* for error messages."""
        self.name, self._process = name, process

    async def line(self, patience_s: float) -> dict[str, Any]:
        """Read the next line it says.

        Raises:
            EntraclawError: It ended, said something else, or said nothing in time.
        """
        stdout = self._process.stdout
        if stdout is None:
            raise EntraclawError(f"{self.name} has no output to read")
        try:
            async with asyncio.timeout(patience_s):
                line = await stdout.readline()
            document: dict[str, Any] = orjson.loads(line)
        except TimeoutError:
            raise EntraclawError(f"{self.name} said nothing for {patience_s:.0f} s") from None
        except ValueError:
            raise EntraclawError(f"{self.name} ended without a word") from None
        return document

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._process.returncode is not None

    async def end(self) -> None:
        """Close its standard input, wait, and kill it if that does not help."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def child(
    name: str, words: Sequence[str], environ: Mapping[str, str], *, speaks: bool
) -> AsyncGenerator[Child]:
    """Run ``python -m`` *words* for as long as the body runs.

    Args:
        name: For error messages.
        words: Module and arguments.
        environ: Its whole environment.
        speaks: Whether its standard output is read; else it is thrown away.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if speaks else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        limit=_LINE_LIMIT,
        **_own_group(),
    )
    running = Child(name, process)
    try:
        yield running
    finally:
        await running.end()


def descendants() -> list[psutil.Process]:
    """List every process below this one, whoever started it."""
    return psutil.Process().children(recursive=True)


async def count_left(processes: Sequence[psutil.Process], patience_s: float) -> int:
    """Count which of *processes* are still there after at most *patience_s*."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, patience_s)
    return len(alive)


def _own_group() -> dict[str, Any]:
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}
