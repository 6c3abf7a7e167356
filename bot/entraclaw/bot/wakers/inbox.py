"""Claude Code's session inbox: a socket that takes messages from the session's own children.

The shim is such a child, so the shim writes there.
"""

from entraclaw.bot.wakers.beside import Beside


class Inbox(Beside):
    """A message in the session's inbox."""

    def __init__(self) -> None:
        """Look for the shim's second connection."""
        super().__init__("session inbox", "inbox", "the host gave the shim no inbox socket")
