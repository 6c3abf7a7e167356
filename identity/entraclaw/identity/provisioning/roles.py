"""Which directory roles let a person do what, by the ids of their templates. Pure.

Whoever made a blueprint owns it, and may do to it what the roles may.
https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

from collections.abc import Mapping
from enum import StrEnum


class Work(StrEnum):
    """What needs a role."""

    AGENTS = "make agents"
    CONSENT = "consent"
    LICENCES = "assign licences"


_GLOBAL = ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator")
_AGENT_ID = ("db506228-d27e-4b7d-95e5-295956d6615f", "Agent ID Administrator")
_PRIVILEGED = ("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator")
_CLOUD_APP = ("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator")
_APP = ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator")
_LICENCE = ("4d6ac14f-3453-41d0-bef9-a3e0c569773a", "License Administrator")
_USER = ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator")

# The least of them first: it is the one to ask for.
_ROLES: Mapping[Work, tuple[tuple[str, str], ...]] = {
    Work.AGENTS: (_AGENT_ID, _GLOBAL),
    Work.CONSENT: (_CLOUD_APP, _APP, _PRIVILEGED, _GLOBAL),
    Work.LICENCES: (_LICENCE, _USER, _GLOBAL),
}


def may(roles: frozenset[str], work: Work) -> bool:
    """Tell whether one of *roles* is enough for *work*."""
    return any(template in roles for template, _ in _ROLES[work])


def who_may(work: Work) -> str:
    """Name the least role that is enough for *work*."""
    return _ROLES[work][0][1]
