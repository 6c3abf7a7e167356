"""What every bench says: progress for people on stderr, figures as one line on stdout."""

import asyncio
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

Figures = dict[str, Any]


def say(words: str) -> None:
    sys.stderr.write(f"bench: {words}\n")
    sys.stderr.flush()


def quantile_ms(seconds: list[float], quantile: float) -> float:
    """The *quantile* of *seconds*, in milliseconds."""
    ranked = sorted(seconds)
    return round(ranked[min(len(ranked) - 1, int(quantile * len(ranked)))] * 1e3, 3)


def run(measure: Callable[[], Coroutine[Any, Any, Mapping[str, object]]]) -> None:
    """Run *measure* on the loop that the daemon takes, and print its figures."""
    say(f"the machine's load is {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        figures = runner.run(measure())
    sys.stdout.write(json.dumps(figures) + "\n")


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed, as the daemon does; None is asyncio's own loop."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    loop: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return loop
