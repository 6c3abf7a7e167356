"""Send activities through the Bot Framework connector, as the agent user.

The Agents SDK hands us typed activities; this module turns them into requests: ids
quoted, to an allowed host only, with the agent user's token for the agent channel, over
one pooled session. The SDK's own client is not used: it opens a connection per turn and
puts ids into paths as they came.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import aiohttp
from microsoft_agents.activity import Activity, ResourceResponse
from microsoft_agents.hosting.core import ChannelServiceClientFactoryBase, ClaimsIdentity
from microsoft_agents.hosting.core.connector import ConnectorClientBase, UserTokenClientBase
from yarl import URL

from entraclaw.bot.admission import may_send_to
from entraclaw.errors import CallRefused, Unreachable
from entraclaw.identity.values import Token

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
_SERVICE = "Teams"


@dataclass(frozen=True, slots=True)
class Line:
    """What every send needs.

    Attributes:
        session: The one pooled HTTP session.
        token: Gives the agent user's token for the agent channel.
        hosts: Exact ``host[:port]`` an answer may be sent to.
    """

    session: aiohttp.ClientSession
    token: Callable[[], Awaitable[Token]]
    hosts: tuple[str, ...]


class Conversations:
    """The four connector calls that the SDK's pipeline makes for us."""

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

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Remove an activity of ours."""
        await self._call("DELETE", (conversation_id, activity_id), None)

    async def _call(
        self, method: str, ids: tuple[str, ...], activity: Activity | None
    ) -> ResourceResponse:
        if not may_send_to(self._base, self._line.hosts):
            raise CallRefused(
                _SERVICE,
                0,
                "service url not allowed",
                hint="service_hosts in the cloud profile lists where answers may go",
            )
        token = await self._line.token()
        try:
            async with self._line.session.request(
                method,
                # Encoded already: quoting it again, or less, would change the ids.
                URL(f"{self._base}/{activity_path(*ids)}", encoded=True),
                data=None if activity is None else _encode(activity),
                headers={
                    "Authorization": f"Bearer {token.secret}",
                    "Content-Type": "application/json",
                },
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                return _read(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(_SERVICE, type(error).__name__) from error


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
        service_url: str,
        audience: str,
        scopes: list[str] | None = None,
        use_anonymous: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> ConnectorClientBase:
        """Give a connector to *service_url*; no token is asked for before a send."""
        del context, claims_identity, audience, scopes, use_anonymous
        # Calls this project does not make are absent rather than refused one by one.
        return cast("ConnectorClientBase", Connector(self._line, service_url))

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


def _read(status: int, body: bytes) -> ResourceResponse:
    document = _parse(body)
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        return ResourceResponse(id=str(document.get("id", "")))
    error = document.get("error")
    code = cast("dict[str, object]", error).get("code") if isinstance(error, dict) else None
    raise CallRefused(_SERVICE, status, str(code or "no reason given"))


def _parse(body: bytes) -> dict[str, object]:
    try:
        document: object = json.loads(body or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}
