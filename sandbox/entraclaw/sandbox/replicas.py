"""Entra is many: a change is known at one of its replicas before it is at the next.

Requests go from one replica to another, and so the same request may be granted, refused and
granted again until the change has come everywhere.
"""

from entraclaw.sandbox.settings import Settings


class Replicas:
    """Whose turn it is to answer, and what that one knows already.

    The settings say how many there are and how long a change takes to the last of them;
    it comes to the others at even steps before.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._turns = settings, 0

    def ahead_s(self) -> float:
        """Let the next one answer; gives by how many seconds it is ahead of the last to know."""
        settings = self._settings
        turn = self._turns % settings.replicas
        self._turns += 1
        return settings.propagation_s * (settings.replicas - 1 - turn) / settings.replicas
