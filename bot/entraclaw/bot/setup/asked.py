"""What a person asks of a setup, by the options of its command: checked, and nothing more. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from entraclaw.bot import feature_setting
from entraclaw.bot.principal import Inbound
from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity.features import CHANNEL, Feature, Want, wanted
from entraclaw.identity.provisioning.addresses import is_address
from entraclaw.identity.provisioning.journal import Journal
from entraclaw.identity.provisioning.wish import Wish

_EXCLUDING = (
    ("--adopt", "--join"),
    ("--adopt", "--upn"),
    ("--adopt", "--domain"),
    ("--upn", "--domain"),
    ("--licence", "--no-licence"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as they were typed.

    Attributes:
        more: Features besides chat, with commas; None to leave them as they are.
        name: What people call the agent.
        upn: Its user's address; empty to choose one.
        domain: Where that is, when one is chosen.
        sponsor: Who answers for it.
        join: A blueprint that is there.
        adopt: An agent user that is there.
        principal: ``agentic`` or ``bot``; None to leave it as it is.
        bot: The classic bot.
        licence: Which licence.
        no_licence: Whether none is to be assigned.
        endpoint: Where messages are posted to.
        cloud: As in ``config.toml``, a file by its whole path; empty to leave it.
        key_store: The same.
        wait: Seconds that somebody else is waited for.
        here: Whether a proof is given at this machine.
        device_code: Whether to sign in by a code.
    """

    more: str | None
    name: str
    upn: str
    domain: str
    sponsor: tuple[str, ...]
    join: str
    adopt: str
    principal: str | None
    bot: str
    licence: str
    no_licence: bool
    endpoint: str
    cloud: str
    key_store: str | None
    wait: int
    here: bool
    device_code: bool

    def applied(self, settings: Settings) -> Settings:
        """Give the *settings* as they will be."""
        if self.key_store is not None:
            settings = replace(settings, key_store=Store(self.key_store))
        if self.principal == Inbound.BOT or (self.principal is None and self.bot):
            return replace(settings, inbound=Inbound.BOT)
        if self.principal is not None:
            return replace(settings, inbound=Inbound(self.principal))
        return settings

    def wish(self, settings: Settings, journal: Journal | None) -> Wish:
        """Shape the wish of the profile with *settings*, of which *journal* tells what is there.

        Raises:
            BadSettings: What is asked does not go together.
        """
        features, problems = self._features(settings)
        problems = [*problems, *self._problems(settings)]
        problems += feature_setting.not_offered(features, settings.cloud)
        if problems:
            raise BadSettings(problems)
        agent, is_bot = settings.agent, settings.inbound is Inbound.BOT
        # An agent that was named in config.toml by hand is there, and taken as it is.
        by_hand = agent.user if agent and journal is None else ""
        return Wish(
            mark=journal.mark if journal else "",
            name=self.name.strip(),
            features=features,
            upn=self.upn.strip(),
            domain=self.domain.strip(),
            sponsors=tuple(one.strip().lower() for one in self.sponsor),
            join=self.join.strip().lower(),
            adopt=self.adopt.strip().lower() or by_hand,
            bot=(self.bot.strip().lower() or (agent.bot if agent else "")) if is_bot else "",
            licence=self.licence.strip(),
            wants_licence=not self.no_licence,
            endpoint=self.endpoint.strip() or (journal.endpoint if journal else ""),
        )

    def values(self, settings: Settings, wish: Wish) -> dict[str, str | list[str]]:
        """Give what is written into ``config.toml`` besides the agent's ids."""
        found: dict[str, str | list[str]] = {}
        if self.cloud:
            found["cloud"] = self.cloud
        if self.key_store is not None:
            found["key_store"] = self.key_store
        if wish.features != settings.features:
            found["features"] = [one.value for one in wish.features]
        if self.principal is not None or wish.bot:
            found["inbound"] = settings.inbound.value
        return found

    def _features(self, settings: Settings) -> tuple[tuple[Feature, ...], list[Problem]]:
        if self.more is None:
            return settings.features, []
        named = [one.strip() for one in self.more.split(",") if one.strip()]
        wrong = [one for one in named if one not in set(Feature)]
        cure = f"name any of {', '.join(one for one in Feature if one is not Feature.CHAT)}"
        problems = [Problem("--with", f"{one} is no feature", cure) for one in wrong]
        meant = {Feature.CHAT, *(Feature(one) for one in named if one not in wrong)}
        return tuple(one for one in Feature if one in meant), problems

    def _problems(self, settings: Settings) -> Iterator[Problem]:
        if not self.name.strip():
            yield Problem("--name", "is empty", "give the agent a name")
        yield from self._contradictions()
        if self.upn and not is_address(self.upn.strip()):
            yield Problem("--upn", "is no address", "give one such as agent@contoso.com")
        if self.endpoint and not _is_webhook(self.endpoint.strip(), is_test=settings.cloud.is_file):
            reason = "is no https address of a webhook"
            yield Problem("--endpoint", reason, "such as https://HOST/api/messages")
        has_bot = self.bot or (settings.agent and settings.agent.bot)
        if settings.inbound is Inbound.BOT and not has_bot:
            yield Problem("--principal", "bot needs the bot's application", "give --bot APP")

    def _contradictions(self) -> Iterator[Problem]:
        given = {
            "--join": self.join,
            "--adopt": self.adopt,
            "--upn": self.upn,
            "--domain": self.domain,
            "--licence": self.licence,
            "--no-licence": self.no_licence,
        }
        for one, other in _EXCLUDING:
            if given[one] and given[other]:
                yield Problem(one, f"and {other} exclude each other", "give one of them")


def wants_of(wish: Wish, settings: Settings) -> Sequence[Want]:
    """List what *wish* needs to be granted; who writes to a bot is answered by the bot."""
    wants = wanted(wish.features, settings.cloud)
    return [want for want in wants if not (wish.bot and want.name == CHANNEL)]


def in_json(values: dict[str, str | list[str]]) -> dict[str, str]:
    """Write each of *values* in JSON, as a journal keeps it."""
    return {key: json.dumps(value) for key, value in values.items()}


def _is_webhook(address: str, *, is_test: bool) -> bool:
    """Tell whether Teams could post to *address*; a cloud in a file may be reached without TLS."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    schemes = {"https", "http"} if is_test else {"https"}
    is_plain = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in schemes and bool(parts.hostname) and len(parts.path) > 1 and is_plain
