"""Fetch the keys that tokens are signed with, and keep them.

Keys are fetched when an unknown key id turns up and at most once in `COOLDOWN_S`, by one
request at a time; what was fetched keeps serving while the host is down.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import aiohttp
import jwt
from jwt import PyJWK

from entraclaw.bot.fields import items
from entraclaw.errors import Unreachable

COOLDOWN_S = 30.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_log = logging.getLogger(__name__)

Fetch = Callable[[], "asyncio.Future[dict[str, PyJWK]]"]


class SigningKeys:
    """The signing keys behind one address."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        clock: Callable[[], float],
        *,
        is_metadata: bool,
        channel: str = "",
    ) -> None:
        """Fetch nothing yet.

        Args:
            session: Carries the requests.
            address: Of a JWK set, or of OpenID metadata that names one.
            clock: Monotonic seconds.
            is_metadata: Which of the two *address* is.
            channel: Take only keys that are endorsed for it; empty where keys are for all.
        """
        self._session, self._address, self._clock = session, address, clock
        self._is_metadata, self._channel = is_metadata, channel
        self._keys: dict[str, PyJWK] = {}
        self._asked_at: float | None = None
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> PyJWK | None:
        """Find the key *kid*, fetching once if it is new; None if there is no such key.

        Raises:
            Unreachable: No key was ever fetched and the host does not answer.
        """
        if kid not in self._keys:
            await self._refresh()
        if not self._keys:
            raise Unreachable("the signing keys' host", "no keys yet")
        return self._keys.get(kid)

    async def close(self) -> None:
        """Stop fetching, before the session that carries it is closed."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)

    async def _refresh(self) -> None:
        if self._fetch is None:
            rested = self._asked_at is None or self._clock() - self._asked_at >= COOLDOWN_S
            # Without any key every request would fail: then the cooldown does not hold us.
            if self._keys and not rested:
                return
            self._asked_at = self._clock()
            self._fetch = asyncio.create_task(self._load(), name="signing keys")
        await asyncio.shield(self._fetch)

    async def _load(self) -> None:
        try:
            address = self._address
            if self._is_metadata:
                address = str((await self._get(address))["jwks_uri"])
            self._keys = _parse(await self._get(address), self._channel)
            _log.info("signing keys fetched count=%d", len(self._keys))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            _log.warning("signing keys not fetched error=%s", type(error).__name__)
        finally:
            self._fetch = None

    async def _get(self, address: str) -> dict[str, object]:
        async with self._session.get(
            address, timeout=_TIMEOUT, allow_redirects=False, raise_for_status=True
        ) as response:
            return cast("dict[str, object]", await response.json(content_type=None))


def _parse(document: dict[str, object], channel: str) -> dict[str, PyJWK]:
    keys: dict[str, PyJWK] = {}
    for entry in cast("list[dict[str, object]]", document["keys"]):
        if channel and channel not in items(entry, "endorsements"):
            continue  # another channel's: what it signs is not for us
        try:
            key = PyJWK(entry, algorithm="RS256")
        except jwt.PyJWTError:
            continue  # a key of a kind we do not take
        if key.key_id:
            keys[key.key_id] = key
    return keys
