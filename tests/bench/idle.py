"""How often a daemon wakes that has nothing to do: `python -m bench.idle`.

One daemon, one shim attached whose host is silent. Every return of a call in which a
thread sleeps is a wake-up, whichever thread it is and whatever woke it.
"""

import asyncio

from bench.meters import NOT_MEASURED, wakeups
from bench.report import Figures, run, say
from bench.scene import daemon, opened, profile
from bench.sizes import size
from scenarios.processes import raw_host

SETTLED_S = size(20, 5)  # connections that nobody uses are closed by then
WATCHED_S = size(60, 10)


async def measure() -> Figures:
    async with (
        opened() as (emulation, folder),
        profile(emulation, folder / "idle") as stage,
        daemon(stage) as ours,
        raw_host(stage) as host,
    ):
        await host.shake_hands()
        await host.tool("read_messages")
        await asyncio.sleep(SETTLED_S)
        say(f"an idle daemon with an idle shim, {WATCHED_S} s")
        counted = await wakeups(ours.pid, WATCHED_S, folder / "wakeups")
    return {
        "idle_wakeups": NOT_MEASURED if counted is None else counted,
        "idle_watched_s": WATCHED_S,
    }


if __name__ == "__main__":
    run(measure)
