"""Which principal the agent is, as `whoami`, `status` and the docs all tell it."""

from entraclaw.bot.principal import Inbound, answers_as
from entraclaw.bot.settings import Settings
from entraclaw.tools import Person


class WhoAmI:
    """Who acts: the ids are set in the profile, the name comes from the directory."""

    def __init__(self, settings: Settings) -> None:
        """Know what *settings* say; the name is not known yet."""
        self._settings = settings
        self._person: Person | None = None

    def learn(self, person: Person) -> None:
        """Take name and UPN from the directory."""
        self._person = person

    def document(self) -> dict[str, object]:
        """Shape it for the wire; what is not known is null."""
        settings, agent, person = self._settings, self._settings.agent, self._person
        return {
            "name": person.name if person else None,
            "upn": person.upn if person else None,
            "acts_as": settings.acts_as,
            "inbound": settings.inbound,
            "answers_as": answers_as(settings.inbound),
            "catches_up": settings.inbound is Inbound.AGENTIC,
            "tenant": (agent and agent.tenant) or None,
            "agent_user": (agent and agent.user) or None,
            "agent": (agent and agent.agent) or None,
            "blueprint": (agent and agent.blueprint) or None,
            "bot": (agent and agent.bot) or None,
        }
