"""Keep one good token per resource, without ever holding up the event loop.

A token that is due but still good is given out while its successor is fetched; callers
who ask for the same scope at the same moment share one fetch. The chain itself runs in
one worker thread, since msal and its HTTP client block.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from entraclaw.errors import EntraclawError
from entraclaw.identity.chain import Chain
from entraclaw.identity.expiry import is_due, is_usable
from entraclaw.identity.values import Token

_log = logging.getLogger(__name__)


class Minter:
    """The tokens of one agent user. Never another identity: a refused hop is an error."""

    def __init__(self, chain: Chain, now: Callable[[], float]) -> None:
        """Take tokens from *chain* and the time (seconds since the epoch) from *now*."""
        self._chain, self._now = chain, now
        self._tokens: dict[str, Token] = {}
        self._fetches: dict[str, asyncio.Task[Token]] = {}
        # One thread: the hops of two scopes share msal's memory of the first two.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="entra")

    async def token(self, scope: str) -> Token:
        """Give a token for *scope*, such as ``https://graph.microsoft.com/.default``.

        Raises:
            HopRefused: Entra said no.
            Unreachable: Entra did not answer.
            KeyUnavailable: The machine cannot sign right now.
        """
        held = self._tokens.get(scope)
        if held is not None and not is_due(held, self._now()):
            return held
        fetch = self._fetch(scope)
        if held is not None and is_usable(held, self._now()):
            return held
        # Shielded: one caller's cancellation must not take the token from the others.
        return await asyncio.shield(fetch)

    async def close(self) -> None:
        """Stop fetching and let the worker thread end."""
        for fetch in self._fetches.values():
            fetch.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, scope: str) -> asyncio.Task[Token]:
        task = self._fetches.get(scope)
        if task is None:
            task = asyncio.create_task(self._walk(scope), name=f"token {scope}")
            task.add_done_callback(lambda done: self._fetched(scope, done))
            self._fetches[scope] = task
        return task

    async def _walk(self, scope: str) -> Token:
        loop = asyncio.get_running_loop()
        token = await loop.run_in_executor(self._thread, self._chain.user_token, scope)
        self._tokens[scope] = token
        return token

    def _fetched(self, scope: str, done: asyncio.Task[Token]) -> None:
        del self._fetches[scope]
        if done.cancelled():
            return
        error = done.exception()  # also marks it as seen: a background fetch has no waiter
        if isinstance(error, EntraclawError):
            _log.warning("token refused scope=%s reason=%s", scope, error)
        elif error is not None:
            _log.error("token fetch broke scope=%s", scope, exc_info=error)
        else:
            _log.info("token minted scope=%s", scope)
