"""What a service starts: this interpreter, for one profile; and the words that say so.

Pure.
"""

from dataclasses import dataclass
from pathlib import PurePath

MODULE = "entraclaw.bot.services.keeper"


@dataclass(frozen=True, slots=True)
class Program:
    """The daemon of one profile, under one interpreter.

    Attributes:
        python: The interpreter that has entraclaw.
        home: The folder that holds all profiles.
        profile: The profile's name.
    """

    python: str
    home: str
    profile: str

    @property
    def name(self) -> str:
        """What a service manager knows it by."""
        return f"entraclaw-{self.profile}"

    @property
    def words(self) -> tuple[str, ...]:
        """The command that keeps it running."""
        # -P: the folder it is started in must not be where we import from.
        return (self.python, "-P", "-m", MODULE, self.home, self.profile)

    @property
    def folder(self) -> PurePath:
        """The profile's own folder."""
        return PurePath(self.home) / self.profile

    @property
    def log(self) -> str:
        """The file that takes what is said before the daemon's own log is open."""
        return str(self.folder / "logs" / "service.log")

    @property
    def unwritable(self) -> str:
        """Name the path that no service can be given; empty if there is none.

        A line break would begin another setting, and half a character is none.
        """
        return next((ascii(one) for one in (self.python, self.home) if not one.isprintable()), "")
