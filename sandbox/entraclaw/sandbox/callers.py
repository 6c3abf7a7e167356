"""Who calls the connector, and in which conversation; and how it says no.

Every call must carry an agent user's token for the agent channel, or a bot's for
the Bot Framework; and that user, or bot, must be in the conversation it speaks in.

Errors: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.bearers import Bearer, BearerError, challenge, read_bearer
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.conversations import Conversation, Conversations
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import DocumentError
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.resources import AGENT_CHANNEL, BOT_FRAMEWORK
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
        """The agent user or the bot who calls, as its token says.

        Raises:
            ConnectorError: It carries no token that is good here.
        """
        bearer = self._bearer(request.headers.get("Authorization"))
        agent = self._directory.agent(bearer.oid)
        if agent and (asks := challenge(bearer, agent.tokens_from)):
            raise ConnectorError(401, "Unauthorized", "The token is too old.", asks=asks)
        if agent is None or not _is_itself(agent, bearer):
            raise ConnectorError(403, "Forbidden", "The caller is neither an agent user nor a bot")
        if not _may_call(agent, bearer):
            raise ConnectorError(403, "Forbidden", "The caller may not use this service")
        if request.match_info["tid"].lower() != bearer.tid:
            raise ConnectorError(403, "Forbidden", "The tenant is not the caller's")
        return Author(agent.user, agent.name, bearer)

    def _bearer(self, header: str | None) -> Bearer:
        for audience in (AGENT_CHANNEL, BOT_FRAMEWORK):
            with suppress(BearerError):
                return read_bearer(
                    header, keys=self._keys, audience=audience, now=self._clock.now()
                )
        message = "Authorization has been denied for this request."
        raise ConnectorError(401, "Unauthorized", message)

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


def _is_itself(agent: Agent, bearer: Bearer) -> bool:
    """Tell whether *bearer* is the agent user's own, by its agent, or the bot's own."""
    if agent.is_bot:
        return bearer.idtyp == "app" and bearer.azp == agent.bot and bearer.aud == BOT_FRAMEWORK
    is_user = bearer.idtyp == "user" and bearer.azp == agent.identity
    return is_user and bearer.aud == AGENT_CHANNEL


def _may_call(agent: Agent, bearer: Bearer) -> bool:
    return agent.enabled and (agent.is_bot or "AgentData.ReadWrite" in bearer.scopes)


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
