"""Send activities through the Bot Framework connector, as whom the messages there come to.

The Agents SDK hands us typed activities; this module turns them into requests: ids
quoted, to an allowed host only, with the agent user's token for the agent channel or the
bot's for the Bot Framework, over one pooled session. The SDK's own client is not used: it
opens a connection per turn and puts ids into paths as they came.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote

import aiohttp
from microsoft_agents.activity import Activity, ResourceResponse
from microsoft_agents.hosting.core import ChannelServiceClientFactoryBase, ClaimsIdentity
from microsoft_agents.hosting.core.connector import ConnectorClientBase, UserTokenClientBase
from yarl import URL

from entraclaw.bot.admission import may_send_to
from entraclaw.bot.pace import Pace
from entraclaw.errors import CallRefused, Uncertain, Unreachable
from entraclaw.identity.challenge import Refused, ignore, renewed
from entraclaw.identity.values import Token

_SERVICE = "Teams"
_UNAUTHORISED, _NOT_FOUND = 401, 404
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """What every send needs.

    Attributes:
        session: The one pooled HTTP session.
        token: Gives the token of whoever answers here.
        hosts: Exact ``host[:port]`` an answer may be sent to.
        pace: How long a request may take.
        refused: Told of a token that was answered with 401; the next one is another.
        who: Whose token it is, for the log.
    """

    session: aiohttp.ClientSession
    token: Callable[[], Awaitable[Token]]
    hosts: tuple[str, ...]
    pace: Pace = field(default_factory=Pace)
    refused: Refused = ignore
    who: str = "-"


class Conversations:
    """The connector calls that the SDK's pipeline makes for us, and those it has none for."""

    def __init__(self, line: Line, service_url: str) -> None:
        """Speak to *service_url*; it is checked again at every send."""
        self._line, self._base = line, service_url.rstrip("/")

    async def send_to_conversation(self, conversation_id: str, activity: Activity) -> object:
        """Post at the end of a conversation."""
        return await self._call("POST", (conversation_id,), activity)

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> object:
        """Post as a reply to an activity."""
        return await self._call("POST", (conversation_id, activity_id), activity)

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> object:
        """Replace an activity of ours."""
        return await self._call("PUT", (conversation_id, activity_id), activity)

    async def react(self, conversation_id: str, activity_id: str, reaction: str) -> None:
        """Put a reaction of ours on an activity; a second time changes nothing."""
        path = f"{activity_path(conversation_id, activity_id)}/reactions/{_segment(reaction)}"
        await self._request("PUT", path, None)

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Remove an activity of ours."""
        await self._call("DELETE", (conversation_id, activity_id), None)

    async def member(self, conversation_id: str, member_id: str) -> Mapping[str, object] | None:
        """Read who is in a conversation under an id; None if nobody is.

        Raises:
            CallRefused: Teams said no.
            Unreachable: Teams did not answer.
        """
        path = f"v3/conversations/{_segment(conversation_id)}/members/{_segment(member_id)}"
        try:
            status, answer, headers = await self._exchange("GET", path, None)
            if status == _NOT_FOUND:
                return None
            _check(status, answer, headers)
        except Uncertain as error:  # reading has no effect, so nothing is in doubt
            raise Unreachable(_SERVICE, "no answer") from error
        return _parse(answer)

    async def _call(
        self, method: str, ids: tuple[str, ...], activity: Activity | None
    ) -> ResourceResponse:
        body = None if activity is None else _encode(activity)
        return await self._request(method, activity_path(*ids), body)

    async def _request(self, method: str, path: str, body: bytes | None) -> ResourceResponse:
        status, answer, headers = await self._exchange(method, path, body)
        _log.info("connector method=%s status=%d as=%s", method, status, self._line.who)
        return _read(status, answer, headers)

    async def _exchange(
        self, method: str, path: str, body: bytes | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if not may_send_to(self._base, self._line.hosts):
            raise CallRefused(
                _SERVICE,
                0,
                "service url not allowed",
                hint="service_hosts in the cloud profile lists where answers may go",
            )
        line = self._line
        token = await line.token()
        status, answer, headers = await self._ask(method, path, body, token)
        if status == _UNAUTHORISED:
            again = await renewed(
                line.token, line.refused, token, headers.get("WWW-Authenticate", "")
            )
            if again is not None:  # nothing was done with the first
                return await self._ask(method, path, body, again)
        return status, answer, headers

    async def _ask(
        self, method: str, path: str, body: bytes | None, token: Token
    ) -> tuple[int, bytes, Mapping[str, str]]:
        pace = self._line.pace
        try:
            async with self._line.session.request(
                method,
                # Encoded already: quoting it again, or less, would change the ids.
                URL(f"{self._base}/{path}", encoded=True),
                data=body,
                headers={
                    "Authorization": f"Bearer {token.secret}",
                    "Content-Type": "application/json",
                },
                timeout=aiohttp.ClientTimeout(total=pace.request_s, connect=pace.connect_s),
                allow_redirects=False,
            ) as response:
                return response.status, await response.read(), response.headers
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(_SERVICE, type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(_SERVICE, type(error).__name__) from error


def activity_path(conversation: str, *activity: str) -> str:
    """Write the path of a conversation's activities, or of one of them.

    Ids are opaque and may hold anything, ``../`` included: each stays one segment.
    """
    return "/".join(
        ("v3", "conversations", _segment(conversation), "activities", *map(_segment, activity))
    )


def _segment(part: str) -> str:
    # A dot is never quoted, but a segment of dots alone would be resolved away.
    return quote(part, safe="").replace(".", "%2E") if not part.strip(".") else quote(part, safe="")


class Connector:
    """The SDK's connector client, as far as this project uses it."""

    def __init__(self, line: Line, service_url: str) -> None:
        """Speak to *service_url* over *line*."""
        self.base_uri = service_url
        self.conversations = Conversations(line, service_url)
        self.attachments = None

    async def close(self) -> None:
        """Nothing to close: the session belongs to the daemon."""


class Connectors(ChannelServiceClientFactoryBase):
    """Gives the SDK our connector wherever it would make its own."""

    def __init__(self, line: Line) -> None:
        """Make every connector over *line*."""
        self._line = line

    async def create_connector_client(  # noqa: PLR0917 - the SDK's signature
        self,
        context: object,
        claims_identity: ClaimsIdentity,
        service_url: str | None,
        audience: str,
        scopes: list[str] | None = None,
        use_anonymous: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> ConnectorClientBase:
        """Give a connector to *service_url*; no token is asked for before a send.

        An activity that names none can be read, and every send by its connector is refused.
        """
        del context, claims_identity, audience, scopes, use_anonymous
        # Calls this project does not make are absent rather than refused one by one.
        return cast("ConnectorClientBase", Connector(self._line, service_url or ""))

    async def create_user_token_client(
        self,
        context: object,
        claims_identity: ClaimsIdentity,
        use_anonymous: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> UserTokenClientBase:
        """Give a client that can only be closed: nobody signs in through this agent."""
        del context, claims_identity, use_anonymous
        return cast("UserTokenClientBase", _NoUserTokens())


class _NoUserTokens:
    async def close(self) -> None:
        """Nothing to close."""


def _encode(activity: Activity) -> bytes:
    document = activity.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(document).encode()


def _read(status: int, body: bytes, headers: Mapping[str, str]) -> ResourceResponse:
    _check(status, body, headers)
    made = _parse(body).get("id")
    # A reaction has no id, and the SDK takes no empty one.
    return ResourceResponse(id=str(made)) if made else ResourceResponse()


def _check(status: int, body: bytes, headers: Mapping[str, str]) -> None:
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        return
    if status >= 500:  # noqa: PLR2004 - a gateway that gave up may have passed it on
        raise Uncertain(_SERVICE, f"status {status}")
    error = _parse(body).get("error")
    code = cast("dict[str, object]", error).get("code") if isinstance(error, dict) else None
    again = headers.get("Retry-After", "")
    raise CallRefused(_SERVICE, status, str(code or "no reason given"), retry_after=again)


def _parse(body: bytes) -> dict[str, object]:
    try:
        document: object = json.loads(body or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
