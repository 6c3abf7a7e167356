"""Read lines of bounded length from a stream, in time linear in their bytes.

`StreamReader.readline` gives up the stream's rest at a line over its limit, and may hold
twice that limit. Here such a line is drained as it comes, and what is left of it is how it
began and ended.
"""

import asyncio
from collections.abc import AsyncGenerator

from entraclaw.bot.passing import Passing, pieces

_READ = 1 << 16


async def read_lines(reader: asyncio.StreamReader, limit: int) -> AsyncGenerator[bytes | Passing]:
    """Give every line that ends, newline included; a `Passing` for one of over *limit* bytes.

    The end of the stream, or a broken connection, is the end of the lines.
    """
    held: list[bytes] = []
    length = 0
    passing: Passing | None = None
    while chunk := await _chunk(reader):
        for piece in pieces(chunk):
            length += len(piece)
            if passing is not None:
                passing.add(piece)
            else:
                held.append(piece)
                passing = _passing(held) if length > limit else None
            if piece.endswith(b"\n"):
                yield passing or b"".join(held)
                held, length, passing = [], 0, None


def _passing(held: list[bytes]) -> Passing:
    """Go on without holding: keep of what is *held* only its outside."""
    passing = Passing()
    for piece in held:
        passing.add(piece)
    held.clear()
    return passing


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_READ)
    except ConnectionError:
        return b""
