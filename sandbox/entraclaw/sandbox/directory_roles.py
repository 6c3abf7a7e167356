"""Directory roles, and which of the people hold them.

A person's token tells Graph their roles by the ids of the roles' templates, which are the
same in every tenant. Who may let an application do what only an administrator may is a
matter of roles, too.

Roles: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
Consent: https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from entraclaw.sandbox.directory import PEOPLE, Person


class DirectoryRole(StrEnum):
    """What an administrator may be, by the name that Entra shows."""

    GLOBAL = "Global Administrator"
    PRIVILEGED_ROLE = "Privileged Role Administrator"
    APPLICATION = "Application Administrator"
    CLOUD_APPLICATION = "Cloud Application Administrator"
    AGENT_ID = "Agent ID Administrator"
    AGENT_ID_DEVELOPER = "Agent ID Developer"
    USER = "User Administrator"
    LICENSE = "License Administrator"

    @property
    def template(self) -> str:
        """The id by which a token names it."""
        return _TEMPLATES[self]


_TEMPLATES: Mapping[DirectoryRole, str] = MappingProxyType(
    {
        DirectoryRole.GLOBAL: "62e90394-69f5-4237-9190-012177145e10",
        DirectoryRole.PRIVILEGED_ROLE: "e8611ab8-c189-46e8-94e1-60213ab1f814",
        DirectoryRole.APPLICATION: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        DirectoryRole.CLOUD_APPLICATION: "158c047a-c907-4556-b7ef-446551a6b5f7",
        DirectoryRole.AGENT_ID: "db506228-d27e-4b7d-95e5-295956d6615f",
        DirectoryRole.AGENT_ID_DEVELOPER: "adb2368d-a9be-41b5-8667-d96778e081b0",
        DirectoryRole.USER: "fe930be7-5e62-47db-91af-98c3a49a38b1",
        DirectoryRole.LICENSE: "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
    }
)
_MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"  # in the token of every member of a tenant

# Consent for everybody, to what an application does as a person, and to what it does as itself.
MAY_CONSENT = frozenset(
    {
        DirectoryRole.GLOBAL,
        DirectoryRole.PRIVILEGED_ROLE,
        DirectoryRole.APPLICATION,
        DirectoryRole.CLOUD_APPLICATION,
    }
)
MAY_CONSENT_TO_ROLES = frozenset({DirectoryRole.GLOBAL, DirectoryRole.PRIVILEGED_ROLE})

# Permissions of Graph that nobody else may consent to begin with one of these words.
# https://learn.microsoft.com/graph/permissions-reference
_ADMINISTRATIVE = frozenset(
    {
        "AgentCommunicationConfiguration",
        "AgentIdUser",
        "AgentIdentity",
        "AgentIdentityBlueprint",
        "AgentIdentityBlueprintPrincipal",
        "AppRoleAssignment",
        "Application",
        "ChannelMessage",
        "DelegatedPermissionGrant",
        "Directory",
        "Domain",
        "Group",
        "GroupMember",
        "LicenseAssignment",
        "Organization",
        "RoleManagement",
    }
)
_ADMINISTRATIVE_ONES = frozenset({"User.Read.All", "User.ReadWrite.All", "User.DeleteRestore.All"})
_PEOPLES_OWN = frozenset({"ChannelMessage.Send", "ChannelMessage.Edit"})


class Appointments:
    """Who holds which roles, in their own tenant; nobody holds one elsewhere."""

    def __init__(self) -> None:
        # One person can do everything, so that a first set-up needs no second one.
        self._held = {PEOPLE[0].oid: frozenset({DirectoryRole.GLOBAL})}

    def appoint(self, person: Person, roles: Iterable[DirectoryRole]) -> None:
        """Give *person* these roles and no others."""
        self._held[person.oid] = frozenset(roles)

    def held(self, person: Person, tenant: str) -> frozenset[DirectoryRole]:
        """The roles of *person* in *tenant*."""
        return self._held.get(person.oid, frozenset()) if person.tenant == tenant else frozenset()

    def claimed(self, person: Person, tenant: str) -> tuple[str, ...]:
        """What a token of *person* for *tenant* says of their roles: `wids`."""
        own = sorted(role.template for role in self.held(person, tenant))
        return (*own, _MEMBER) if person.tenant == tenant else ()


def needs_administrator(scope: str) -> bool:
    """Whether only an administrator may consent to the delegated permission *scope*."""
    kind = scope.partition(".")[0]
    return scope in _ADMINISTRATIVE_ONES or (kind in _ADMINISTRATIVE and scope not in _PEOPLES_OWN)
