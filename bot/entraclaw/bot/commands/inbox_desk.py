"""Change an entry: by the daemon where one runs, else in the file while we hold the profile.

Either way it is `entraclaw.bot.by_hand` that decides what can be changed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from entraclaw.bot import by_hand, lock
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.inbox_look import look
from entraclaw.bot.local_client import ask, do
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.store import Store
from entraclaw.bot.why import Moment
from entraclaw.errors import NotAnswering, NotRunning

Change = Callable[[Inbox], Awaitable[Entry]]


def replay(folder: Path, seq: int, *, yes: bool) -> dict[str, Any]:
    """Have an entry judged again.

    Raises:
        TurnRefused: It cannot be, or *yes* is needed.
        InboxUnreadable: There is no inbox.
    """
    request = {"verb": "replay", "seq": seq, "yes": yes}
    return _change(folder, request, lambda inbox: by_hand.replay(inbox, seq, yes=yes))


def drop(folder: Path, seq: int) -> dict[str, Any]:
    """End an entry that nobody needs to answer.

    Raises:
        TurnRefused: It has ended already.
        InboxUnreadable: There is no inbox.
    """
    request = {"verb": "drop", "seq": seq}
    return _change(folder, request, lambda inbox: by_hand.drop(inbox, seq))


def moment(folder: Path) -> Moment:
    """Find out what holds right now."""
    locked = ProfileLock(folder).reason
    try:
        status = ask(str(folder))
    except NotRunning:
        return Moment(has_daemon=False, locked=locked)
    return Moment(has_daemon=True, sessions=len(status["sessions"]), locked=locked)


def _change(folder: Path, request: dict[str, Any], change: Change) -> dict[str, Any]:
    try:
        return {**do(str(folder), request), "daemon": True}
    except NotAnswering:
        raise
    except NotRunning:
        pass
    with look(folder / "inbox.db"):
        pass  # there is one, of this version: we neither make nor move one here
    entry = asyncio.run(_alone(folder, change))
    return {"seq": entry.seq, "state": entry.state.value, "daemon": False}


async def _alone(folder: Path, change: Change) -> Entry:
    with lock.hold(folder):
        async with Store.open(folder / "inbox.db", time.time) as store:
            return await change(store.inbox)
