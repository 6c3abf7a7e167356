"""Which principal the agent is, as `whoami`, `status` and the docs all tell it."""

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
        agent, person = self._settings.agent, self._person
        return {
            "name": person.name if person else None,
            "upn": person.upn if person else None,
            "acts_as": self._settings.acts_as,
            "inbound": self._settings.inbound,
            "tenant": agent.tenant if agent else None,
            "agent_user": agent.user if agent else None,
            "agent": agent.agent if agent else None,
            "blueprint": agent.blueprint if agent else None,
        }
