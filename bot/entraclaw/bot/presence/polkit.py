"""Linux: polkit asks for the user's own password, and tells us what came of it.

polkitd runs as root; the answer comes from it over the system bus, after its own setuid
helper has checked the password. It asks through the desktop's agent, or through one on the
terminal (`entraclaw.bot.presence.terminal`). The text it shows is ours only if our action
names this user as its owner, so a file must be installed once: `policy`.
https://polkit.pages.freedesktop.org/polkit/polkit.8.html
"""

import os
from pathlib import Path
from xml.sax.saxutils import escape

from entraclaw.bot.presence.asking import run
from entraclaw.errors import ProofRefused

WAY = "polkit"
PKCHECK = Path("/usr/bin/pkcheck")
PLACES = tuple(
    Path(place) / "polkit-1" / "actions" for place in ("/etc", "/usr/local/share", "/usr/share")
)

_ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
# What pkcheck leaves with: https://polkit.pages.freedesktop.org/polkit/pkcheck.1.html
_YES, _NO, _NOBODY_ASKS, _DISMISSED = range(4)

_POLICY = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<policyconfig>
  <action id="{action}">
    <description>Widen what an agent or people may do</description>
    <message>Somebody asks your agent to $(change)</message>
    <defaults>
      <allow_any>auth_self</allow_any>
      <allow_inactive>auth_self</allow_inactive>
      <allow_active>auth_self</allow_active>
    </defaults>
    <annotate key="org.freedesktop.policykit.owner">unix-user:{user}</annotate>
  </action>
</policyconfig>
"""


class Polkit:
    """A `Presence` over polkit."""

    def __init__(self, pid: int) -> None:
        """Ask whoever sits at the process *pid*; 0 is nobody known."""
        self._pid = pid

    @property
    def way(self) -> str:
        """Polkit."""
        return WAY

    def unavailable(self) -> str | None:
        """Say what is missing: polkit, our action, or a user that polkit asks at all."""
        if os.geteuid() == 0:
            return "polkit asks root for nothing"
        if not PKCHECK.exists():
            return "polkit is not installed"
        name = f"{action(os.getuid())}.policy"
        if not any((place / name).is_file() for place in PLACES):
            return f"{name} is not installed: docs/proof.md"
        return None if self._pid else "the system does not tell which process asks"

    async def ask(self, what: str) -> bool:
        """Have polkit ask for the password of the user."""
        try:
            subject = f"{self._pid},{started(self._pid)},{os.getuid()}"
        except OSError:
            return False  # who asked has left
        words = [str(PKCHECK), "--action-id", action(os.getuid()), "--process", subject]
        words += ["--detail", "change", what]
        if await run(words, _ENVIRON) == _YES:
            raise ProofRefused(
                "polkit says yes without asking anybody, which proves nothing",
                hint="a rule in /etc/polkit-1/rules.d lets this user do everything",
            )
        code = await run([*words, "--allow-user-interaction"], _ENVIRON)
        if code == _NOBODY_ASKS:
            raise ProofRefused(
                "polkit has nobody who could ask: no desktop, and no terminal",
                hint="type it in a terminal, where pkttyagent is installed",
            )
        if code not in {_YES, _NO, _DISMISSED, -1}:
            raise ProofRefused(
                f"polkit cannot be asked (pkcheck left with {code})",
                hint="is polkitd running, and the policy for this user? docs/proof.md",
            )
        return code == _YES


def action(uid: int) -> str:
    """Name the action of one user: each has a file of their own."""
    return f"entraclaw.agent.u{uid}"


def policy(uid: int, user: str) -> str:
    """Write the file that lets polkit ask the user *uid*, called *user*, in our words."""
    return _POLICY.format(action=action(uid), user=escape(user))


def started(pid: int) -> str:
    """Tell when *pid* was started, as the kernel counts; a number is used again, that is not.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html

    Raises:
        OSError: It is gone.
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[19]
