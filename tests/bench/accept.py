"""The accept path beside the floor and beside the SDK's own echo host: `python -m bench.accept`.

Ours is the whole daemon as `entraclaw serve` starts it, against the sandbox. What it
admits goes through lanes, gate and SDK and waits for a host, while the next message comes
or when the daemon finds the time: `through` counts a message only once that is done. One
client, one run; rounds of the hosts alternate, so that what the machine does meanwhile
falls on all of them. Every phase begins with an empty inbox.

`door_…` is the same daemon with an agent that Entra does not let in, so that its gate
cannot judge and everything stays admitted: the accept path alone.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import handover, siege
from bench.load import Run
from bench.meters import NOT_MEASURED, can_trace, cpu_s, rss_mb, syncs
from bench.report import Figures, quantile_ms, run, say
from bench.scene import Host, daemon, floor, opened, profile, stock
from bench.sizes import size
from bot.stage import Stage

ROUNDS, REQUESTS = size(24, 3), size(200, 40)  # one caller
EIGHT_ROUNDS, EIGHT = size(10, 2), size(1_000, 200)  # eight callers: 10,000 messages
CALLERS, RATE_ROUNDS, RATE = (1, 8, 32, 64), size(3, 1), size(1_000, 200)
SYNCED = size(2_000, 300)
CALM = 1.5  # a round counts if the floor's median in it is at most this times its best one
SLOWER = 4  # the stock host gets this part of the messages, or it would take all the time


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs all the time, and the profiles of the daemons that do not."""

    folder: Path
    whole: Stage
    held: Stage
    floor: Host
    stock: Host


@asynccontextmanager
async def _scene() -> AsyncGenerator[Scene]:
    async with (
        opened() as (emulation, folder),
        profile(emulation, folder / "whole") as whole,
        profile(emulation, folder / "held") as held,
        floor(whole, folder) as least,
        stock(whole) as echo,
    ):
        await held.control("PUT", f"agents/{held.agent.user}", {"enabled": False})
        yield Scene(folder, whole, held, least, echo)


async def measure() -> Figures:
    async with _scene() as scene:
        return {
            **await _one(scene),
            **await _eight(scene),
            **await _rates(scene),
            **await siege.measure(scene.whole),
            **await handover.measure(scene.whole),
            **await _syncs(scene),
        }


async def _one(scene: Scene) -> Figures:
    """One caller: the median of each host, and ours over the floor's."""
    say(f"one caller, {ROUNDS} rounds of {REQUESTS}")
    # One conversation: its gate is tried again now and then, and once is little enough.
    async with daemon(scene.whole) as whole, daemon(scene.held, conversations=1) as door:
        hosts = {"floor": scene.floor, "accept": whole, "door": door, "stock": scene.stock}
        runs = await _alternate(hosts, ROUNDS, REQUESTS, 1)
    calm = _calm(runs["floor"])
    middle = {
        name: quantile_ms(_seconds([of[number] for number in calm]), 0.5)
        for name, of in runs.items()
    }
    return {
        "accept_p50_over_floor": round(middle["accept"] / middle["floor"], 3),
        "door_p50_over_floor": round(middle["door"] / middle["floor"], 3),
        **{f"{name}_p50_ms": value for name, value in middle.items()},
        "rounds": ROUNDS,
        "calm_rounds": len(calm),
    }


def _calm(floor: Sequence[Run]) -> list[int]:
    """Number the rounds in which the machine left the floor alone.

    A disk or a core that others keep busy makes all hosts slow alike, and the ratio of
    their medians means nothing: 8 ms beside 4 ms does not tell 0.7 ms from 0.5 ms.
    """
    middles = [quantile_ms(one.seconds, 0.5) for one in floor]
    return [number for number, middle in enumerate(middles) if middle <= CALM * min(middles)]


async def _eight(scene: Scene) -> Figures:
    """Eight callers: the tail, and what one activity costs with all that follows from it."""
    say(f"eight callers, {EIGHT_ROUNDS} rounds of {EIGHT}")
    async with daemon(scene.whole) as whole:
        hosts = {"floor": scene.floor, "accept": whole, "stock": scene.stock}
        spent = {name: cpu_s(host.pid) for name, host in hosts.items()}
        runs = await _alternate(hosts, EIGHT_ROUNDS, EIGHT, 8)
        cpu = {
            name: round((cpu_s(host.pid) - spent[name]) * 1e3 / len(_seconds(runs[name])), 3)
            for name, host in hosts.items()
        }
        memory = {name: rss_mb(host.pid) for name, host in hosts.items()}
    return {
        **{f"{name}_p99_ms": quantile_ms(_seconds(of), 0.99) for name, of in runs.items()},
        **{f"{name}_p999_ms": quantile_ms(_seconds(of), 0.999) for name, of in runs.items()},
        "n": len(_seconds(runs["accept"])),
        "cpu_ms_per_activity": cpu,
        "rss_mb": memory,
    }


async def _rates(scene: Scene) -> Figures:
    """Answers per second; `through` counts a message only when its turn is open."""
    rates: dict[str, dict[str, int]] = {}
    for callers in CALLERS:
        say(f"{callers} callers, {RATE_ROUNDS} rounds of {RATE}")
        async with daemon(scene.whole) as whole:
            hosts = {"floor": scene.floor, "accept": whole, "stock": scene.stock}
            runs = await _alternate(hosts, RATE_ROUNDS, RATE, callers)
        for name, of in runs.items():
            rps = median(len(one.seconds) / one.took for one in of)
            rates.setdefault(name, {})[str(callers)] = round(rps)
        through = median(len(one.seconds) / one.rested for one in runs["accept"])
        rates.setdefault("through", {})[str(callers)] = round(through)
    return {"rps": rates}


async def _syncs(scene: Scene) -> Figures:
    """Syncs a message, the accept path alone and with all that follows from it."""
    figures: Figures = {}
    for name, stage, conversations in (("", scene.held, 1), ("whole_", scene.whole, 64)):
        figures[f"{name}syncs_per_message"] = (
            await _syncs_of(scene.folder / f"syncs{name}", stage, conversations)
            if can_trace()
            else NOT_MEASURED
        )
    return figures


async def _syncs_of(trace: Path, stage: Stage, conversations: int) -> Mapping[str, float]:
    counted: dict[str, float] = {}
    for callers in (1, 64):
        say(f"syncs with {callers} callers, {SYNCED} messages")
        trace.unlink(missing_ok=True)
        async with daemon(stage, conversations=conversations, trace=trace) as host:
            before = syncs(trace)
            await host.post(SYNCED, callers)
            if conversations > 1:
                await host.rest()
            counted[str(callers)] = round((syncs(trace) - before) / SYNCED, 4)
    return counted


async def _alternate(
    hosts: Mapping[str, Host], rounds: int, number: int, callers: int
) -> dict[str, list[Run]]:
    """Let the hosts take turns; a daemon's lanes are empty before the next host's turn."""
    runs: dict[str, list[Run]] = {name: [] for name in hosts}
    for _ in range(rounds):
        for name, host in hosts.items():
            share = number // SLOWER if name == "stock" else number
            done = await host.post(share, callers)
            if name == "accept":
                await host.rest()
                done = done.until_now()
            runs[name].append(done)
    return runs


def _seconds(runs: Sequence[Run]) -> list[float]:
    return [second for one in runs for second in one.seconds]


if __name__ == "__main__":
    run(measure)
