"""Who calls the connector, and in which conversation; and how it says no.

Every call must carry an agent user's token for the agent channel, and that
user must be in the conversation it speaks in.

Errors: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from entraclaw.sandbox.bearers import BearerError, challenge, read_bearer
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.conversations import Conversation, Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import DocumentError
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.resources import AGENT_CHANNEL
from entraclaw.sandbox.transcript import Author

_log = logging.getLogger(__name__)


class ConnectorError(Exception):
    """The connector's no, with its own code and sentence; *asks* is what a 401 asks for."""

    def __init__(self, status: int, code: str, message: str, *, asks: str = "") -> None:
        self.status, self.code, self.message, self.asks = status, code, message, asks
        super().__init__(code)


class Callers:
    """Reads who a request comes from, and where it goes."""

    def __init__(
        self, *, directory: Directory, conversations: Conversations, keys: Keyring, clock: Clock
    ) -> None:
        self._directory, self._conversations = directory, conversations
        self._keys, self._clock = keys, clock

    def speaker(self, request: web.Request) -> Author:
        """The agent user who calls, as its token says.

        Raises:
            ConnectorError: It carries no token that is good here.
        """
        header = request.headers.get("Authorization")
        try:
            bearer = read_bearer(
                header, keys=self._keys, audience=AGENT_CHANNEL, now=self._clock.now()
            )
        except BearerError:
            message = "Authorization has been denied for this request."
            raise ConnectorError(401, "Unauthorized", message) from None
        agent = self._directory.agent(bearer.oid)
        if agent and (asks := challenge(bearer, agent.tokens_from)):
            raise ConnectorError(401, "Unauthorized", "The token is too old.", asks=asks)
        if agent is None or bearer.idtyp != "user" or bearer.azp != agent.identity:
            raise ConnectorError(403, "Forbidden", "The caller is not an agent user")
        if "AgentData.ReadWrite" not in bearer.scopes or not agent.enabled:
            raise ConnectorError(403, "Forbidden", "The caller may not use this service")
        if request.match_info["tid"].lower() != bearer.tid:
            raise ConnectorError(403, "Forbidden", "The tenant is not the caller's")
        return Author(agent.user, agent.name, bearer)

    def place(self, request: web.Request, speaker: Author) -> Conversation:
        """The conversation that the path names, threads aside.

        Raises:
            ConnectorError: There is none, or *speaker* is not in it.
        """
        # aiohttp has unquoted the id: clients send `a:1…` and `19:…@…` quoted, or not.
        conversation = self._conversations.find(request.match_info["cid"])
        if conversation is None:
            raise ConnectorError(404, "ConversationNotFound", "Conversation not found.")
        self.admit(conversation, speaker)
        return conversation

    def admit(self, conversation: Conversation, speaker: Author) -> None:
        """Let *speaker* into a conversation it is a member of.

        Raises:
            ConnectorError: It is not.
        """
        if speaker.oid not in conversation.members:
            raise ConnectorError(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )


def answering(
    serve: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make *serve* into a handler that answers as the connector does."""

    async def handler(request: web.Request) -> web.Response:
        try:
            return await serve(request)
        except ConnectorError as no:
            response = refusal(no.status, no.code, no.message)
            if no.asks:
                response.headers["WWW-Authenticate"] = no.asks
            return response
        except web.HTTPRequestEntityTooLarge:
            status, code, message = 413, "MessageSizeTooBig", "Message size too large."
        except DocumentError as wrong:
            status, code, message = 400, "BadSyntax", str(wrong)
        return refusal(status, code, message)

    return handler


def refusal(status: int, code: str, message: str) -> web.Response:
    """Say no in the connector's own form."""
    _log.info("connector: refused with %d %s", status, code)
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def trouble(_request: web.Request, status: int) -> web.Response:
    """Answer as when the service itself is in trouble."""
    is_busy = status == HTTPStatus.TOO_MANY_REQUESTS
    return refusal(status, "Throttled" if is_busy else "ServiceError", "Try again later.")
