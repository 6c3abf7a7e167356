"""People, as Graph describes them: the agent itself, and its sponsors.

https://learn.microsoft.com/graph/api/resources/agentuser
"""

from dataclasses import dataclass
from urllib.parse import quote

from entraclaw.errors import CallRefused
from entraclaw.tools.graph import Graph, Json, members

_PAGE_LIMIT = 20
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the directory.

    Attributes:
        oid: Object id, lower case.
        name: Display name as Graph gives it.
        upn: User principal name; empty when Graph gives none.
        user_type: ``Member`` or ``Guest``; empty when it was not asked for or held back.
    """

    oid: str
    name: str
    upn: str
    user_type: str = ""


async def me(graph: Graph) -> Person:
    """Read who the token speaks for."""
    return _person(await graph.get("me?$select=id,displayName,userPrincipalName"))


async def person(graph: Graph, oid: str) -> Person | None:
    """Read who *oid* (an object id) is in the directory; None if it knows nobody by it.

    Raises:
        CallRefused: Graph said no: 403 without ``User.ReadBasic.All``.
        Unreachable: Graph did not answer.
    """
    wanted = "$select=id,displayName,userPrincipalName,userType"
    try:
        return _person(await graph.get(f"users/{quote(oid, safe='')}?{wanted}"))
    except CallRefused as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise


async def sponsors(graph: Graph, user: str) -> tuple[Person, ...]:
    """Read the sponsors of the agent user *user* (an object id); users only, not groups.

    Raises:
        CallRefused: Graph said no.
        Unreachable: Graph did not answer.
    """
    path = f"users/{quote(user, safe='')}/sponsors"
    found: list[Person] = []
    for _ in range(_PAGE_LIMIT):
        page = await graph.get(path)
        found += [_person(member) for member in members(page) if _is_user(member)]
        path = graph.following(page)
        if not path:
            break
    return tuple(found)


def _is_user(member: Json) -> bool:
    return member.get("@odata.type", "#microsoft.graph.user") == "#microsoft.graph.user"


def _person(document: Json) -> Person:
    return Person(
        oid=str(document.get("id") or "").lower(),
        name=str(document.get("displayName") or ""),
        upn=str(document.get("userPrincipalName") or ""),
        user_type=str(document.get("userType") or ""),
    )
