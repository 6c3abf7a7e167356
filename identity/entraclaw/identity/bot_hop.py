"""Get tokens as a classic bot: one request, with the bot's own certificate.

A classic bot is an ordinary application of the tenant (single-tenant), which asks as itself:
a client credentials grant, whose proof our `Key` signs. It is no agent, has no user, and gets
tokens for the Bot Framework alone.

Every call blocks: `entraclaw.identity.minter` keeps it off the event loop.

Contract, with sources: docs/identity/token-chain.md#bot
"""

from collections.abc import Callable

from entraclaw.identity.cloud import Cloud
from entraclaw.identity.entra import Application, Clock, Entra, Result, reached
from entraclaw.identity.keys import Key
from entraclaw.identity.values import AgentIds, Hop, HopTiming, Token


class BotHop:
    """The one hop of one bot, in one thread: a `TokenSource` of the bot."""

    def __init__(
        self,
        ids: AgentIds,
        cloud: Cloud,
        key: Callable[[], Key],
        clock: Clock,
        observe: Callable[[HopTiming], None],
    ) -> None:
        """Remember who and where; nothing is asked before the first token is.

        Args:
            ids: Whose bot.
            cloud: Which Entra.
            key: Finds the key that signs the bot's assertions; asked each time.
            clock: Dates assertions and tokens.
            observe: Told how long the hop took.
        """
        self._ids, self._key = ids, key
        self._entra = Entra(cloud, ids.tenant, clock, observe, first=Hop.BOT)
        self._bot: Application | None = None

    def token(self, scope: str, claims: str = "") -> Token:
        """Get a token of the bot for *scope*.

        *claims* is what a resource demands of the token (a claims challenge, JSON).

        Raises:
            HopRefused: Entra said no.
            Unreachable: Entra did not answer.
            KeyUnavailable: The assertion could not be signed.
            KeyMisused: The key, or Entra's metadata, is for another tenant or login host.
        """
        with reached():
            return self._entra.asked(Hop.BOT, scope, lambda: self._ask(scope, claims))

    def _ask(self, scope: str, claims: str) -> Result:
        if self._bot is None:
            self._bot = self._entra.application(self._ids.bot, self._entra.signed(self._key))
        return self._bot.acquire_token_for_client([scope], claims_challenge=claims or None)
