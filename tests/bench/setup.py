"""How much longer than it must a setup takes, where Graph knows what was made only later.

From nothing to an agent that Entra gives every token to: sign-in, key and network included,
beside the delays that the tenant was told to have, each of which the next call waits for.
"""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.report import Figures, run, say
from bench.sizes import size
from bot.founding import Quiet, asked, founded, settings_of
from bot.stage import Sandbox, sandbox
from entraclaw.bot.setup.asked import wants_of
from entraclaw.bot.setup.awaiting import await_tokens

LATE_S = size(3, 1)
_OBJECTS = ("blueprint", "principal", "identity", "user")
_DELAYS = {**dict.fromkeys(_OBJECTS, LATE_S), "login": 2 * LATE_S}
# One after the other, then the consent; Entra's own login is late meanwhile.
INJECTED_S = (len(_OBJECTS) + 1) * LATE_S


async def measure() -> Figures:
    with TemporaryDirectory(prefix="bench-") as name:
        opening = sandbox(Path(name) / "tenant")
        emulation = await asyncio.to_thread(opening.__enter__)
        try:
            return await _setup(emulation, Path(name) / "home")
        finally:
            await asyncio.to_thread(opening.__exit__, None, None, None)


async def _setup(emulation: Sandbox, home: Path) -> Figures:
    say(f"a setup from nothing, every object known {LATE_S} s late, a consent too")
    delays = {"known_after_s": _DELAYS, "propagation_s": LATE_S}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {emulation.secret}"}) as session,
        session.put(f"{emulation.control}/control/settings", json=delays) as told,
    ):
        told.raise_for_status()
    wanted = asked(emulation)
    settings = settings_of(emulation, home, wanted)
    show = Quiet()
    begun = time.perf_counter()
    made = await founded(emulation, home, wanted, show)
    wants = wants_of(wanted.wish(settings, None), settings)
    await asyncio.to_thread(await_tokens, settings, made.applied.ids, wants, made.key, show)
    took = time.perf_counter() - begun
    return {
        "setup_s": round(took, 2),
        "setup_injected_s": INJECTED_S,
        "setup_ratio": round(took / INJECTED_S, 3),
    }


if __name__ == "__main__":
    run(measure)
