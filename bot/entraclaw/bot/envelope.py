r"""What a line of JSON-RPC says on its outside: its method and its id.

A message has four members: ``jsonrpc``, ``method``, ``id``, and one that may be of any
length (``params``, ``result`` or ``error``). So all that is asked for stands before the
long one or behind it, and the first and last kilobytes of a line are enough. In them no
quotation mark can be mistaken for another: inside a string it would be written ``\"``.

For lines that are JSON this is exact; of others nothing is promised. Members beyond the
four are no part of JSON-RPC: what stands between two of them may not be seen.

https://www.jsonrpc.org/specification
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entraclaw.bot.passing import Passing

_SEEN: "Final" = 1 << 11  # bytes of the head that are looked at
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_NUMBER = rb"-?[0-9][0-9.eE+-]*"
_SHORT = rb'"(jsonrpc|method|id)"\s*:\s*(' + _STRING + rb"|[a-zA-Z0-9.+-]+)\s*"
_BEGIN = re.compile(rb"\s*\{")
_MEMBER = re.compile(rb"\s*" + _SHORT + rb"[,}]")
_END = re.compile(rb"(?:,\s*" + _SHORT + rb")+\}\s*\Z")
_ID = re.compile(_NUMBER + rb"|" + _STRING)
_CANCELLED = re.compile(rb'"requestId"\s*:\s*(' + _NUMBER + rb"|" + _STRING + rb")")
_METHOD = b"method"
_NUMBERED = b"id"


class Envelope:
    """The outside of one message.

    Attributes:
        method: The method's name; empty if there is none.
        id: The id as JSON, equal ids spelled alike; empty if there is none, or one that is
            neither a string nor a number.
    """

    __slots__ = ("id", "method")

    def __init__(self, method: bytes = b"", number: bytes = b"") -> None:
        """Hold what was read."""
        self.method, self.id = method, number


def read(line: "Passing") -> Envelope:
    """Read the outside of *line*; of what is no message it may find nothing."""
    members: dict[bytes, bytes] = {}
    head = bytes(line.head[:_SEEN])
    begin = _BEGIN.match(head)
    if begin is not None:
        _take(head, begin.end(), members)
        end = _END.search(line.tail)
        if end is not None:
            _take(end[0], 1, members)
    number = members.get(_NUMBERED, b"")
    if not _ID.fullmatch(number):
        number = b""
    return Envelope(spelled(members.get(_METHOD, b"")).strip(b'"'), spelled(number))


def cancelled(line: "Passing") -> bytes:
    """Read which request a ``notifications/cancelled`` takes back; empty if it does not say."""
    told = _CANCELLED.search(line.head)
    return spelled(told[1]) if told else b""


def spelled(value: bytes) -> bytes:
    """Spell a JSON value alike whoever escaped what in it; empty if it is a bad one."""
    if b"\\" not in value:
        return value
    import json  # noqa: PLC0415 - 10 ms for what hardly ever happens

    try:
        return json.dumps(json.loads(value), ensure_ascii=False).encode()
    except ValueError:  # a bad escape, or half a character
        return b""


def _take(text: bytes, at: int, members: dict[bytes, bytes]) -> None:
    """Take the short members that stand one after the other in *text* from *at* on."""
    while member := _MEMBER.match(text, at):
        members[member[1]] = member[2]
        at = member.end()
