"""Take what Graph grants, and say what a refusal means for whoever administers.

Pure. Codes of agent objects: https://learn.microsoft.com/graph/errors; the two permissions
that shut a client out: https://learn.microsoft.com/graph/api/agentidentityblueprint-post
"""

from collections.abc import Mapping

from entraclaw.errors import CallRefused, Unreachable
from entraclaw.identity.provisioning.calls import (
    SERVICE,
    Call,
    Document,
    Orders,
    Reply,
    next_of,
    rows,
)

_MOST_PAGES = 100
_PAGE = "docs/identity/administrator.md"
_FULL = "delete what is not used, and remember that deleted objects count for 30 days"

_HINTS: Mapping[str, str] = {
    "Authorization_RequestDenied": "whoever signed in lacks a role for this, or the application "
    f"that they signed in at lacks the permission: {_PAGE}#roles",
    "InvalidAuthenticationToken": "Graph does not take the sign-in: run the command again, and "
    "sign in anew",
    "Directory_QuotaExceeded": _FULL,
    "Agent_Directory_QuotaExceeded": _FULL,
    "AgentBlueprint_LimitExceeded": _FULL,
    "AgentIdentity_LimitExceeded": _FULL,
    "AgentIdentity_AgentBlueprintPrincipalDoesNotExist": "the blueprint has no principal in this "
    "tenant: `entraclaw setup` makes one",
    "Request_ResourceNotFound": "it was deleted, or the id is another tenant's",
}


def accepted(reply: Reply) -> Document:
    """Give the object of *reply*.

    Raises:
        CallRefused: It was refused.
    """
    if reply.is_good:
        return reply.body
    raise refusal(reply)


def refusal(reply: Reply, hint: str = "") -> CallRefused:
    """Say that *reply* is a refusal; *hint* is better than what its code alone can tell."""
    code = reply.code or "no reason given"
    return CallRefused(SERVICE, reply.status, code, hint=hint or _HINTS.get(code, ""))


def listed(path: str, awaits: str = "") -> Orders[list[Document]]:
    """Read the list at *path* to its end.

    Raises:
        CallRefused: It was refused.
        Unreachable: It is no list, or has no end.
    """
    found: list[Document] = []
    for _ in range(_MOST_PAGES):
        reply = yield Call("GET", path, awaits=awaits)
        accepted(reply)
        found += rows(reply)
        path = next_of(reply)
        if not path:
            return found
    raise Unreachable(SERVICE, "a list of its has no end")
