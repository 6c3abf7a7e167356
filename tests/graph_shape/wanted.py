"""What the excerpt holds: the types, the roots and the actions of what the sandbox serves.

A type that an answer carries and that is not listed makes the check fail, which says its name.
"""

from collections.abc import Mapping
from types import MappingProxyType

TYPES = (
    "aadUserConversationMember",
    "agentIdentity",
    "agentIdentityBlueprint",
    "agentIdentityBlueprintPrincipal",
    "agentUser",
    "allAllowedScopes",
    "apiApplication",
    "appRole",
    "appRoleAssignment",
    "application",
    "assignedLicense",
    "assignedPlan",
    "chat",
    "chatMessage",
    "chatMessageAttachment",
    "chatMessageFromIdentitySet",
    "chatMessageHistoryItem",
    "chatMessageInfo",
    "chatMessageMention",
    "chatMessageMentionedIdentitySet",
    "chatMessageReaction",
    "chatMessageReactionIdentitySet",
    "chatViewpoint",
    "directory",
    "directoryRole",
    "driveItem",
    "enumeratedScopes",
    "file",
    "group",
    "hashes",
    "identity",
    "inheritablePermission",
    "itemBody",
    "keyCredential",
    "licenseDetails",
    "licenseUnitsDetail",
    "mailFolder",
    "mailboxSettings",
    "membersAddedEventMessageDetail",
    "noScopes",
    "oAuth2PermissionGrant",
    "organization",
    "passwordCredential",
    "permissionScope",
    "provisionedPlan",
    "requiredResourceAccess",
    "resourceAccess",
    "servicePlanInfo",
    "servicePrincipal",
    "sharedDriveItem",
    "subscribedSku",
    "teamworkApplicationIdentity",
    "teamworkConversationIdentity",
    "teamworkUserIdentity",
    "user",
    "verifiedDomain",
    "verifiedPublisher",
    # How Graph says no.
    "oDataError",
    "mainError",
    "innerError",
    "errorDetails",
)

# Open: an answer may carry more than these declare, and Teams does (a user's tenantId). Of what
# the SDK is made of, this alone is lost in it.
OPEN = frozenset({"identity"})

# Folders of the SDK's request builders, and what Graph calls what they lead to.
SETS: Mapping[str, str] = MappingProxyType(
    {
        "applications": "applications",
        "chats": "chats",
        "directory": "directory",
        "directory_objects": "directoryObjects",
        "directory_roles": "directoryRoles",
        "groups": "groups",
        "oauth2_permission_grants": "oauth2PermissionGrants",
        "organization": "organization",
        "service_principals": "servicePrincipals",
        "shares": "shares",
        "subscribed_skus": "subscribedSkus",
        "users": "users",
        "users/item": "me",
    }
)

# The same, and the type that the action is done to.
ACTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "applications/item/add_key": ("addKey", "application"),
        "applications/item/remove_key": ("removeKey", "application"),
        "directory/deleted_items/item/restore": ("restore", "directoryObject"),
        "users/item/assign_license": ("assignLicense", "user"),
    }
)
