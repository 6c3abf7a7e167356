"""Tell who speaks in an activity: a person of the directory, an agent, a guest, the system.

Names are shown and never trusted; only the ids of the directory say who somebody is.
"""

from dataclasses import dataclass

from entraclaw.bot.activity import sender
from entraclaw.bot.fields import Json, first, identifier, mapping, text
from entraclaw.bot.plain import plain_name
from entraclaw.bot.principal import BOT
from entraclaw.identity.values import AgentIds

_NAME_LIMIT = 256
_AGENT_ROLES = frozenset({"agenticuser", "agenticappinstance", "bot", "skill"})
# https://learn.microsoft.com/graph/api/resources/teamworkuseridentity
_DIRECTORY_USERS = frozenset({"", "aaduser", "onpremiseaaduser", "federateduser"})
_SYSTEM = frozenset({"system", "no-reply@teams.mail.microsoft"})


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who an activity is from.

    Attributes:
        oid: Entra object id, lower case; empty for whoever the directory does not vouch for.
        tenant: The speaker's directory, lower case; empty when the activity names none.
        name: As Teams shows it, safe to show.
        address: The id Teams uses, or the mail address of who wrote a mail; opaque.
        is_agent: An agent or a bot, not a person.
        is_anonymous: A person without an account in a directory, such as a guest of a meeting.
        is_system: Microsoft 365 itself, whose notices nobody answers.
    """

    oid: str
    tenant: str
    name: str
    address: str
    is_agent: bool
    is_anonymous: bool
    is_system: bool


def speaker(document: Json) -> Speaker:
    """Read who *document* is from."""
    origin = mapping(document, "from")
    address = identifier(origin, "id")
    known = sender(document)
    is_system = address.lower() in _SYSTEM
    is_agent = not is_system and _is_agent(origin, address)
    vouched = bool(known.oid) and _is_of_a_directory(origin)
    return Speaker(
        oid=known.oid if vouched else "",
        tenant=known.tenant,
        name=plain_name(text(origin, "name")[:_NAME_LIMIT]),
        address=address,
        is_agent=is_agent,
        is_anonymous=not (vouched or is_agent or is_system),
        is_system=is_system,
    )


def is_ours(who: Speaker, agent: AgentIds) -> bool:
    """Tell whether it is our own agent user, or our own bot, who speaks."""
    own = {agent.user, f"{BOT}{agent.bot}" if agent.bot else ""} - {""}
    return bool(own & {who.oid, who.address.lower()})


def _is_agent(origin: Json, address: str) -> bool:
    return (
        text(origin, "role").lower() in _AGENT_ROLES
        or address.startswith(BOT)
        or bool(first(origin, "agenticUserId", "agenticAppId"))
    )


def _is_of_a_directory(origin: Json) -> bool:
    told = first(origin, "userIdentityType") or text(origin, "properties", "userIdentityType")
    return told.lower() in _DIRECTORY_USERS and text(origin, "role").lower() != "anonymous"
