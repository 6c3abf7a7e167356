"""Microsoft Graph's permissions that no agent can ever be granted, whoever asks.

They are known before anybody is asked to consent. Teams, files and calendars are read by
what the agent user is granted, since as an application an agent may not.

Pure. https://learn.microsoft.com/entra/agent-id/identity-professional/authorization-agent-id
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

# Microsoft Graph, the same application in every tenant and every cloud.
GRAPH_APP = "00000003-0000-0000-c000-000000000000"


class Kind(StrEnum):
    """How a permission is held."""

    DELEGATED = "delegated"  # by the agent user, or by a person whom the agent acts for
    APPLICATION = "application"  # by the agent identity as itself


_EITHER = frozenset(
    {
        "CustomSecAttributeAssignment.ReadWrite.All",
        "CustomSecAttributeDefinition.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Device.Write.Restricted",
        "Directory.ReadWrite.All",
        "Directory.Write.Restricted",
        "Domain.ReadWrite.All",
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "RoleManagement.ReadWrite.Directory",
        "User-PasswordProfile.ReadWrite.All",
        "User.DeleteRestore.All",
        "User.EnableDisableAccount.All",
        "User.ReadWrite.All",
        "UserAuthenticationMethod.ReadWrite.All",
    }
)
_BLOCKED: Mapping[Kind, frozenset[str]] = {
    Kind.DELEGATED: _EITHER
    | {
        "Directory.AccessAsUser.All",
        "Group.Write.Restricted",
        "RoleManagement.ReadWrite.All",
        "UserAuthenticationMethod.Read.All",
    },
    Kind.APPLICATION: _EITHER
    | {
        "AgentIdentity.Create",
        "AgentIdentity.Create.All",
        "AgentIdentity.CreateAsManager",
        "AgentIdentityBlueprint.Create",
        "AgentIdentityBlueprint.CreateAsManager",
        "AgentIdentityBlueprint.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.Create",
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "BitlockerKey.Read.All",
        "Calendars.Read",
        "ChannelMessage.Read.All",
        "ChannelMessage.Read.Group",
        "Chat.Read.All",
        "Chat.ReadWrite.All",
        "ConsentRequest.ReadWrite.All",
        "Device.ReadWrite.All",
        "DeviceManagementConfiguration.Read.All",
        "EduRoster.ReadWrite.All",
        "EntitlementManagement.ReadWrite.All",
        "Files.Read.All",
        "Files.ReadWrite.All",
        "Group.Create",
        "IdentityProvider.ReadWrite.All",
        "LifecycleManagement.ReadWrite.All",
        "Organization.ReadWrite.All",
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.ReadWrite.CrossTenantAccess",
        "Policy.ReadWrite.PermissionGrant",
        "Policy.ReadWrite.SecurityDefaults",
        "PrintJob.ReadWrite.All",
        "PrivilegedAccess.ReadWrite.AzureAD",
        "PrivilegedAccess.ReadWrite.AzureResources",
        "Sites.FullControl.All",
        "Sites.Manage.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
        "Tasks.ReadWrite.All",
        "User.Invite.All",
    },
}


def blocked(app: str, permissions: Iterable[str], kind: Kind) -> tuple[str, ...]:
    """Name those of *permissions* of the application *app* that no agent is granted as *kind*."""
    if app != GRAPH_APP:
        return ()
    return tuple(sorted(frozenset(permissions) & _BLOCKED[kind]))
