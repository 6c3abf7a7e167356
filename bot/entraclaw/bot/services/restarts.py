"""Whether and when a daemon that ended is started again. Pure."""

from dataclasses import dataclass

WRONG_SETTINGS = 2  # `entraclaw`'s exit code for what only a person puts right
LONGEST_S = 300.0
STEADY_S = 600.0  # after so long it ran well, and what ended it is a new trouble


@dataclass(frozen=True, slots=True)
class Next:
    """What follows an end.

    Attributes:
        pause_s: How long to wait before the next start; None is to leave it.
        failures: How many in a row there were.
    """

    pause_s: float | None
    failures: int


def after(code: int, ran_s: float, failures: int) -> Next:
    """Decide after an end with *code*, after *ran_s*, which *failures* in a row came before.

    Each pause is twice the one before, from one second to `LONGEST_S`. Whoever ends with 0 was
    told to.
    """
    if code in {0, WRONG_SETTINGS}:
        return Next(None, 0)
    row = 1 if ran_s >= STEADY_S else failures + 1
    return Next(min(2.0 ** min(row - 1, 16), LONGEST_S), row)
