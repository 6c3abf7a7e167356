"""Faults that end a process: the daemon, a shim, a host, or the power of them all."""

import asyncio
import signal
from random import Random

from faults.daemon import has_ended
from faults.hosts import Doom, Host, Manner
from faults.hosts import Moment as HostMoment
from faults.ledger import Wrong
from faults.library import Kind, Moment, Point
from faults.scene import Scene

# Every commit passes the first four, every message and every answer the others.
AT_WORK = (
    Point(Kind.WAL, Moment.BEFORE_WRITE),
    Point(Kind.WAL, Moment.AFTER_WRITE),
    Point(Kind.WAL, Moment.BEFORE_SYNC),
    Point(Kind.WAL, Moment.AFTER_SYNC),
    Point(Kind.WEBHOOK, Moment.AFTER_READ),
    Point(Kind.WEBHOOK, Moment.BEFORE_WRITE),
    Point(Kind.WEBHOOK, Moment.AFTER_WRITE),
    Point(Kind.LOCAL, Moment.AFTER_READ),
    Point(Kind.LOCAL, Moment.BEFORE_WRITE),
    Point(Kind.LOCAL, Moment.AFTER_WRITE),
    Point(Kind.CONNECTOR, Moment.BEFORE_WRITE),
    Point(Kind.CONNECTOR, Moment.AFTER_WRITE),
    Point(Kind.CONNECTOR, Moment.AFTER_READ),
)
AT_START = (
    Point(Kind.WAL, Moment.BEFORE_SYNC),
    Point(Kind.WAL, Moment.AFTER_SYNC),
    Point(Kind.LOGIN, Moment.BEFORE_WRITE),
    Point(Kind.LOGIN, Moment.AFTER_READ),
    Point(Kind.GRAPH, Moment.BEFORE_WRITE),
    Point(Kind.GRAPH, Moment.AFTER_READ),
)
# The last connection to close copies the WAL into the database.
AT_STOP = (
    Point(Kind.DB, Moment.BEFORE_WRITE),
    Point(Kind.DB, Moment.AFTER_WRITE),
    Point(Kind.DB, Moment.BEFORE_SYNC),
    Point(Kind.DB, Moment.AFTER_SYNC),
)
IN_SHIM = (
    Point(Kind.SHIM, Moment.BEFORE_WRITE),
    Point(Kind.SHIM, Moment.AFTER_WRITE),
    Point(Kind.SHIM, Moment.AFTER_READ),
)
_MANY = 12  # writes and syncs that a few messages and their answers come to
_FEW = 3
_MOMENT_S = 0.15  # within it a few messages come and are answered
_STOP_S = 20.0


def _nth(chance: Random, point: Point) -> int:
    return chance.randint(1, _MANY if point.kind is Kind.WAL else _FEW)


async def kill_daemon_at(point: Point, scene: Scene, chance: Random) -> None:
    """Kill the daemon at *point* while it works."""
    scene.library.arm(point, _nth(chance, point))
    await scene.die_at_point(_work(scene, chance), f"kill daemon {point}")


async def kill_daemon(scene: Scene, chance: Random) -> None:
    """Kill the daemon at any moment."""
    talking = asyncio.ensure_future(scene.talk(chance))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    await scene.daemon.kill()
    await talking


async def kill_daemon_at_start(point: Point, scene: Scene, chance: Random) -> None:
    """Kill the daemon, and the next one while it starts."""
    await _work(scene, chance)
    await scene.dismiss_all()  # a shim starts one daemon and then waits for it: not again
    await scene.daemon.kill()
    scene.library.arm(point)
    scene.daemon.start()
    await scene.until(lambda: scene.library.has_fired, _STOP_S)
    if scene.library.disarm():
        # It takes a moment to die, and must not be taken for the next one meanwhile.
        await scene.until(lambda: has_ended(scene.library.victim), _STOP_S)
    else:
        scene.misses.append(f"kill daemon at start {point}")
        await scene.serve()
        await scene.daemon.kill()


async def kill_daemon_at_stop(point: Point, scene: Scene, chance: Random) -> None:
    """Ask the daemon to end, and kill it while it does."""
    await _work(scene, chance)
    is_write = point.moment in {Moment.BEFORE_WRITE, Moment.AFTER_WRITE}
    scene.library.arm(point, chance.randint(1, _FEW) if is_write else 1)
    await _ask_to_end(scene)
    if not scene.library.disarm():
        scene.misses.append(f"kill daemon at stop {point}")


async def stop_daemon(scene: Scene, chance: Random) -> None:
    """Ask the daemon to end in the middle of its work."""
    talking = asyncio.ensure_future(scene.talk(chance))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    await _ask_to_end(scene)
    await talking


async def stop_daemon_at_start(scene: Scene, chance: Random) -> None:
    """Ask the daemon to end when it has just begun."""
    await scene.daemon.kill()
    await scene.serve()
    talking = asyncio.ensure_future(scene.talk(chance))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    await _ask_to_end(scene)
    await talking


async def lose_power_at(point: Point, scene: Scene, chance: Random) -> None:
    """Let the power go at *point*, and with it what was not synced."""
    keep = chance.choice((0.0, 0.5))
    nth = _nth(chance, point)
    talking = asyncio.ensure_future(_work(scene, chance))
    scene.library.arm(point, nth, takes_power=True)
    if not await scene.until(lambda: scene.library.has_fired, _FEW):
        scene.misses.append(f"lose power {point}")
    scene.library.disarm()
    scene.library.cut_power()
    await scene.daemon.kill()
    await talking
    await scene.lose_power(chance, keep)


async def lose_power(scene: Scene, chance: Random) -> None:
    """Let the power go at any moment."""
    talking = asyncio.ensure_future(scene.talk(chance))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    scene.library.cut_power()
    await scene.daemon.kill()
    await talking
    await scene.lose_power(chance, chance.choice((0.0, 0.5)))


async def kill_shim_at(point: Point, scene: Scene, chance: Random) -> None:
    """Kill a shim at *point*."""
    scene.library.arm(point, chance.randint(1, _FEW))
    await _work(scene, chance)
    if not scene.library.disarm():
        scene.misses.append(f"kill shim {point}")
    elif not await scene.until(lambda: not all(host.is_alive for host in scene.hosts), _FEW):
        scene.ledger.blame(Wrong.OTHER, "a shim was killed, and every host is well")


async def kill_shim(scene: Scene, chance: Random) -> None:
    """Kill a shim at any moment."""
    talking = asyncio.ensure_future(scene.talk(chance))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    chance.choice(scene.hosts).kill_shim()
    await talking


async def end_host_at(moment: HostMoment, scene: Scene, chance: Random) -> None:
    """End a host, or kill its shim, at *moment* of a turn."""
    host = next(host for host in scene.hosts if host.manner is not Manner.MUTE)
    host.doom = Doom(moment, chance.choice((Host.leave, Host.kill_shim)))
    await scene.talk(chance)
    if not await scene.until(lambda: not host.is_alive, _FEW):
        scene.misses.append(f"host ends {moment.name}")


async def _ask_to_end(scene: Scene) -> None:
    scene.daemon.signal(signal.SIGTERM)
    if not await scene.daemon.gone(_STOP_S):
        scene.ledger.blame(Wrong.OTHER, f"the daemon did not end in {_STOP_S:.0f} s")
        await scene.daemon.kill()


async def _work(scene: Scene, chance: Random) -> None:
    """Let people write, and hosts answer."""
    await scene.calm(await scene.talk(chance, at_least=2))
