"""The session waits in `read_messages` already: that call returns, and nothing is rung."""

from entraclaw.bot.sessions import Session


class Blocking:
    """A tool call that blocks until something comes. Every MCP host can do it."""

    name = "blocking tool"

    def why_not(self, session: Session) -> str:
        """Say why it cannot wake *session*."""
        return "" if session.readers else "no read_messages call is waiting"

    async def ring(self, session: Session, waiting: int) -> None:
        """Let the call look again."""
        del waiting
        session.news.set()
