"""The requests of one host that are not answered yet: bounded, so that its reading is.

A host that writes requests and never takes an answer would else fill the daemon: every one
of them is worked on at once.
"""

import asyncio
from collections.abc import Mapping

AT_ONCE = 128  # requests
HELD = 32 * 1024 * 1024  # bytes of their lines; one line may have half of that

RequestId = int | str


class OpenRequests:
    """What one host waits for."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sizes: dict[RequestId, int] = {}
        self._closed = asyncio.Event()

    def has(self, number: RequestId) -> bool:
        """Tell whether the request *number* is under way: no other may have its id."""
        return number in self._sizes

    async def add(self, number: RequestId, size: int) -> None:
        """Note a request of *size* bytes, once there is room for it."""
        while len(self._sizes) >= AT_ONCE or (
            self._sizes and sum(self._sizes.values()) + size > HELD
        ):
            self._closed.clear()
            await self._closed.wait()
        self._sizes[number] = size

    def close(self, number: RequestId | None) -> None:
        """Note that a request was answered."""
        if number is not None and self._sizes.pop(number, None) is not None:
            self._closed.set()

    def cancel(self, params: Mapping[str, object] | None) -> None:
        """Note that the host takes a request back, which is then never answered."""
        told = str((params or {}).get("requestId"))
        # Numbers and their digits are the same to who answers: mcp's `coerce_request_id`.
        for number in [number for number in self._sizes if str(number) == told]:
            self.close(number)
