"""People, as Graph describes them: the agent itself, and its sponsors.

https://learn.microsoft.com/graph/api/resources/agentuser
"""

from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from entraclaw.tools.graph import Graph, Json

_PAGE_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the directory.

    Attributes:
        oid: Object id, lower case.
        name: Display name as Graph gives it.
        upn: User principal name; empty when Graph gives none.
    """

    oid: str
    name: str
    upn: str


async def me(graph: Graph) -> Person:
    """Read who the token speaks for."""
    return _person(await graph.get("me?$select=id,displayName,userPrincipalName"))


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
        found += [_person(member) for member in _members(page) if _is_user(member)]
        path = _following(page)
        if not path:
            break
    return tuple(found)


def _members(page: Json) -> list[Json]:
    value = page.get("value")
    members = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", member) for member in members if isinstance(member, dict)]


def _following(page: Json) -> str:
    # Only the path is taken from the answer: the next page is on the same host.
    return str(page.get("@odata.nextLink") or "").partition("/v1.0/")[2]


def _is_user(member: Json) -> bool:
    return member.get("@odata.type", "#microsoft.graph.user") == "#microsoft.graph.user"


def _person(document: Json) -> Person:
    return Person(
        oid=str(document.get("id") or "").lower(),
        name=str(document.get("displayName") or ""),
        upn=str(document.get("userPrincipalName") or ""),
    )
