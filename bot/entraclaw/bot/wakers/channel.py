"""Claude Code's channel: a notification over the MCP connection itself.

Whether the host listens to it cannot be seen from here: it stands behind a flag of its
vendor, an allow list and a start option, and what is not listened to is dropped silently.
So it is the last to be chosen. https://code.claude.com/docs/en/channels-reference
"""

from entraclaw.bot.sessions import Session

METHOD = "notifications/claude/channel"


def doorbell(waiting: int) -> str:
    """Say that *waiting* messages wait: a count, no text, no names."""
    words = "1 Teams message waits" if waiting == 1 else f"{waiting} Teams messages wait"
    return f"{words}. Call read_messages."


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
