"""Remember verified tokens, so that the same one is not verified for every message.

Teams sends the same token for minutes. What is kept is a hash and who called; a token
is forgotten at its end, and the oldest are forgotten when there are too many.
"""

import hashlib
from collections import OrderedDict

from entraclaw.bot.admission import Caller

LIMIT = 1_024


class Callers:
    """The callers behind the last verified tokens."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    def find(self, authorization: str, now: float) -> Caller | None:
        """Find who a header's token was verified for, if it holds at *now* (epoch seconds)."""
        name = _name(authorization)
        caller = self._known.get(name)
        if caller is None:
            return None
        if now >= caller.expires_at:
            del self._known[name]
            return None
        self._known.move_to_end(name)
        return caller

    def keep(self, authorization: str, caller: Caller) -> None:
        """Remember that this header's token was verified for *caller*."""
        self._known[_name(authorization)] = caller
        if len(self._known) > LIMIT:
            self._known.popitem(last=False)


def _name(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode(errors="surrogateescape")).digest()
