"""Talk to systemd's manager of this user."""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from entraclaw.bot.services import managers, unit
from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.managers import ask, have
from entraclaw.bot.services.program import Program

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_WITHOUT = "have what starts programs here run `entraclaw serve`, such as a container's entry point"


class Systemd:
    """systemd, `--user`."""

    name = "systemd"
    rewrites = False

    def __init__(self, environ: Mapping[str, str], *, booted: Path = _BOOTED) -> None:
        """Look for units where *environ* says that this user has them.

        *booted* is a folder that is there where systemd runs the machine.
        """
        self._booted = booted
        configured = environ.get("XDG_CONFIG_HOME")
        base = Path(configured) if configured else Path(environ["HOME"], ".config")
        self._units = base / "systemd" / "user"

    def place(self, program: Program) -> str:
        """Name its unit's file."""
        return str(self._path(program))

    def found(self, program: Program) -> str | None:
        """Read its unit."""
        return managers.read(self._path(program))

    def unavailable(self) -> Trouble | None:
        """Ask whether the manager of this user answers."""
        answer = ask("systemctl", "--user", "show", "--property=Version")
        if answer.code == 0:
            return None
        if answer.code == 127 or not self._booted.is_dir():  # noqa: PLR2004 - as a shell says that there is none
            return Trouble("systemd does not run this machine", _WITHOUT)
        return Trouble(
            f"systemd answers nothing to {_user()} ({managers.first_line(answer.said)})",
            f"log in as {_user()} itself, not by su or sudo; where nobody logs in, "
            f"`loginctl enable-linger {_user()}` as root",
        )

    def render(self, program: Program) -> str:
        """Write its unit."""
        return unit.render(program)

    def put(self, program: Program, text: str) -> None:
        """Write it, and start it anew if it runs."""
        managers.write(self._path(program), text)
        have("systemctl", "--user", "daemon-reload")
        have("systemctl", "--user", "enable", unit.name(program))
        have("systemctl", "--user", "restart", unit.name(program))

    def keep(self, program: Program) -> None:
        """Enable it, and start it if it does not run."""
        have("systemctl", "--user", "enable", "--now", unit.name(program))

    def take(self, program: Program) -> None:
        """Stop and disable it, and delete its file."""
        have("systemctl", "--user", "disable", "--now", unit.name(program))
        self._path(program).unlink(missing_ok=True)
        have("systemctl", "--user", "daemon-reload")
        ask("systemctl", "--user", "reset-failed", unit.name(program))  # if it had failed

    def start_with(self, program: Program) -> str:
        """Give the command."""
        return f"systemctl --user start {unit.name(program)}"

    def notes(self) -> list[str]:
        """Say whether it runs while this user is not logged in."""
        lingers = ask("loginctl", "show-user", _user(), "--property=Linger")
        if lingers.code == 0 and "Linger=yes" in lingers.said:
            return []
        return [f"it ends when you log out, unless you `loginctl enable-linger {_user()}`"]

    def _path(self, program: Program) -> Path:
        return self._units / unit.name(program)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody gave this number a name
        return str(os.getuid())
