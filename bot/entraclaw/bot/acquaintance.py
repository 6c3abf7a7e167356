"""Find out about people with what this profile may ask: sponsors, home tenants, who may speak.

An agent user has sponsors, and reads its directory in Graph. A bot has neither: who may
speak is on the list kept here, and whose tenant somebody is of is asked of the connector,
which knows the members of the bot's conversations. What cannot be asked is not known.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.activity import Json
from entraclaw.bot.connector import Conversations, Line
from entraclaw.bot.fields import identifier, text
from entraclaw.errors import KeyUnavailable
from entraclaw.identity import AgentIds
from entraclaw.tools import Graph, Person, person, sponsors

Ask = Callable[[str, Json], Awaitable[Person | None]]

_GUEST = "Guest"
_OURS = frozenset({"", "user"})  # roles; guests and the anonymous have their own


async def sponsors_of(graph: Graph, user: str) -> frozenset[str]:
    """Read the object ids of the sponsors of the agent user *user*; without one, nobody's.

    Raises:
        EntraclawError: As `entraclaw.tools.sponsors` does.
    """
    return frozenset(one.oid for one in await sponsors(graph, user)) if user else frozenset()


def in_graph(graph: Graph) -> Ask:
    """Ask the directory, by object id."""

    async def ask(oid: str, document: Json) -> Person | None:
        del document
        return await person(graph, oid)

    return ask


def on_roster(line: Line, home: str) -> Ask:
    """Ask the connector who the sender of an activity is, in the conversation it came from."""
    return partial(_on_roster, line, home)


def trouble(access: AccessFile, agent: AgentIds, *, is_lent: bool = False) -> str | None:
    """Say what keeps everybody from speaking; None if nothing does, or nothing is known yet."""
    try:
        listed = access.current() if access.is_open else None
    except KeyUnavailable as error:
        return str(error)
    if access.trouble is not None:
        return str(access.trouble)
    if agent.user or is_lent or listed is None or listed.allowed:
        return None
    return (
        "nobody may speak: there are no sponsors without an agent user, and the list allows"
        " nobody; `entraclaw access allow` somebody, or `entraclaw access pairing on`"
    )


async def _on_roster(line: Line, home: str, oid: str, document: Json) -> Person | None:
    at = Conversations(line, text(document, "serviceUrl"))
    conversation = identifier(document, "conversation", "id")
    member = await at.member(conversation, identifier(document, "from", "id"))
    return None if member is None or _oid(member) != oid else _person(member, home)


def _person(member: Mapping[str, object], home: str) -> Person:
    is_ours = text(member, "tenantId").lower() == home and text(member, "userRole").lower() in _OURS
    return Person(
        oid=_oid(member),
        name=text(member, "name"),
        upn=text(member, "userPrincipalName"),
        user_type="Member" if is_ours else _GUEST,
    )


def _oid(member: Mapping[str, object]) -> str:
    return (text(member, "aadObjectId") or text(member, "objectId")).lower()
