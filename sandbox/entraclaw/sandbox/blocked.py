"""The permissions of Microsoft Graph that no agent can be granted, by anybody.

https://learn.microsoft.com/graph/api/resources/agentid-platform-overview
"""

from collections.abc import Iterable

_ALWAYS = frozenset(
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
_SCOPES = _ALWAYS | {
    "Directory.AccessAsUser.All",
    "Group.Write.Restricted",
    "RoleManagement.ReadWrite.All",
    "UserAuthenticationMethod.Read.All",
}
_ROLES = _ALWAYS | {
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
}


def blocked_scopes(scopes: Iterable[str]) -> list[str]:
    """Those of Graph's delegated *scopes* that an agent cannot have."""
    return sorted(_SCOPES.intersection(scopes))


def blocked_roles(roles: Iterable[str]) -> list[str]:
    """Those of Graph's application *roles* that an agent cannot have."""
    return sorted(_ROLES.intersection(roles))
