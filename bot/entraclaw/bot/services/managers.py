"""What a service manager is to us, and how its own program and files are used."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from entraclaw.bot.services.judging import Trouble
from entraclaw.bot.services.program import Program
from entraclaw.errors import EntraclawError

PATIENCE_S = 60.0  # to stop a daemon may take 30


class Manager(Protocol):
    """One service manager of this user's."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def rewrites(self) -> bool:
        """Whether it gives a text back in other words than it was given."""
        ...

    def place(self, program: Program) -> str:
        """Say where the service of *program* is: a file, or a name."""
        ...

    def found(self, program: Program) -> str | None:
        """Read what is at its place; None if nothing is."""
        ...

    def unavailable(self) -> Trouble | None:
        """Say why it cannot be used here, or None if it can."""
        ...

    def render(self, program: Program) -> str:
        """Write the text of the service of *program*."""
        ...

    def put(self, program: Program, text: str) -> None:
        """Put *text* at its place, and have it run from now on.

        Raises:
            EntraclawError: The manager, or the disk, did not take it.
        """
        ...

    def keep(self, program: Program) -> None:
        """Have what is there already run from now on.

        Raises:
            EntraclawError: The manager did not.
        """
        ...

    def take(self, program: Program) -> None:
        """Stop it, and take it away.

        Raises:
            EntraclawError: The manager did not.
        """
        ...

    def start_with(self, program: Program) -> str:
        """Give the command that starts it by hand."""
        ...

    def notes(self) -> list[str]:
        """Say what a person should know of services here."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program left: its exit code, and what it said."""

    code: int
    said: str


def ask(*words: str, encoding: str = "utf-8") -> Answer:
    """Run a service manager's own program; one that is not there left 127.

    Raises:
        EntraclawError: It did not end in time.
    """
    try:
        ended = subprocess.run(  # noqa: S603 - constant programs, found as a person's shell finds them
            words,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            encoding=encoding,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )
    except OSError as error:
        return Answer(127, str(error.strerror))
    except subprocess.TimeoutExpired:
        raise EntraclawError(
            f"{words[0]} did not answer in {PATIENCE_S:.0f} s", hint=f"try it: {' '.join(words)}"
        ) from None
    return Answer(ended.returncode, ended.stderr if ended.returncode else ended.stdout)


def have(*words: str, encoding: str = "utf-8") -> str:
    """Run it, and insist that it ends well; gives what it said.

    Raises:
        EntraclawError: It did not.
    """
    answer = ask(*words, encoding=encoding)
    if answer.code:
        raise EntraclawError(
            f"`{' '.join(words)}` ended with {answer.code}: {first_line(answer.said)}",
            hint="put that right, and run the same command again",
        )
    return answer.said


def read(path: Path) -> str | None:
    """Read a service's file; None if there is none, and nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return ""


def write(path: Path, text: str) -> None:
    """Write a service's file in one step.

    Raises:
        EntraclawError: The disk does not take it.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise EntraclawError(
            f"{path} cannot be written ({error.strerror})", hint="nothing was changed"
        ) from None


def first_line(text: str) -> str:
    """Give the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")
