"""Faults that end nothing: a full or broken disk, a wrong clock, odd hosts, odd messages."""

import asyncio
import errno
import signal
from collections.abc import Mapping, Sequence
from random import Random

from faults.hosts import Host, Manner
from faults.ledger import Message, Wrong
from faults.library import Call
from faults.scene import Scene
from faults.teams import ACCEPTED, Place

CLOCK_JUMPS_S = (90.0, 660.0, 86_400.0, -90.0, -660.0, -86_400.0)
CONNECTOR_FAULTS: Mapping[str, Mapping[str, object]] = {
    "500 before": {"status": 500},
    "500 after": {"status": 500, "after": True},
    "429": {"status": 429, "retry_after": 0},
    "cut before": {"before": True},
    "cut after": {"after": True},
}
_UNAVAILABLE = 503
_CALM_S = 3.0
_FLOOD_CALLERS = 16
_MOMENT_S = 0.15  # within it a few messages come and are answered
_WATCHED_S = 10.0  # a message beside a flood is handed over and answered within it

# What no model of the SDK takes, and what is merely odd.
_POISON: Sequence[dict[str, object]] = (
    {"attachments": "not a list"},
    {"attachments": [{"contentType": 7}]},
    {"entities": {"type": "mention"}},
    {"timestamp": "the day before yesterday"},
    {"text": 42},
    {"from": "somebody"},
    {"channelData": [1, 2]},
    {"type": "unheardOf"},
    {"recipient": {"id": 5}},
)


async def fail_disk(call: Call, error: int, scene: Scene, chance: Random) -> None:
    """Let the inbox's files fail for a while: no 202 meanwhile, and all is well afterwards."""
    await _quiet(scene, chance)
    scene.library.fail(call, error)
    places = scene.teams.pick(chance, 2)
    refused = await asyncio.gather(*map(scene.teams.say, places))
    if any(message.is_kept for message in refused):
        scene.ledger.blame(Wrong.OTHER, f"202 on a disk that fails: {refused[0]}")
    status = await scene.teams.post_once(scene.teams.compose(places[0], "m0"))
    if status != _UNAVAILABLE:
        scene.ledger.blame(Wrong.OTHER, f"{status} on a disk that fails")
    if not scene.library.mend():
        scene.misses.append("disk fails")
    await _works_again(scene)


async def fail_disk_at_work(call: Call, error: int, scene: Scene, chance: Random) -> None:
    """Let a few of the inbox's writes fail in the middle of work."""
    scene.library.fail(call, error, skip=chance.randrange(12), times=chance.randint(1, 4))
    await scene.calm(await scene.talk(chance, at_least=2))
    if not scene.library.mend():
        scene.misses.append("disk fails at work")
    await _works_again(scene)


async def fail_sync_and_lose_power(scene: Scene, chance: Random) -> None:
    """Let syncs fail and then the power go: what was refused may be gone, nothing else."""
    scene.library.fail(Call.SYNC, errno.EIO, skip=chance.randrange(8), times=chance.randint(1, 8))
    talking = asyncio.ensure_future(scene.talk(chance, at_least=2))
    await scene.until(talking.done, _CALM_S)
    scene.library.cut_power()
    await scene.daemon.kill()
    await talking
    scene.library.mend()
    await scene.lose_power(chance, chance.choice((0.0, 0.5)))


async def start_without_a_disk(scene: Scene, chance: Random) -> None:
    """Start a daemon on a disk that cannot be written, then on one that can."""
    await scene.dismiss_all()
    await scene.daemon.kill()
    scene.library.fail(Call.WRITE | Call.OPEN, errno.EROFS)
    code, _ = await scene.daemon.second()
    scene.library.mend()
    if code == 0:
        scene.ledger.blame(Wrong.OTHER, "a daemon started and ended well on a read-only disk")
    await scene.heal(chance)
    await scene.calm(await scene.talk(chance))


async def jump_clock(seconds: float, scene: Scene, chance: Random) -> None:
    """Set the wall clock off in the middle of work, and right again."""
    talking = asyncio.ensure_future(scene.talk(chance, at_least=2))
    await asyncio.sleep(chance.random() * 0.1)
    scene.library.shift_clock(seconds)
    said = await talking
    said += await scene.talk(chance)
    await scene.calm(said)
    scene.library.shift_clock(0)
    await scene.calm(await scene.talk(chance))


async def freeze_daemon(scene: Scene, chance: Random) -> None:
    """Stop the daemon past the channel's patience, then let it go on."""
    await _quiet(scene, chance)
    place = scene.teams.places[0]
    scene.daemon.signal(signal.SIGSTOP)
    late = await scene.teams.say(place, through_channel=True)
    scene.daemon.signal(signal.SIGCONT)
    if late.is_kept:
        scene.ledger.blame(Wrong.OTHER, f"202 from a daemon that stood still: {late}")
    await scene.calm([late, *await scene.talk(chance)])


async def start_second_daemon(scene: Scene, chance: Random) -> None:
    """Start another daemon beside the first: it must refuse, the first must not notice."""
    before = scene.daemon.pid
    (code, said), messages = await asyncio.gather(scene.daemon.second(), scene.talk(chance))
    if code != 1 or "already serves this profile" not in said:
        scene.ledger.blame(Wrong.OTHER, f"a second daemon ended with {code}")
    await scene.calm(messages)
    if not scene.daemon.is_up() or scene.daemon.pid != before:
        scene.ledger.blame(Wrong.OTHER, "a second daemon ended the first")


async def use_host(manner: Manner, scene: Scene, chance: Random) -> None:
    """Work with one host of that *manner*, in place of the others."""
    await scene.dismiss_all()
    host = await scene.hire(manner, chance)
    await scene.ready(host)
    said = await scene.talk(chance, at_least=2)
    if manner is Manner.MUTE:
        await scene.until(lambda: any(message.handed for message in said), _CALM_S)
        await scene.dismiss(host, chance.choice((Host.leave, Host.kill_shim)))
    else:
        await scene.calm(said)


async def use_two_hosts(scene: Scene, chance: Random) -> None:
    """Work with two hosts at once; everything goes over to the new one, and one of them dies."""
    other = await scene.hire(chance.choice((Manner.PUSH, Manner.POLL)), chance)
    await scene.ready(other)
    talking = asyncio.ensure_future(scene.talk(chance, at_least=2))
    await asyncio.sleep(chance.random() * _MOMENT_S)
    await other.take_over()
    said = await talking
    going = chance.choice(scene.hosts)
    await scene.dismiss(going, chance.choice((Host.leave, Host.kill_shim)))
    await scene.calm(said)


async def poison(scene: Scene, chance: Random) -> None:
    """Write what cannot be read between messages that can, in one conversation."""
    places = scene.teams.pick(chance, 2)
    said: list[Message] = []
    for place in places:
        said.append(await scene.teams.say(place))
        bad = await scene.teams.poison(place, **chance.choice(_POISON))
        if not bad.is_kept:
            scene.ledger.blame(Wrong.OTHER, f"an odd activity was not answered 202: {bad}")
        said.append(await scene.teams.say(place))
    await scene.calm(said)


async def repeat(scene: Scene, chance: Random) -> None:
    """Deliver messages again, at once and after their answers."""
    said = [m for m in await scene.talk(chance, at_least=2) if scene.teams.can_repeat(m)]
    await asyncio.gather(*map(scene.teams.again, said[: len(said) // 2]))
    await scene.calm(said)
    await _repeat_old(scene, chance)


async def repeat_after_restart(scene: Scene, chance: Random) -> None:
    """Deliver messages again to a daemon that was not there for their first time."""
    await scene.calm(await scene.talk(chance, at_least=2))
    await scene.daemon.kill()
    await scene.heal(chance)
    await _repeat_old(scene, chance)


async def _repeat_old(scene: Scene, chance: Random) -> None:
    known = [m for m in scene.ledger.messages.values() if scene.teams.can_repeat(m)]
    old = chance.sample(known, min(3, len(known)))
    statuses = await asyncio.gather(*map(scene.teams.again, old))
    for message, status in zip(old, statuses, strict=True):
        message.is_kept |= status == ACCEPTED
    await scene.calm(await scene.talk(chance))


async def flood(number: int, scene: Scene, chance: Random) -> None:
    """Write *number* messages in one conversation while another one must not wait."""
    stormy, watched = scene.teams.fresh_place(), scene.teams.fresh_place()
    left = iter(range(number))
    scene.teams.places[-2:] = [stormy, watched]

    async def caller() -> None:
        for _ in left:
            await scene.teams.say(stormy)

    storm = asyncio.gather(*(caller() for _ in range(_FLOOD_CALLERS)))
    while not storm.done():
        message = await scene.teams.say(watched)
        if not await scene.calm([message], _WATCHED_S):
            scene.ledger.blame(Wrong.OTHER, f"had to wait beside a flood: {message}")
    await storm
    await scene.calm(await scene.talk(chance))


async def fail_connector(fault: Mapping[str, object], scene: Scene, chance: Random) -> None:
    """Let the connector refuse, or break off, before or after it has the answer."""
    await scene.teams.fail_connector({**fault, "times": chance.randint(1, 3)})
    await scene.calm(await scene.talk(chance, at_least=2))
    await scene.teams.fail_connector(None)


async def _quiet(scene: Scene, chance: Random) -> None:
    """Let everything that can be answered be answered, so that nothing else writes."""
    await scene.calm(await scene.talk(chance))


async def _works_again(scene: Scene) -> None:
    """Hold the daemon to working without a restart once the trouble is over."""
    place: Place = scene.teams.fresh_place()
    message = await scene.teams.say(place)
    if not message.is_kept:
        scene.ledger.blame(Wrong.OTHER, f"not kept though the disk is well again: {message}")
        await scene.daemon.kill()
    elif not await scene.calm([message], _CALM_S):
        scene.ledger.blame(Wrong.OTHER, f"not answered though the disk is well again: {message}")
