"""What wakes a session through a program that its host has started beside the shim."""

from entraclaw.bot.sessions import Session


class Beside:
    """A program that listens at the local socket and rings in its host's own way."""

    def __init__(self, name: str, kind: str, why_not: str) -> None:
        """Be the waker *name*, whose programs call themselves *kind*; *why_not* if none is here."""
        self.name, self._kind, self._why_not = name, kind, why_not

    def why_not(self, session: Session) -> str:
        """Say why it cannot wake *session*."""
        return self._why_not if session.listener(self._kind) is None else ""

    async def ring(self, session: Session, waiting: int) -> None:
        """Say to the program that *waiting* messages wait."""
        listener = session.listener(self._kind)
        if listener is not None:
            await listener.ring(waiting)
