"""Talk to the Task Scheduler, of Windows. Written to Microsoft's documents; nobody has run it."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from xml.sax.saxutils import unescape

from entraclaw.bot.services import task
from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.managers import ask, have
from entraclaw.bot.services.program import Program

# What its program says is in the code page of a console.
_CONSOLE = "oem" if sys.platform == "win32" else "utf-8"


class Scheduler:
    """The tasks of this user."""

    name = "Task Scheduler"
    rewrites = True

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Make tasks for the user that *environ* names."""
        names = (environ.get("USERDOMAIN", ""), environ.get("USERNAME", ""))
        self._user = "\\".join(name for name in names if name)

    def place(self, program: Program) -> str:
        r"""Name the task, as ``\name``."""
        return f"\\{program.name}"

    def found(self, program: Program) -> str | None:
        """Read the task; None where there is none, or it cannot be asked."""
        answer = ask("schtasks", "/Query", "/TN", self.place(program), "/XML", encoding=_CONSOLE)
        return unescape(answer.said, {"&quot;": '"'}) if answer.code == 0 else None

    def unavailable(self) -> Trouble | None:
        """Say whether its program is there."""
        if ask("schtasks", "/Query", "/?", encoding=_CONSOLE).code == 0:
            return None
        return Trouble("schtasks cannot be run", "start `entraclaw serve` by hand")

    def render(self, program: Program) -> str:
        """Write the task, for an interpreter that opens no window where there is one."""
        return task.render(program, self._user)

    def put(self, program: Program, text: str) -> None:
        """Register it, and start it anew if it runs."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "task.xml")
            file.write_text(text, encoding="utf-16")
            create = ("schtasks", "/Create", "/TN", self.place(program), "/XML", str(file), "/F")
            have(*create, encoding=_CONSOLE)
        self._end(program)
        self.keep(program)

    def keep(self, program: Program) -> None:
        """Start it; one that runs is not started twice."""
        have("schtasks", "/Run", "/TN", self.place(program), encoding=_CONSOLE)

    def take(self, program: Program) -> None:
        """End it, and delete it."""
        self._end(program)
        have("schtasks", "/Delete", "/TN", self.place(program), "/F", encoding=_CONSOLE)

    def start_with(self, program: Program) -> str:
        """Give the command."""
        return f"schtasks /Run /TN {self.place(program)}"

    def notes(self) -> list[str]:
        """Say when it ends."""
        return ["it ends when you log out"]

    def _end(self, program: Program) -> None:
        ask("schtasks", "/End", "/TN", self.place(program), encoding=_CONSOLE)  # if it runs


def windowless(python: str) -> str:
    """Name the interpreter beside *python* that opens no window."""
    path = PureWindowsPath(python)
    return str(path.with_name("pythonw.exe")) if path.name.lower() == "python.exe" else python
