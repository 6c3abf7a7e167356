"""How long what goes out is waited for, and when it is looked for afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass

REQUEST_S = 30.0  # no request to Teams lasts longer
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, all of them.

    Attributes:
        request_s: The longest that one request to Teams may take.
        connect_s: The longest that it may wait for its connection.
        first_s: After a request was cut off: a service that is alive shows it by then.
        absent_s: What is not there by then never will be; longer than `request_s`.
        pause_s: Between looks that found nothing out; each pause is twice the one before.
        stale_s: What is older than this is not sent any more without a person.
    """

    request_s: float = REQUEST_S
    connect_s: float = 10.0
    first_s: float = 2.0
    absent_s: float = REQUEST_S + 10.0
    pause_s: float = 10.0
    stale_s: float = 3600.0

    def pauses(self) -> Iterator[float]:
        """Give the pauses between looks, for ever."""
        yield self.first_s
        yield self.absent_s - self.first_s
        pause = self.pause_s
        while True:
            yield pause
            pause = min(2 * pause, _LONGEST_PAUSE_S)
