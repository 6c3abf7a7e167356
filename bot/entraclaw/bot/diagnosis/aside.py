"""Do what blocks in a thread that nobody waits for: not even the end of the process does.

What answers late must not keep a command that has said its piece.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from aiohttp.abc import AbstractResolver, ResolveResult

_T = TypeVar("_T")


async def aside(work: Callable[[], _T], limit_s: float | None) -> _T:
    """Give what *work* gives, or raise what it raises.

    Raises:
        TimeoutError: It takes longer than *limit_s* seconds; it is left to itself.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(set_it: Callable[[], None]) -> None:
        if not done.done():
            set_it()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome = _raising(done, error)
        else:
            outcome = _giving(done, result)
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="aside", daemon=True).start()
    async with asyncio.timeout(limit_s):
        return await done


class Resolver(AbstractResolver):
    """Looks names up aside, since the system's own look-up can hang for half a minute."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Find the addresses of *host*."""
        found = await aside(
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM), limit_s=None
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _giving(done: "asyncio.Future[_T]", result: _T) -> Callable[[], None]:
    return lambda: done.set_result(result)


def _raising(done: "asyncio.Future[_T]", error: BaseException) -> Callable[[], None]:
    return lambda: done.set_exception(error)
