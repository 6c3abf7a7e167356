"""Talk to launchd, of macOS."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from entraclaw.bot.services import agent, managers
from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.managers import ask, have
from entraclaw.bot.services.program import Program

_GONE_S = 40.0  # it takes 30 to end at most
_PAUSE_S = 0.2


class Launchd:
    """launchd, in the session of this user at the screen."""

    name = "launchd"
    rewrites = False

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Look for agents where *environ* says that this user has them."""
        self._agents = Path(environ["HOME"], "Library", "LaunchAgents")
        self._session = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"

    def place(self, program: Program) -> str:
        """Name its property list."""
        return str(self._path(program))

    def found(self, program: Program) -> str | None:
        """Read its property list."""
        return managers.read(self._path(program))

    def unavailable(self) -> Trouble | None:
        """Ask whether this user has a session at the screen."""
        answer = ask("launchctl", "print", self._session)
        if answer.code == 0:
            return None
        return Trouble(
            f"launchd has no session of yours ({managers.first_line(answer.said)})",
            "log in at the screen once, then run the same command again",
        )

    def render(self, program: Program) -> str:
        """Write its property list."""
        return agent.render(program)

    def put(self, program: Program, text: str) -> None:
        """Write it, and start it; what ran before is stopped first."""
        self._unload(program)
        managers.write(self._path(program), text)
        self.keep(program)

    def keep(self, program: Program) -> None:
        """Load it unless it is loaded, and start it if it does not run."""
        have("launchctl", "enable", self._target(program))
        if self._is_loaded(program):
            ask("launchctl", "kickstart", self._target(program))  # if it does not run
        else:
            have("launchctl", "bootstrap", self._session, str(self._path(program)))

    def take(self, program: Program) -> None:
        """Stop and unload it, and delete its file."""
        self._unload(program)
        self._path(program).unlink(missing_ok=True)

    def start_with(self, program: Program) -> str:
        """Give the command."""
        return f"launchctl kickstart {self._target(program)}"

    def notes(self) -> list[str]:
        """Say when it ends."""
        return ["it ends when you log out"]

    def _path(self, program: Program) -> Path:
        return self._agents / f"{program.name}.plist"

    def _target(self, program: Program) -> str:
        return f"{self._session}/{program.name}"

    def _is_loaded(self, program: Program) -> bool:
        return ask("launchctl", "print", self._target(program)).code == 0

    def _unload(self, program: Program) -> None:
        """Unload it, and wait: launchd answers before it is done."""
        if not self._is_loaded(program):
            return
        have("launchctl", "bootout", self._target(program))
        end = time.monotonic() + _GONE_S
        while self._is_loaded(program) and time.monotonic() < end:
            threading.Event().wait(_PAUSE_S)
