"""Make the tokens of the principals in use: who answers, and who acts at Graph.

Both are chosen once, by the settings, and stay what they are. Each principal has a minter
of its own, which gives its tokens and nobody else's; where a principal has no Graph, what
needs Graph is refused, and tried as nobody else.

docs/principals.md says which principal does what.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from entraclaw.bot.principal import ActsAs, answers_as
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, NoPrincipal, Problem
from entraclaw.identity import AgentIds, BotHop, Chain, HopTiming, Minter, Token, TokenSource
from entraclaw.identity.challenge import Refused, ignore
from entraclaw.identity.keys import Key
from entraclaw.identity.retrying import Trouble


@dataclass(frozen=True, slots=True)
class Permit:
    """One principal's tokens for one resource.

    Attributes:
        who: The principal.
        token: Gives its token.
        refused: Told of a token that was answered with 401; the next one is another.
    """

    who: ActsAs
    token: Callable[[], Awaitable[Token]]
    refused: Refused


class Acting:
    """The principals of one profile."""

    def __init__(
        self,
        settings: Settings,
        agent: AgentIds,
        key: Callable[[], Key],
        observe: Callable[[HopTiming], None],
        told: Callable[[Trouble], None],
    ) -> None:
        """Make a minter for each principal that *settings* name; nothing is asked yet.

        Args:
            settings: Say which they are.
            agent: Their ids.
            key: Finds the profile's key.
            observe: Told how long each hop took.
            told: Hears of each trouble as it begins, whosesoever it is.
        """
        answers, acts = answers_as(settings.inbound), settings.acts_as

        def minter(who: ActsAs) -> Minter:
            return Minter(source(who, settings, agent, key, observe), time.time, told=told)

        self._minters: Mapping[ActsAs, Minter] = {
            who: minter(who) for who in dict.fromkeys((answers, acts))
        }
        cloud = settings.cloud
        scope = cloud.bot_scope if answers is ActsAs.BOT else cloud.answer_scope
        self.answers = self._permit(answers, scope)
        self.graph = self._permit(acts, cloud.graph_scope) if acts is not ActsAs.BOT else _NO_GRAPH

    @property
    def has_graph(self) -> bool:
        """Whether there is somebody who may be at Graph."""
        return self.graph is not _NO_GRAPH

    async def troubles(self) -> Sequence[tuple[ActsAs, Trouble]]:
        """List what stands between each principal and fresh tokens."""
        return [
            (who, one) for who, minter in self._minters.items() for one in await minter.troubles()
        ]

    def refused(self, token: Token, claims: str = "") -> None:
        """Drop *token*, whosesoever it is: only the minter that gave it knows it."""
        for minter in self._minters.values():
            minter.refused(token, claims)

    async def close(self) -> None:
        """Stop fetching."""
        for minter in self._minters.values():
            await minter.close()

    def _permit(self, who: ActsAs, scope: str) -> Permit:
        minter = self._minters[who]
        return Permit(who, partial(minter.token, scope), minter.refused)


def source(
    who: ActsAs,
    settings: Settings,
    agent: AgentIds,
    key: Callable[[], Key],
    observe: Callable[[HopTiming], None],
) -> TokenSource:
    """Find the way to the tokens of *who*; there is one, and no other."""
    match who:
        case ActsAs.AGENT_USER:
            return Chain(agent, settings.cloud, key, time, observe)
        case ActsAs.BOT:
            return BotHop(agent, settings.cloud, key, time, observe)
        case ActsAs.DELEGATED:
            reason = "delegated is not possible in this version"
            raise BadSettings([Problem("acts_as", reason, "set it to agent_user or bot")])


async def _nobody() -> Token:
    raise NoPrincipal


_NO_GRAPH = Permit(ActsAs.BOT, _nobody, ignore)
