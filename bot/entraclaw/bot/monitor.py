"""Say on stdout when Teams messages wait: a host's plugin starts this beside each session.

    python -I -S -c … FOLDER        FOLDER is the profile's home

Each line is an event that wakes the session; it says how many messages wait, and nothing
of them. Lines differ, because a host may drop one that it has just seen. It ends with the
host, finds a daemon that was started again, and starts none itself.
"""

import sys
from time import monotonic

from entraclaw.bot import beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_FIRST_S: "Final" = 0.25
_LONGEST_S: "Final" = 5.0


def main() -> int:
    """Ring for the profile that `sys.argv` names until the host ends; returns the exit code."""
    if len(sys.argv) != 2 or sys.platform == "win32":  # noqa: PLR2004 - the program and its one word
        return 0
    rung, pause = 0, _FIRST_S
    nothing = beside.Lines(None)
    while not nothing.is_over:
        began = monotonic()
        rung += _listen(sys.argv[1], rung)
        # A daemon that takes us and hangs up is called less and less often, too.
        pause = _FIRST_S if monotonic() - began > _LONGEST_S else min(pause * 2, _LONGEST_S)
        nothing.wait(pause)
    return 0


def _listen(folder: str, rung: int) -> int:
    """Pass on what one daemon says until it or the host ends; tells how often it rang."""
    connection = beside.connect(folder, "ring", "waker=monitor")
    if connection is None:
        return 0
    times = 0
    with connection:
        lines = beside.Lines(connection)
        while (line := lines.next()) is not None:
            waiting = beside.waiting(line)
            if waiting:
                times += 1
                _say(beside.doorbell(waiting), rung + times)
    return times


def _say(words: str, number: int) -> None:
    sys.stdout.write(f"{words} [{number}]\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
