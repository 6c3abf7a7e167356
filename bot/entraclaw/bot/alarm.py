"""Tell the sponsors, once, that Entra refuses the agent what it needs.

A refusal stops what needs the token; nobody would hear of it but whoever looks at
`status`. Where another way to a sponsor still works, they are told there: the way a
message of theirs took, else their chat's name in Graph. Never as anybody else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

from entraclaw.bot.outbox import Outbox
from entraclaw.bot.places import Place, Places
from entraclaw.errors import CallRefused, EntraclawError, Uncertain
from entraclaw.identity.refusals import Standing
from entraclaw.identity.retrying import Trouble

AGAIN_S = 86_400.0  # a restart does not make it news

# Of one resource; every other refusal is of the agent as a whole, and told once.
_OF_ONE_RESOURCE = frozenset({Standing.NO_CONSENT, Standing.NO_RESOURCE, Standing.REFUSED})
# What passes by itself, or is a matter of this machine, is no news for a sponsor.
_NO_NEWS = frozenset({Standing.UNREACHABLE, Standing.NO_KEY, Standing.CLOCK})
_MARK = "sponsor "

_log = logging.getLogger(__name__)

Way = Callable[[str], Awaitable[str]]  # says a text, gives the id Teams gave it
Ways = Callable[[Place], Sequence[Way]]


def news(trouble: Trouble) -> str:
    """Name the kind of news *trouble* is, the same name for the same cause; empty for none."""
    if trouble.standing in _NO_NEWS:
        return ""
    of = f" {trouble.scope}" if trouble.standing in _OF_ONE_RESOURCE else ""
    return f"trouble: {trouble.standing}{of}"


def note(trouble: Trouble) -> str:
    """Say it in the agent's own words; the code is in them, nothing else of the answer."""
    resource = trouble.scope.removesuffix("/.default")
    what = f"Entra gives me no token for {resource}"
    if isinstance(trouble.error, CallRefused):  # there is a token, and that is not enough
        what = "Microsoft 365 does not serve me"
    return (
        f"I cannot do all of my work: {what}"
        f" ({trouble.standing}; {trouble.error}). What needs it is left undone until that is put"
        " right. `entraclaw status` on my machine says how."
    )


class Alarm:
    """Says it."""

    def __init__(self, outbox: Outbox, places: Places, ways: Ways) -> None:
        """Tell over *ways*, which lists the ways to a place, the best first.

        *outbox* remembers who was told what, *places* who was a sponsor when that could
        still be asked.
        """
        self._outbox, self._places, self._ways = outbox, places, ways
        self._telling: set[asyncio.Task[None]] = set()

    async def learn(self, sponsors: frozenset[str]) -> None:
        """Remember whom to tell; what they may do is never read from here."""
        await self._places.mark_all(_MARK, sponsors)

    def ring(self, trouble: Trouble) -> None:
        """Tell of *trouble* in the background."""
        kind = news(trouble)
        if kind:
            task = asyncio.create_task(self._tell(kind, note(trouble)), name="alarm")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def say_to(self, people: Collection[str], words: str) -> frozenset[str]:
        """Say *words* to each of *people* in their own 1:1; gives those who were told."""
        places = await self._places.personal(people)
        told = await asyncio.gather(*(self._say(place, words) for place in places))
        return frozenset(place.person for place, was in zip(places, told, strict=True) if was)

    async def close(self) -> None:
        """Give up what is still being told."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _tell(self, kind: str, words: str) -> None:
        try:
            for place in await self._places.personal(await self._places.marked(_MARK)):
                if await self._outbox.may_tell(place.lane, place.person, kind, AGAIN_S):
                    await self._say(place, words)
        except EntraclawError as error:
            _log.warning("sponsors not told kind=%s reason=%s", kind, error)

    async def _say(self, place: Place, words: str) -> bool:
        """Say it by the first way that works; tells whether it is known to have arrived."""
        for way in self._ways(place):
            try:
                activity = await way(words)
            except Uncertain as error:  # it may have arrived, and is not said twice
                _log.warning("a sponsor may not have been told reason=%s", error)
                return False
            except EntraclawError as error:
                _log.info("no way to a sponsor reason=%s", error)
            else:
                await self._outbox.remember(place.lane, activity)
                _log.info("a sponsor was told")
                return True
        _log.warning("a sponsor could not be told: no way works")
        return False
