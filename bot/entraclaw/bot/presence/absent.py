"""Where nobody can be asked."""


class Absent:
    """A `Presence` that is not there, and why."""

    def __init__(self, reason: str) -> None:
        """Say *reason* to whoever would ask."""
        self._reason = reason

    @property
    def way(self) -> str:
        """None."""
        return "none"

    def unavailable(self) -> str | None:
        """Say why."""
        return self._reason

    async def ask(self, what: str) -> bool:
        """Nobody says yes."""
        del what
        return False
