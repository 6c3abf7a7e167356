"""A hook that stays behind when Claude Code goes idle, and wakes it by its exit code."""

from entraclaw.bot.wakers.beside import Beside


class Rewake(Beside):
    """The end of a hook that waits."""

    def __init__(self) -> None:
        """Look for the hook's connection."""
        super().__init__("rewake hook", "rewake", "no hook waits there")
