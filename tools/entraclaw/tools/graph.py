"""One authorised request to Microsoft Graph, as the agent user.

https://learn.microsoft.com/graph/errors
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import aiohttp

from entraclaw.errors import CallRefused, Unreachable
from entraclaw.identity.values import Token

Json = Mapping[str, object]

_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
_SERVICE = "Graph"


class Graph:
    """Microsoft Graph v1.0."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, token: Callable[[], Awaitable[Token]]
    ) -> None:
        """Speak to *base* (``https://graph.microsoft.com``) with what *token* gives."""
        self._session, self._base, self._token = session, base, token

    async def get(self, path: str) -> Json:
        """Read ``/v1.0/`` + *path*; ids in it must be quoted already.

        Raises:
            CallRefused: Graph said no.
            Unreachable: Graph did not answer.
            HopRefused: There is no token to ask with.
        """
        token = await self._token()
        headers = {"Authorization": f"Bearer {token.secret}", "Accept": "application/json"}
        try:
            async with self._session.get(
                f"{self._base}/v1.0/{path}",
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                return _read(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(_SERVICE, type(error).__name__) from error


def _read(status: int, body: bytes) -> Json:
    try:
        document: object = json.loads(body)
    except ValueError:
        document = None
    answer = cast("Json", document) if isinstance(document, dict) else None
    if status != 200:  # noqa: PLR2004 - HTTP
        raise CallRefused(_SERVICE, status, _code(answer or {}))
    if answer is None:
        raise Unreachable(_SERVICE, "its answer makes no sense")
    return answer


def _code(answer: Json) -> str:
    error = answer.get("error")
    code = cast("Json", error).get("code") if isinstance(error, dict) else None
    return str(code or "no reason given")
