"""A line that passes by: how it begins, how it ends and how long it is, never the whole.

Lines of JSON-RPC may be longer than anybody wants to hold. Standard library only, and none
of it: the shim starts with every host session.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

HEAD: "Final" = 1 << 16  # bytes; a line up to this length is kept whole
TAIL: "Final" = 1 << 11  # bytes; all that follows the long member of a message


class Passing:
    """One line, from its first byte to its newline."""

    __slots__ = ("head", "length", "tail")

    def __init__(self) -> None:
        """Begin before the first byte."""
        self.length = 0
        self.head = bytearray()
        self.tail = bytearray()

    def add(self, piece: bytes) -> None:
        """See the next *piece* of it pass."""
        self.length += len(piece)
        self.head += piece[: HEAD - len(self.head)]
        self.tail += piece[-TAIL:]
        del self.tail[:-TAIL]

    @property
    def whole(self) -> bytes | None:
        """The line, newline included; None if it was too long to keep."""
        return bytes(self.head) if self.length <= HEAD else None


def pieces(chunk: bytes) -> "Iterator[bytes]":
    """Cut *chunk* after every newline."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start) + 1 or len(chunk)
        yield chunk[start:end] if (start, end) != (0, len(chunk)) else chunk
        start = end
