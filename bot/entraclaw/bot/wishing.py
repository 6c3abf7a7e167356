"""Ask for what may widen power, from a command: through the daemon, or here where none runs.

The daemon does it and has it proved, and this side only shows what it says. Where no daemon
runs, nothing else holds the profile: it is taken for as long as this lasts, and whoever sits
here proves what must be.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from entraclaw.bot import lock, presence
from entraclaw.bot.access import DESK
from entraclaw.bot.local_client import converse
from entraclaw.bot.presence import Presence
from entraclaw.bot.presence.terminal import asked_here
from entraclaw.bot.proof import KEPT_S
from entraclaw.bot.proving import CHAT, VERB
from entraclaw.bot.wish import Bind, Result
from entraclaw.errors import NotAnswering, NotRunning, ProofRefused

_PATIENCE_S = KEPT_S + 30.0

Show = Callable[[Mapping[str, object]], None]
Here = Callable[[int], Presence]


def wish(
    folder: Path,
    request: Mapping[str, object],
    bind: Bind,
    show: Show,
    here: Here = presence.here,
) -> Result:
    """Have done what *request* asks, proved where it must be.

    Args:
        folder: Of the profile.
        request: ``change`` names what it is about, ``here`` wants the proof at this machine.
        bind: Binds it where no daemon does.
        show: Is given what is waited for: ``what``, ``way``, and a ``code`` where there is one.
        here: Asks whoever sits at a process.

    Raises:
        ProofRefused: Nothing proved it.
        EntraclawError: It could not be done.
    """
    try:
        return _by_daemon(folder, request, show)
    except NotAnswering:
        raise
    except NotRunning:
        with lock.hold(folder):
            return asyncio.run(_by_ourselves(request, bind, show, here))


def _by_daemon(folder: Path, request: Mapping[str, object], show: Show) -> Result:
    lines = converse(str(folder), {"verb": VERB, **request}, _PATIENCE_S)
    try:
        answer = next(lines)
        if "asked" not in answer:
            return dict(answer["done"])
        show(answer["asked"])
        if answer["asked"]["way"] == CHAT:
            return dict(next(lines)["done"])
        with asked_here(answer["asked"]["way"]):
            return dict(lines.send(b"ready\n")["done"])
    finally:
        lines.close()


async def _by_ourselves(
    request: Mapping[str, object], bind: Bind, show: Show, here: Here
) -> Result:
    wanted = await bind(request)
    if not wanted.needs_proof:
        return await wanted.do(DESK)
    way = here(os.getpid())
    reason = way.unavailable()
    if reason is not None:
        raise ProofRefused(
            f"this lets somebody do more, and nothing here proves that a person wants it: {reason}",
            hint="start the daemon (`entraclaw serve`) and confirm it as a sponsor, in your own"
            " 1:1 with the agent; docs/proof.md says what else there is",
        )
    show({"what": wanted.what, "way": way.way})
    with asked_here(way.way):
        if not await way.ask(wanted.what):
            raise ProofRefused("nobody here confirmed it, and nothing was changed")
    return await wanted.do(DESK)
