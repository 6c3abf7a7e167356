"""What a long inbox costs: `python -m bench.backlog`.

A million done rows: one caller's median over an empty inbox's. A hundred thousand waiting
rows: a daemon's start, from its spawn to its status, over an empty start. The rows are
real ones, messages sent and answered, copied in the file.
"""

import asyncio
import time
from collections.abc import Mapping
from statistics import median

from bench.handover import take, travel
from bench.multiply import multiply
from bench.report import Figures, quantile_ms, run, say
from bench.scene import SERVE, WARMING, Host, answer, daemon, opened, profile
from bench.sizes import size
from bot.stage import Stage
from entraclaw.bot.children import child
from scenarios.processes import host as attached

SEEDS = 100
DONE, WAITING = size(1_000_000, 10_000), size(100_000, 5_000)
ROUNDS, REQUESTS = size(20, 3), size(200, 40)
STARTS = size(11, 3)


async def measure() -> Figures:
    async with (
        opened() as (emulation, folder),
        profile(emulation, folder / "empty") as empty,
        profile(emulation, folder / "done") as done,
        profile(emulation, folder / "waiting") as waiting,
    ):
        await _fill(done, DONE, is_answered=True)
        await _fill(waiting, WAITING, is_answered=False)
        return {**await _accept(empty, done), **await _starts(empty, waiting)}


async def _fill(stage: Stage, rows: int, *, is_answered: bool) -> None:
    say(f"making {rows} rows that are {'done' if is_answered else 'waiting'}")
    async with daemon(stage, conversations=0 if is_answered else 64) as ours:
        if is_answered:
            async with attached(stage) as host:
                await take(host, WARMING)
                for number in range(SEEDS - WARMING):
                    await travel(ours, host, f"message {number}")
        else:
            await ours.post(SEEDS - WARMING, 8)
            await ours.rest()
    await asyncio.to_thread(multiply, stage.folder / "inbox.db", rows // SEEDS)


async def _accept(empty: Stage, done: Stage) -> Figures:
    say(f"one caller, {ROUNDS} rounds of {REQUESTS}, beside {DONE} done rows and beside none")
    async with daemon(empty) as short, daemon(done, keep=True) as long:
        hosts = {"empty": short, "long": long}
        seconds = await _alternate(hosts)
    middle = {name: quantile_ms(of, 0.5) for name, of in seconds.items()}
    return {
        "done_rows": DONE,
        "backlog_accept_ratio": round(middle["long"] / middle["empty"], 3),
        "backlog_accept_p50_ms": middle["long"],
        "empty_accept_p50_ms": middle["empty"],
    }


async def _alternate(hosts: Mapping[str, Host]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in hosts}
    for _ in range(ROUNDS):
        for name, host in hosts.items():
            seconds[name] += (await host.post(REQUESTS, 1)).seconds
            await host.rest()
    return seconds


async def _starts(empty: Stage, waiting: Stage) -> Figures:
    say(f"{STARTS} starts beside {WAITING} waiting rows and beside none")
    for left in empty.folder.glob("inbox.db*"):
        left.unlink()
    took: dict[str, list[float]] = {"empty": [], "long": []}
    for _ in range(STARTS):
        took["empty"].append(await _start(empty))
        took["long"].append(await _start(waiting))
    middle = {name: median(values) * 1e3 for name, values in took.items()}
    return {
        "waiting_rows": WAITING,
        "backlog_start_ratio": round(middle["long"] / middle["empty"], 3),
        "backlog_start_ms": round(middle["long"]),
        "empty_start_ms": round(middle["empty"]),
    }


async def _start(stage: Stage) -> float:
    """Start the daemon and end it again; seconds from its spawn to its status."""
    began = time.perf_counter()
    async with child("the daemon", SERVE, stage.environ, speaks=False):
        await answer(stage.folder)
        return time.perf_counter() - began


if __name__ == "__main__":
    run(measure)
