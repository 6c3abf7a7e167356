"""Run the cycles: set the scene, deal the faults, raise each, heal, check, report."""

import asyncio
import os
import socket
import time
import tomllib
import traceback
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from bot.stage import Sandbox, Stage, staged
from faults.catalogue import Fault, catalogue, deal
from faults.daemon import Daemon
from faults.ledger import Cycle, Ledger, Wrong
from faults.library import Kind, Library
from faults.plants import Plant, plant
from faults.report import Plan, Progress, Report
from faults.rows import Rows
from faults.scene import Scene
from faults.teams import Teams

_LANES = 2  # profiles side by side: one starts a daemon while the other is at work
_SETTLE_EVERY = 20  # cycles of one lane
_CYCLE_S = 900.0  # a full flood included; what takes longer hangs
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000  # below those that systems give to callers


async def run(plan: Plan, emulation: Sandbox, folder: Path, built: Path) -> Report:
    """Run *plan* with its files in *folder*."""
    report = Report(plan)
    progress = Progress(report)
    async with AsyncExitStack() as stack:
        lanes = [
            await stack.enter_async_context(_scene(emulation, folder / f"lane{number}", built))
            for number in range(min(_LANES, plan.cycles))
        ]
        report.ledgers = [scene.ledger for scene in lanes]
        known = catalogue(can_fail_connector=lanes[0].can_fail_connector)
        faults = [fault for fault in known if plan.only in fault.name]
        dealt = deal(faults, plan.cycles, Random(plan.seed))  # noqa: S311 - not a secret
        numbered = list(enumerate(dealt, 1))
        async with asyncio.TaskGroup() as group:
            for first, scene in enumerate(lanes):
                mine = numbered[first :: len(lanes)]
                group.create_task(_lane(scene, mine, report, progress))
        progress.end()
    return report


async def _lane(
    scene: Scene, faults: Sequence[tuple[int, Fault]], report: Report, progress: Progress
) -> None:
    """Raise one fault after the other on one profile."""
    plan = report.plan
    for turn, (number, fault) in enumerate(faults, 1):
        began = time.monotonic()
        settles = turn % _SETTLE_EVERY == 0
        if not await _goes_on(scene, _cycle(scene, Cycle(number, fault.name), fault, plan)):
            break
        report.by_fault[fault.name] += 1
        report.seconds[fault.name] += time.monotonic() - began
        if settles and not await _goes_on(scene, _settle(scene, plan, hurry=True)):
            break
        progress.tell(fault.name)
    else:
        scene.ledger.cycle = Cycle(plan.cycles, "end")
        await _goes_on(scene, _settle(scene, plan, hurry=False))
    report.misses += scene.misses


async def _goes_on(scene: Scene, work: Coroutine[None, None, None]) -> bool:
    """Do a piece of work; False if the lane cannot go on after it."""
    try:
        async with asyncio.timeout(_CYCLE_S):
            await work
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and ends this lane
        traceback.print_exc()
        scene.ledger.blame(Wrong.OTHER, f"the lane ended early: {error!r}")
        return False
    return True


async def _cycle(scene: Scene, cycle: Cycle, fault: Fault, plan: Plan) -> None:
    """Raise one fault, heal and look."""
    scene.ledger.cycle = cycle
    chance = Random(f"{plan.seed}:{cycle.number}")  # noqa: S311 - not a secret
    plant(plan.plant, scene.library, scene.daemon.folder / "inbox.db")
    await fault.act(scene, chance)
    await scene.heal(chance)
    await scene.check()


async def _settle(scene: Scene, plan: Plan, *, hurry: bool) -> None:
    """Wait until nothing is open; what was made to vanish never is closed."""
    if plan.plant in {Plant.NONE, Plant.AGAIN}:
        await scene.settle(Random(plan.seed), hurry=hurry)  # noqa: S311 - not a secret


@asynccontextmanager
async def _scene(emulation: Sandbox, folder: Path, built: Path) -> AsyncGenerator[Scene]:
    """Hire an agent, start its daemon and a first host; end them all afterwards."""
    folder.mkdir()
    library, ledger = Library(built, folder), Ledger()
    async with staged(emulation, folder / "home") as stage:
        port = _free_port()
        _set_port(stage, port)
        library.name_ports({**_ports(emulation.cloud), Kind.WEBHOOK: port})
        environ = {**_plain_environ(), "ENTRACLAW_HOME": str(stage.home), **library.environ}
        teams = Teams(stage, ledger, f"http://127.0.0.1:{port}")
        await teams.open()
        scene = Scene(
            library,
            teams,
            Daemon(stage.folder, environ, folder / "serve.log"),
            ledger,
            Rows(stage.folder / "inbox.db"),
            environ,
            await teams.can_fail_connector(),
        )
        try:
            await scene.heal(Random(0))  # noqa: S311 - not a secret
            yield scene
        finally:
            library.disarm()
            await scene.dismiss_all()
            await scene.daemon.end()


def _plain_environ() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if "ENTRACLAW_" not in name}


def _free_port() -> int:
    """Find a port that stays ours: restarts come back to it, and no caller is given it."""
    for port in range(_LOWEST_PORT + os.getpid() % 1000 * 10, _HIGHEST_PORT):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")


def _set_port(stage: Stage, port: int) -> None:
    config = stage.folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace("port = 0", f"port = {port}")
    config.write_text(text, encoding="utf-8")


def _ports(cloud: Path) -> Mapping[Kind, int]:
    """Read from the cloud profile where the sandbox's hosts listen."""
    profile = tomllib.loads(cloud.read_text(encoding="utf-8"))
    urls = {
        Kind.CONNECTOR: f"https://{profile['service_hosts'][0]}",
        Kind.GRAPH: profile["graph"],
        Kind.LOGIN: profile["login"],
    }
    return {kind: urlsplit(url).port or 443 for kind, url in urls.items()}
