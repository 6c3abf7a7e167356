"""The keys that the Bot Framework signs with, and which channels each is endorsed for.

A reader must find its own channel among a key's endorsements; what another channel
signed is not for it.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from functools import cached_property

from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.tokens import SigningKey

_TEAMS = ("msteams", "agents", "webchat", "directline")
_OTHERS = ("webchat", "directline")


class BotKeys:
    """One key that Teams signs with, and one that other channels do."""

    def __init__(self) -> None:
        self.teams = SigningKey.make("Bot Framework")

    @cached_property
    def others(self) -> SigningKey:
        """The key that Teams does not sign with; made when anybody looks."""
        return SigningKey.make("Bot Framework, other channels")

    def jwks(self) -> list[Json]:
        """Both, as they are published."""
        return [
            self.teams.jwk(endorsements=_TEAMS),
            self.others.jwk(endorsements=_OTHERS),
        ]
