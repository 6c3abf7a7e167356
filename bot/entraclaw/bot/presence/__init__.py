"""Ask the operating system whether a person is at this machine: the seam, and what is here.

Each way has the system itself ask for a password, a finger or a face, and believes the
system alone: no process of ours, and none of an agent's, can answer in its place.
"""

import sys
from typing import Protocol

__all__ = ["Presence", "here"]


class Presence(Protocol):
    """One way to ask whoever sits here."""

    @property
    def way(self) -> str:
        """Its name, one word, for logs and for the command that prepares the terminal."""
        ...

    def unavailable(self) -> str | None:
        """Say why it cannot be asked here, or None if it can."""
        ...

    async def ask(self, what: str) -> bool:
        """Ask whether a person wants *what*, which ends the sentence "somebody asks me to".

        It ends by itself after some minutes, and takes its question back when cancelled.

        Raises:
            ProofRefused: The system would say yes without asking anybody, or cannot ask.
        """
        ...


def here(pid: int) -> Presence:
    """Choose the way of this system, to ask whoever sits at the process *pid* (0: unknown)."""
    if sys.platform == "linux":
        from entraclaw.bot.presence.polkit import Polkit  # noqa: PLC0415 - one of them is needed

        return Polkit(pid)
    if sys.platform == "darwin":
        from entraclaw.bot.presence.macos import SecurityAgent  # noqa: PLC0415 - the same

        return SecurityAgent()
    if sys.platform == "win32":
        from entraclaw.bot.presence.hello import WindowsHello  # noqa: PLC0415 - the same

        return WindowsHello()
    from entraclaw.bot.presence.absent import Absent  # noqa: PLC0415 - the same

    return Absent(f"no way to ask a person is known on {sys.platform}")
