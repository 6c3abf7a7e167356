"""Every fault there is, by name, and how often a run draws it."""

import errno
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from faults import kills, troubles
from faults.hosts import Manner, Moment
from faults.library import Call
from faults.scene import Scene

Act = Callable[[Scene, Random], Awaitable[None]]

FULL_FLOOD, SHORT_FLOOD = 10_000, 200
_RUN_OF_FULL_FLOOD = 1000  # cycles: shorter runs have short floods only


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        name: For people and for `by_fault`.
        act: What it does.
        weight: How often it is drawn, against the others.
        at_most: In how many of a run's cycles, as a share; 1.0 is no limit.
    """

    name: str
    act: Act
    weight: float
    at_most: float = 1.0


def catalogue(*, can_fail_connector: bool) -> list[Fault]:
    """List the faults that can be raised here."""
    faults = [*_kills(), *_hosts(), *_disks(), *_others()]
    return [*faults, *_connector()] if can_fail_connector else faults


def _kills() -> Iterator[Fault]:
    yield Fault("daemon killed at any moment", kills.kill_daemon, 6)
    yield Fault("daemon asked to end", kills.stop_daemon, 2)
    yield Fault("daemon asked to end at start", kills.stop_daemon_at_start, 1)
    for point in kills.AT_WORK:
        yield Fault(f"daemon killed {point}", partial(kills.kill_daemon_at, point), 2)
    for point in kills.AT_START:
        act = partial(kills.kill_daemon_at_start, point)
        yield Fault(f"daemon killed at start {point}", act, 0.5)
    for point in kills.AT_STOP:
        act = partial(kills.kill_daemon_at_stop, point)
        yield Fault(f"daemon killed at end {point}", act, 0.5)
    yield Fault("power lost at any moment", kills.lose_power, 4)
    for point in kills.AT_WORK:
        yield Fault(f"power lost {point}", partial(kills.lose_power_at, point), 1)
    yield Fault("shim killed at any moment", kills.kill_shim, 3)
    for point in kills.IN_SHIM:
        yield Fault(f"shim killed {point}", partial(kills.kill_shim_at, point), 1)


def _hosts() -> Iterator[Fault]:
    for moment in Moment:
        name = moment.name.lower().replace("_", " ")
        yield Fault(f"host ends {name}", partial(kills.end_host_at, moment), 1.5)
    yield Fault("host without push", partial(troubles.use_host, Manner.POLL), 1)
    yield Fault("host that never acks", partial(troubles.use_host, Manner.MUTE), 2)
    yield Fault("two hosts", troubles.use_two_hosts, 3)


def _disks() -> Iterator[Fault]:
    whole: Mapping[str, tuple[Call, int]] = {
        "ENOSPC": (Call.WRITE, errno.ENOSPC),
        "EIO": (Call.WRITE, errno.EIO),
        "failed sync": (Call.SYNC, errno.EIO),
        "read-only disk": (Call.WRITE | Call.OPEN, errno.EROFS),
    }
    for name, (call, error) in whole.items():
        yield Fault(name, partial(troubles.fail_disk, call, error), 1)
        yield Fault(f"{name} at work", partial(troubles.fail_disk_at_work, call, error), 1)
    yield Fault("failed sync, then power lost", troubles.fail_sync_and_lose_power, 2)
    yield Fault("read-only disk at start", troubles.start_without_a_disk, 1)


def _others() -> Iterator[Fault]:
    for seconds in troubles.CLOCK_JUMPS_S:
        yield Fault(f"clock {seconds:+.0f} s", partial(troubles.jump_clock, seconds), 0.5)
    yield Fault("daemon frozen past patience", troubles.freeze_daemon, 2, at_most=1 / 50)
    yield Fault("two daemons", troubles.start_second_daemon, 1.5)
    yield Fault("poison", troubles.poison, 2)
    yield Fault("repeated", troubles.repeat, 2)
    yield Fault("repeated after restart", troubles.repeat_after_restart, 1.5)
    yield Fault("flood", partial(troubles.flood, SHORT_FLOOD), 1)


def _connector() -> Iterator[Fault]:
    for name, fault in troubles.CONNECTOR_FAULTS.items():
        yield Fault(f"connector {name}", partial(troubles.fail_connector, fault), 1)


def deal(faults: list[Fault], cycles: int, chance: Random) -> list[Fault]:
    """Choose the fault of each of *cycles* cycles: each by its weight, all of them if they fit."""
    total = sum(fault.weight for fault in faults)
    wanted = {fault: fault.weight / total * cycles for fault in faults}
    limits = {fault: int(fault.at_most * cycles) for fault in faults}
    dealt = [fault for fault in faults for _ in range(min(int(wanted[fault]), limits[fault]))]
    # What is left goes to the largest remainders; those that chance puts first where equal.
    rest = [fault for fault in faults if dealt.count(fault) < limits[fault]]
    chance.shuffle(rest)
    rest = rest or faults
    rest.sort(key=lambda fault: (fault in dealt, -(wanted[fault] % 1)))
    while len(dealt) < cycles:
        dealt += rest[: cycles - len(dealt)]
    chance.shuffle(dealt)
    if cycles >= _RUN_OF_FULL_FLOOD:
        full = Fault("flood", partial(troubles.flood, FULL_FLOOD), 0)
        dealt[next(n for n, fault in enumerate(dealt) if fault.name == full.name)] = full
    return dealt
