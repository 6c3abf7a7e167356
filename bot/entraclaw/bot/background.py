"""What a daemon does behind everybody's back: one thing after the other, and its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from entraclaw.errors import EntraclawError

_log = logging.getLogger(__name__)


async def in_turn(steps: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Do one thing after the other, the last one for good; a failure is only logged."""
    for step in steps:
        try:
            await step()
        except EntraclawError as error:
            _log.warning("not ready: %s", error)


async def ended(task: asyncio.Task[None]) -> None:
    """End *task*, and see it gone."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
