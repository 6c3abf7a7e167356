"""A clock that nobody can set while we run."""

from collections.abc import Callable


class Steady:
    """Seconds since the epoch, as the machine believed at the start, and monotonic from there.

    What ends after some time must not end an hour early or late because somebody set the
    machine's clock meanwhile.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        """Look at *wall* once, and at *monotonic* from then on."""
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def __call__(self) -> float:
        """Tell the time."""
        return self._offset + self._monotonic()
