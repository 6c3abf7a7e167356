"""The token the channel shows an agent's messaging endpoint, of either kind.

Agentic activities come with an Entra token for the blueprint, signed for the
agent's tenant, without a `serviceurl` claim. Classic ones come with a Bot
Framework token for the bot's app id, with it.

Bot tokens: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.bot_keys import BotKeys
from entraclaw.sandbox.clock import Clock
from entraclaw.sandbox.documents import Json, replace
from entraclaw.sandbox.entra import BOT_ISSUER
from entraclaw.sandbox.keyring import Keyring
from entraclaw.sandbox.resources import AGENT_CHANNEL
from entraclaw.sandbox.tokens import Algorithm, SigningKey, times

# The real service shows the same token again for some minutes; replay checks must allow it.
_REUSED_S = 300
_LIFETIME_S = 3600

# The service principal of the agent channel in the tenant.
_CALLER = "1b3c9f0a-7d52-4e18-a6c4-90e5d7f2b836"


class Pass(StrEnum):
    """Which identity system vouches for the activity."""

    AGENTIC = "agentic"
    CLASSIC = "classic"


class Signer(StrEnum):
    """Whose key signs: the emulated cloud's own, another channel's, or somebody else's."""

    OWN = "own"
    OTHER_CHANNEL = "other-channel"  # of the Bot Framework, and not endorsed for Teams
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Forgery:
    """How a token differs from an honest one; as it stands, not at all."""

    claims: Json
    header: Json
    algorithm: Algorithm = Algorithm.RS256
    signer: Signer = Signer.OWN
    lifetime_s: float = _LIFETIME_S


class Passes:
    """Makes the channel's tokens, and reuses the honest ones."""

    def __init__(
        self, *, login: str, service: str, keys: Keyring, bot_keys: BotKeys, clock: Clock
    ) -> None:
        self._login, self._service = login, service
        self._keys, self._bot_keys, self._clock = keys, bot_keys, clock
        self._foreign: SigningKey | None = None
        self._issued: dict[tuple[str, Pass], tuple[float, str]] = {}

    def service_url(self, tenant: str) -> str:
        """Where activities of one tenant are answered."""
        return f"{self._service}/amer/{tenant}/"

    def show(self, agent: Agent) -> str:
        """The token for the next delivery to *agent*, at most five minutes old."""
        now, kind = self._clock.now(), Pass.CLASSIC if agent.is_bot else Pass.AGENTIC
        made, token = self._issued.get((agent.user, kind), (0.0, ""))
        if now - made >= _REUSED_S:
            token = self.forge(agent, kind, Forgery({}, {}))
            self._issued[agent.user, kind] = (now, token)
        return token

    def shown(self) -> list[str]:
        """The honest tokens that endpoints were last shown."""
        return [token for _, token in self._issued.values()]

    def forge(self, agent: Agent, kind: Pass, forgery: Forgery) -> str:
        """Make a token as asked, honest or not."""
        key = self._signer(kind, forgery.signer)
        claims = self._agentic(agent) if kind is Pass.AGENTIC else self._classic(agent)
        stamped = {**claims, **times(self._clock.now(), forgery.lifetime_s)}
        header = {**key.header(), "alg": forgery.algorithm.value}
        return key.forge(
            replace(header, forgery.header), replace(stamped, forgery.claims), forgery.algorithm
        )

    def _agentic(self, agent: Agent) -> Json:
        return {
            "iss": f"{self._login}/{agent.tenant}/v2.0",
            "aud": agent.app,
            "azp": AGENT_CHANNEL,
            "azpacr": "2",
            "oid": _CALLER,
            "sub": _CALLER,
            "tid": agent.tenant,
            "ver": "2.0",
        }

    def _classic(self, agent: Agent) -> Json:
        return {
            "iss": BOT_ISSUER,
            "aud": agent.bot,
            "serviceurl": self.service_url(agent.tenant),
        }

    def _signer(self, kind: Pass, signer: Signer) -> SigningKey:
        match signer:
            case Signer.OWN:
                return self._keys.current if kind is Pass.AGENTIC else self._bot_keys.teams
            case Signer.OTHER_CHANNEL:
                return self._bot_keys.others
            case Signer.FOREIGN:
                return self._somebody()

    def _somebody(self) -> SigningKey:
        if self._foreign is None:
            self._foreign = SigningKey.make("somebody else")
        return self._foreign
