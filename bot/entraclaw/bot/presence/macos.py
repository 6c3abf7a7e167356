"""macOS: the system's own dialog for an administrator's password, or Touch ID where it offers that.

LocalAuthentication hands its answer to a block, which no script language of the system can
give it. What a script can have is the dialog before something runs as root; what runs is
``/usr/bin/true``. Whoever is no administrator cannot answer it. Written, not run: docs/proof.md
https://developer.apple.com/library/archive/technotes/tn2065/_index.html
"""

from pathlib import Path

from entraclaw.bot.presence.asking import run

OSASCRIPT = Path("/usr/bin/osascript")

_ENVIRON = {"PATH": "/usr/bin:/bin"}
# The text is an argument: nothing in it is read as a script.
_SCRIPT = """\
on run argv
    do shell script "/usr/bin/true" with prompt (item 1 of argv) with administrator privileges
end run
"""


class SecurityAgent:
    """A `Presence` over the dialog of macOS."""

    @property
    def way(self) -> str:
        """The agent of macOS that asks."""
        return "securityagent"

    def unavailable(self) -> str | None:
        """Say that this is no macOS."""
        return None if OSASCRIPT.exists() else "osascript is not here"

    async def ask(self, what: str) -> bool:
        """Have macOS ask for an administrator's password."""
        prompt = f"Somebody asks your agent to {what}"
        return await run([str(OSASCRIPT), "-e", _SCRIPT, prompt], _ENVIRON) == 0
