"""Claude Code's plugin monitor: each line it prints starts a turn of an idle session.

The model is told that it is a system notification and not the person's words.
"""

from entraclaw.bot.wakers.beside import Beside


class Monitor(Beside):
    """A line of the plugin's monitor."""

    def __init__(self) -> None:
        """Look for the program `entraclaw.bot.monitor`."""
        super().__init__("plugin monitor", "monitor", "the plugin's monitor does not run there")
