"""Walk to the tokens of a profile's principals once, and note how far it went. It blocks.

The way is the daemon's own (`acting.source`); here it is only watched.
"""

import time
from collections.abc import Iterator, Mapping

from entraclaw.bot.acting import source
from entraclaw.bot.diagnosis.claims import held
from entraclaw.bot.diagnosis.facts import Held, Walk, Who
from entraclaw.bot.principal import ActsAs, Inbound
from entraclaw.bot.settings import Settings
from entraclaw.errors import EntraclawError, HopRefused, Unreachable
from entraclaw.identity import Hop, HopTiming, Token, TokenSource
from entraclaw.identity.keys import Key

BOT = "Bot Framework"


class Walking:
    """One walk; what it has found can be read while it still goes on."""

    def __init__(self, settings: Settings, who: Who, key: Key) -> None:
        """Walk as *who*, with *key*; nothing is asked yet."""
        self._settings, self._who, self._key = settings, who, key
        self._passed: dict[Hop, float] = {}
        self._came: dict[str, Token | EntraclawError] = {}

    def go(self) -> None:
        """Ask for a token of every resource, until a step fails that all of them need."""
        for who, scopes in self._ways():
            way = source(who, self._settings, self._who.agent, lambda: self._key, self._observe)
            for name, scope in scopes.items():
                if not self._ask(way, name, scope):
                    break

    def token(self, name: str) -> Token | None:
        """Give the token of a resource, if there is one."""
        came = self._came.get(name)
        return came if isinstance(came, Token) else None

    def walk(self) -> Walk:
        """Say how far it went; what did not come at all counts as no answer."""
        now, came = time.time(), dict(self._came)
        tokens: dict[str, Held | EntraclawError] = {
            name: held(one, now) if isinstance(one, Token) else one for name, one in came.items()
        }
        if not any(isinstance(one, EntraclawError) for one in came.values()):
            late = {name for _, scopes in self._ways() for name in scopes} - came.keys()
            tokens |= {name: Unreachable("Entra", "no answer in time") for name in sorted(late)}
        return Walk(dict(self._passed), tokens)

    def _ways(self) -> Iterator[tuple[ActsAs, Mapping[str, str]]]:
        if self._who.inbound is Inbound.BOT:
            yield ActsAs.BOT, {BOT: self._who.cloud.bot_scope}
        if self._who.acts_as is ActsAs.AGENT_USER:
            yield ActsAs.AGENT_USER, {want.name: want.scope for want in self._who.wants}

    def _ask(self, way: TokenSource, name: str, scope: str) -> bool:
        """Ask for one; False if nothing else can be had by this way."""
        try:
            self._came[name] = way.token(scope)
        except HopRefused as error:
            self._came[name] = error
            return error.hop == Hop.USER and not error.is_passing
        except EntraclawError as error:
            self._came[name] = error
            return False
        return True

    def _observe(self, timing: HopTiming) -> None:
        self._passed.setdefault(timing.hop, timing.ms)  # the first time; later from memory
