"""Make the tokens of the principals in use: who answers, and who acts at Graph.

Both are chosen once, by the settings, and stay what they are. Each principal has a minter
of its own, which gives its tokens and nobody else's; where a principal has no Graph, what
needs Graph is refused, and tried as nobody else.

docs/principals.md says which principal does what.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from entraclaw.bot.delegating import Marking, SignedIn, delegated
from entraclaw.bot.places import Places
from entraclaw.bot.principal import ActsAs, answers_as
from entraclaw.bot.settings import Settings
from entraclaw.errors import EntraclawError, NoPrincipal
from entraclaw.identity import AgentIds, BotHop, Chain, HopTiming, Minter, Token, TokenSource
from entraclaw.identity.challenge import Refused, ignore
from entraclaw.identity.delegated import Delegated
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

        sources = {
            who: source(who, settings, agent, key, observe)
            for who in dict.fromkeys((answers, acts))
        }
        self._minters: Mapping[ActsAs, Minter] = {
            who: Minter(tokens, time.time, told=told) for who, tokens in sources.items()
        }
        person = sources.get(ActsAs.DELEGATED)
        self.signed_in = (
            SignedIn(person, self._minters[ActsAs.DELEGATED])
            if isinstance(person, Delegated)
            else None
        )
        cloud = settings.cloud
        scope = cloud.bot_scope if answers is ActsAs.BOT else cloud.answer_scope
        self.answers = self._permit(answers, scope)
        self.graph = self._permit(acts, cloud.graph_scope) if acts is not ActsAs.BOT else _NO_GRAPH

    @property
    def has_graph(self) -> bool:
        """Whether there is somebody who may be at Graph."""
        return self.graph is not _NO_GRAPH

    def marking(self, places: Places) -> Marking | None:
        """Make what marks whatever is posted at Graph; None where we act in our own name."""
        return self.signed_in.marking(places) if self.signed_in else None

    async def troubles(self) -> Sequence[tuple[ActsAs, Trouble]]:
        """List what stands between each principal and fresh tokens."""
        if self.signed_in is not None and await self.signed_in.look() is None:
            with suppress(EntraclawError):  # it becomes one of the troubles
                await self.graph.token()
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
        is_a_persons = who is ActsAs.DELEGATED
        give = self.signed_in.token if self.signed_in and is_a_persons else minter.token
        return Permit(who, partial(give, scope), minter.refused)


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
            return delegated(settings, agent, observe)


async def _nobody() -> Token:
    raise NoPrincipal(
        "this needs Microsoft Graph, where a bot has no rights (acts_as is bot)",
        hint="set acts_as to agent_user and name blueprint, agent and user: docs/principals.md",
    )


_NO_GRAPH = Permit(ActsAs.BOT, _nobody, ignore)
