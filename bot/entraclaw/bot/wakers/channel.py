"""Claude Code's channel: a notification over the MCP connection itself.

Whether the host listens to it cannot be seen from here: it stands behind a flag of its
vendor, an allow list and a start option, and what is not listened to is dropped silently.
So it is the last to be chosen. https://code.claude.com/docs/en/channels-reference
"""

from entraclaw.bot.beside import doorbell
from entraclaw.bot.sessions import Session

METHOD = "notifications/claude/channel"


class Channel:
    """A channel event."""

    name = "channel"

    def why_not(self, session: Session) -> str:
        """Say why it cannot wake *session*."""
        return "" if session.connections else "no MCP connection"

    async def ring(self, session: Session, waiting: int) -> None:
        """Send the event on every connection of the session."""
        event = {"content": doorbell(waiting), "meta": {"waiting": str(waiting)}}
        for connection in session.connections:
            await connection.notify(METHOD, event)
