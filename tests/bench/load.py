"""A closed loop of callers over HTTP/1.1, as thin as can be: what is timed is the host.

A whole HTTP client costs more than the hosts it would measure and would hide the
difference between them. This one writes a request that is ready as bytes, and looks at
nothing of the answer but its status and its length.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Run:
    """What a closed loop measured.

    Attributes:
        seconds: How long each request took, one caller's after another's.
        took: From the first request to the last answer, in seconds.
        began: When the first request was sent, by `time.perf_counter`.
        rested: From the first request until nothing was left to do; 0.0 if nobody looked.
    """

    seconds: list[float]
    took: float
    began: float
    rested: float = 0.0

    def until_now(self) -> "Run":
        """The same run, now that nothing is left to do."""
        return replace(self, rested=time.perf_counter() - self.began)


async def post_all(url: str, requests: Iterable[bytes], callers: int) -> Run:
    """Send *requests* over *callers* connections, each with one request under way.

    Raises:
        RuntimeError: One was not answered with 202.
    """
    wires = [await _connect(url) for _ in range(callers)]
    seconds: list[float] = []
    queue = iter(requests)
    began = time.perf_counter()
    try:
        await asyncio.gather(*(_call(wire, queue, seconds) for wire in wires))
        return Run(seconds, time.perf_counter() - began, began)
    finally:
        for wire in wires:
            wire.close()


async def insist(url: str, request: bytes, pause_s: float) -> None:
    """Send *request* again and again, whatever comes back, until cancelled."""
    wire = await _connect(url)
    try:
        while True:
            with suppress(RuntimeError):
                await wire.post(request)
            await asyncio.sleep(pause_s)
    finally:
        wire.close()


async def _connect(url: str) -> "_Wire":
    host, _, port = urlsplit(url).netloc.partition(":")
    connecting = asyncio.get_running_loop().create_connection(_Wire, host, int(port))
    return (await connecting)[1]


async def _call(wire: "_Wire", requests: Iterator[bytes], seconds: list[float]) -> None:
    seconds += [await wire.post(request) for request in requests]


class _Wire(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[float] | None = None
        self._heard = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not one by class

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        answer = self._answer
        if not end or len(body) < _length(head) or answer is None or answer.done():
            return
        if head.split(b" ", 2)[1] == b"202":
            answer.set_result(at - self._began)
        else:
            answer.set_exception(RuntimeError(self._heard.decode(errors="replace")))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RuntimeError(f"the host hung up ({exc})"))

    async def post(self, request: bytes) -> float:
        """Send *request*; gives the seconds until the whole answer was here."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._heard = b""
        self._began = time.perf_counter()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


def _length(head: bytes) -> int:
    rest = head.lower().partition(b"\r\ncontent-length:")[2]
    return int(rest.partition(b"\r\n")[0] or 0)
