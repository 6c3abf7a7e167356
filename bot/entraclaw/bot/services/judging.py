"""What is at a service's place, judged: is it ours, for this profile, of this interpreter?

Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass

from entraclaw.bot.services.program import Program
from entraclaw.bot.services.tag import Written


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is in the way.

    Attributes:
        says: One sentence without a full stop.
        cure: What puts it right.
    """

    says: str
    cure: str


_AGAIN = "entraclaw --profile {profile} service install"


def owned(
    written: Written | None, wanted: Program, place: str, *, rewrites: bool
) -> Written | Trouble:
    """Give *written* back if it is ours, else why what is at *place* must be left as it is.

    Args:
        written: What it says of itself; None if it does not.
        wanted: What this profile would have there.
        place: Where it is.
        rewrites: Its manager gives texts back in other words.
    """
    if written is None:
        return Trouble(
            f"{place} was not written by entraclaw, and is left as it is",
            "move it away, or take a profile of another name",
        )
    theirs = written.program
    if not is_for(written, wanted):
        return Trouble(
            f"{place} is the service of the profile {theirs.profile} in {theirs.home}",
            f"take a profile of another name, or remove that one: ENTRACLAW_HOME={theirs.home} "
            f"entraclaw --profile {theirs.profile} service remove",
        )
    if not (written.is_intact or rewrites):
        return Trouble(
            f"{place} was changed after entraclaw wrote it, and is left as it is",
            "move it away, then run the same command again",
        )
    return written


def is_for(written: Written, wanted: Program) -> bool:
    """Tell whether it is for the same profile in the same home, whatever starts it."""
    theirs = written.program
    return (theirs.home, theirs.profile) == (wanted.home, wanted.profile)


def stale(written: Written, wanted: Program, is_there: Callable[[str], bool]) -> Trouble | None:
    """Say why a service of ours does not start what is wanted; None if it does.

    *is_there* tells whether an interpreter is where it was.
    """
    theirs = written.program.python
    again = _AGAIN.format(profile=wanted.profile)
    if not is_there(theirs):
        return Trouble(f"it starts {theirs}, which is gone", again)
    if theirs != wanted.python:
        return Trouble(f"it starts another interpreter than this one: {theirs}", again)
    return None
