"""One authorised request to Microsoft Graph, as the agent user.

https://learn.microsoft.com/graph/errors
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

import aiohttp

from entraclaw.errors import CallRefused, Uncertain, Unreachable
from entraclaw.identity.challenge import Refused, ignore, renewed
from entraclaw.identity.values import Token
from entraclaw.tools.licences import Licences, cure_of, is_unlicensed

Json = Mapping[str, object]

_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
_SERVICE = "Graph"
_CREATED, _UNAUTHORISED = 201, 401

# Nothing was sent: the line was never there, or the proxy did not open it.
_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


class Graph:
    """Microsoft Graph v1.0."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        token: Callable[[], Awaitable[Token]],
        refused: Refused = ignore,
        *,
        mark: Callable[[Json], Awaitable[Json]] | None = None,
        licences: Licences | None = None,
    ) -> None:
        """Speak to *base* (``https://graph.microsoft.com``) with what *token* gives.

        *refused* is told of a token that was answered with 401; the next one is another.
        *mark* is what whatever is posted passes, where it is posted in a person's name.
        *licences* hears which services want one, and which serve.
        """
        self._session, self._base, self._token = session, base, token
        self._refused, self._mark, self._licences = refused, mark, licences

    @property
    def is_a_persons(self) -> bool:
        """Whether it speaks as a person, and marks what it says."""
        return self._mark is not None

    async def get(self, path: str) -> Json:
        """Read ``/v1.0/`` + *path*; ids in it must be quoted already.

        Raises:
            CallRefused: Graph said no.
            Unreachable: Graph did not answer.
            HopRefused: There is no token to ask with.
        """
        try:
            status, body, headers = await self._request("GET", path, None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(_SERVICE, type(error).__name__) from error
        return self._answered(path, status, body, headers)

    async def post(self, path: str, document: Json) -> Json:
        """Create below ``/v1.0/`` + *path*; gives what was created.

        Raises:
            CallRefused: Graph said no.
            Unreachable: Graph could not be reached; nothing was created.
            Uncertain: It was sent, and there was no answer.
            HopRefused: There is no token to ask with.
            ToolRefused: It would be posted as a person, and cannot be marked.
        """
        if self._mark is not None:
            document = await self._mark(document)
        try:
            status, body, headers = await self._request("POST", path, document)
        except _NOT_SENT as error:
            raise Unreachable(_SERVICE, type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(_SERVICE, type(error).__name__) from error
        if status >= 500:  # noqa: PLR2004 - a gateway that gave up may have passed it on
            raise Uncertain(_SERVICE, f"status {status}")
        return self._answered(path, status, body, headers)

    def following(self, page: Json) -> str:
        """Name the path of the next page; empty when *page* is the last."""
        # Only the path is taken from the answer: the next page is on the same host.
        return str(page.get("@odata.nextLink") or "").partition("/v1.0/")[2]

    def _answered(self, path: str, status: int, body: bytes, headers: Mapping[str, str]) -> Json:
        try:
            answer = _read(path, status, body, headers)
        except CallRefused as error:
            if self._licences and error.hint == cure_of(path):
                self._licences.refused(path, error)
            raise
        if self._licences:
            self._licences.served(path)
        return answer

    async def _request(
        self, method: str, path: str, document: Json | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        token = await self._token()
        answer = await self._ask(method, path, document, token)
        if answer[0] == _UNAUTHORISED:
            challenge = answer[2].get("WWW-Authenticate", "")
            again = await renewed(self._token, self._refused, token, challenge)
            if again is not None:  # nothing was done with the first
                return await self._ask(method, path, document, again)
        return answer

    async def _ask(
        self, method: str, path: str, document: Json | None, token: Token
    ) -> tuple[int, bytes, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {token.secret}", "Accept": "application/json"}
        async with self._session.request(
            method,
            f"{self._base}/v1.0/{path}",
            headers=headers,
            json=document,
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as response:
            return response.status, await response.read(), response.headers


def members(page: Json) -> Sequence[Json]:
    """List the objects of a page; what is none is left out."""
    value = page.get("value")
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", member) for member in found if isinstance(member, dict)]


def _read(path: str, status: int, body: bytes, headers: Mapping[str, str]) -> Json:
    try:
        document: object = json.loads(body)
    except ValueError:
        document = None
    answer = cast("Json", document) if isinstance(document, dict) else None
    if status not in {200, _CREATED}:
        said, again = answer or {}, headers.get("Retry-After", "")
        hint = cure_of(path) if is_unlicensed(status, said) else ""
        raise CallRefused(_SERVICE, status, error_code(said), hint=hint, retry_after=again)
    if answer is None:
        raise Unreachable(_SERVICE, "its answer makes no sense")
    return answer


def error_code(answer: Json) -> str:
    """Read Graph's own word for a refusal."""
    error = answer.get("error")
    code = cast("Json", error).get("code") if isinstance(error, dict) else None
    return str(code or "no reason given")
