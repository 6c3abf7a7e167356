"""Keep one good token per resource, without ever holding up the event loop.

A token that is due but still good is given out while its successor is fetched; callers
who ask for the same scope at the same moment share one fetch. The source itself runs in
one worker thread, since msal and its HTTP client block; what is waited for between two
tries is waited for outside it. A refusal is a state: it is told to whoever asks, and Entra
is asked again ever more rarely (`entraclaw.identity.retrying`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from entraclaw.errors import EntraclawError, HopRefused, Unreachable
from entraclaw.identity.expiry import is_due, is_usable
from entraclaw.identity.retrying import Trouble, pause, trouble
from entraclaw.identity.source import TokenSource
from entraclaw.identity.values import Token

_ONCE_S = 60.0  # a resource that refuses the successor too is not cured by yet another
_LOOK_S = 2.0  # how long whoever asks about troubles waits for a look at them
_log = logging.getLogger(__name__)


class Minter:
    """The tokens of one principal in its tenant, by resource.

    Never another identity: a refused hop is an error.
    """

    def __init__(
        self,
        source: TokenSource,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        told: Callable[[Trouble], None] = lambda _: None,
    ) -> None:
        """Take tokens from *source* and the time (seconds since the epoch) from *now*.

        *told* hears of each trouble as it begins.
        """
        self._source, self._now, self._sleep, self._told = source, now, sleep, told
        self._tokens: dict[str, Token] = {}
        self._fetches: dict[str, asyncio.Task[Token]] = {}
        self._running: set[asyncio.Task[Token]] = set()
        self._troubles: dict[str, Trouble] = {}
        self._claims: dict[str, str] = {}  # what the next token must satisfy
        self._dropped: dict[str, tuple[str, float]] = {}
        # One thread: the hops of two scopes share what the first two returned.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="entra")

    async def token(self, scope: str) -> Token:
        """Give a token for *scope*, such as ``https://graph.microsoft.com/.default``.

        Raises:
            HopRefused: Entra said no, now or a moment ago.
            Unreachable: Entra did not answer.
            KeyUnavailable: The machine cannot sign right now.
        """
        held, now = self._tokens.get(scope), self._now()
        if held is not None and not is_due(held, now):
            return held
        usable = held if held is not None and is_usable(held, now) else None
        known = self._troubles.get(scope)
        if known is not None and now < known.asks_at:
            if usable is None:
                raise known.error.with_traceback(None)
            return usable
        fetch = self._fetch(scope)
        if usable is not None:
            return usable
        # Shielded: one caller's cancellation must not take the token from the others.
        return await asyncio.shield(fetch)

    def refused(self, token: Token, claims: str = "") -> None:
        """Drop *token*, which its resource answered with 401; the next one is fetched.

        *claims* is what the resource demands of it (a claims challenge, JSON). A resource
        that refuses the successor in the same words is given no third within a minute.
        """
        scope, now = token.scope, self._now()
        said, at = self._dropped.get(scope, (None, 0.0))
        if self._tokens.get(scope) is not token or (said == claims and now - at < _ONCE_S):
            return
        self._dropped[scope] = (claims, now)
        del self._tokens[scope]
        self._fetches.pop(scope, None)  # begun before anybody knew what is demanded
        if claims:
            self._claims[scope] = claims
        _log.warning("token dropped: its resource refused it scope=%s", scope)

    async def troubles(self) -> Sequence[Trouble]:
        """List what stands between the principal and fresh tokens, after a look at what is due."""
        now = self._now()
        looks = [self._fetch(one.scope) for one in self._troubles.values() if now >= one.asks_at]
        if looks:
            await asyncio.wait(looks, timeout=_LOOK_S)
        return sorted(self._troubles.values(), key=lambda one: one.scope)

    async def close(self) -> None:
        """Stop fetching and let the worker thread end."""
        for fetch in self._running:
            fetch.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, scope: str) -> asyncio.Task[Token]:
        task = self._fetches.get(scope)
        if task is None:
            claims = self._claims.get(scope, "")
            task = asyncio.create_task(self._walk(scope, claims), name=f"token {scope}")
            self._fetches[scope] = task
            self._running.add(task)
            task.add_done_callback(lambda done: self._fetched(scope, claims, done))
        return task

    async def _walk(self, scope: str, claims: str) -> Token:
        loop, tries = asyncio.get_running_loop(), 0
        while True:
            try:
                return await loop.run_in_executor(self._thread, self._source.token, scope, claims)
            except (HopRefused, Unreachable) as error:
                tries += 1
                seconds = pause(error, tries)
                if seconds is None:
                    raise
                _log.info("token asked for again scope=%s in=%.1f s: %s", scope, seconds, error)
            await self._sleep(seconds)

    def _fetched(self, scope: str, claims: str, done: asyncio.Task[Token]) -> None:
        self._running.discard(done)
        is_current = self._fetches.get(scope) is done
        if is_current:
            del self._fetches[scope]
        if done.cancelled():
            return
        error = done.exception()  # also marks it as seen: a background fetch has no waiter
        if isinstance(error, EntraclawError):
            met = trouble(self._troubles.get(scope), scope, error, self._now())
            self._troubles[scope] = met
            if met.times == 1:
                self._told(met)
            if isinstance(error, HopRefused) and not error.is_passing:
                # What cannot be had is not demanded for ever; the resource may do so again.
                self._forget(scope, claims)
                self._dropped.pop(scope, None)
            _log.warning("token refused scope=%s reason=%s", scope, error)
        elif error is not None:
            _log.error("token fetch broke scope=%s", scope, exc_info=error)
        elif is_current:
            self._keep(done.result(), claims)

    def _keep(self, token: Token, claims: str) -> None:
        scope = token.scope
        self._tokens[scope] = token
        self._troubles.pop(scope, None)
        self._forget(scope, claims)
        _log.info("token minted scope=%s", scope)

    def _forget(self, scope: str, claims: str) -> None:
        if self._claims.get(scope) == claims:
            del self._claims[scope]
