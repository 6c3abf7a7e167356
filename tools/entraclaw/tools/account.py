"""What an agent user's own account is like: its licences, and whether its mailbox is there.

https://learn.microsoft.com/graph/api/user-list-licensedetails
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from entraclaw.errors import CallRefused
from entraclaw.tools.graph import Graph, Json, members

_PLAIN = "id,displayName,userPrincipalName"
_NO_SUCH_PROPERTY = 400
_MAIL = frozenset({"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"})
_SETTINGS = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})


@dataclass(frozen=True, slots=True)
class Own:
    """Who the token speaks for.

    Attributes:
        name: Display name as Graph gives it.
        upn: User principal name.
        parent: The agent identity it belongs to, lower case; empty if Graph does not say.
    """

    name: str
    upn: str
    parent: str


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence.

    Attributes:
        name: Its part number, such as ``SPE_E5``.
        plans: The services in it, by name (``TEAMS1``), and how far each is set up
            (``Success``, ``Disabled``, ``PendingProvisioning``, …).
    """

    name: str
    plans: Mapping[str, str]


async def own(graph: Graph) -> Own:
    """Read who the token speaks for, and which agent identity that belongs to.

    Raises:
        CallRefused: Graph said no.
        Unreachable: Graph did not answer.
    """
    try:
        document = await graph.get(f"me?$select={_PLAIN},identityParentId")
    except CallRefused as refusal:
        if refusal.status != _NO_SUCH_PROPERTY:
            raise
        document = await graph.get(f"me?$select={_PLAIN}")  # a cloud without agent users
    return Own(
        str(document.get("displayName") or ""),
        str(document.get("userPrincipalName") or ""),
        str(document.get("identityParentId") or "").lower(),
    )


async def licences_of(graph: Graph) -> tuple[Licence, ...]:
    """Read the licences of who the token speaks for.

    Raises:
        CallRefused: Graph said no.
        Unreachable: Graph did not answer.
    """
    return tuple(_licence(one) for one in members(await graph.get("me/licenseDetails")))


async def mailbox(graph: Graph, scopes: AbstractSet[str]) -> bool | None:
    """Find out whether there is a mailbox; None where none of *scopes* lets us ask.

    Raises:
        CallRefused: There is none (404), or Graph said no.
        Unreachable: Graph did not answer.
    """
    if scopes & _MAIL:
        await graph.get("me/mailFolders/inbox?$select=id")
    elif scopes & _SETTINGS:
        await graph.get("me/mailboxSettings")
    else:
        return None
    return True


def _licence(document: Json) -> Licence:
    plans = members({"value": document.get("servicePlans")})
    return Licence(
        str(document.get("skuPartNumber") or ""),
        {str(one.get("servicePlanName")): str(one.get("provisioningStatus")) for one in plans},
    )
