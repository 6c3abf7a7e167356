"""What the excerpts hold: the types, the roots and the actions of what the sandbox serves.

A type that an answer carries and that is not listed makes the check fail, which says its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wanted:
    """One version of Graph, as much of it as is served.

    *open* types may carry more than they declare, which is lost in what the excerpt is cut
    from. *sets* and *actions* are folders of the SDK's request builders: what Graph calls
    what they lead to, and of an action the type that it is done to, too. *noted* are actions
    that the SDK has no builder for, each with the type that it is done to and gives.
    """

    types: tuple[str, ...]
    sets: Mapping[str, str]
    actions: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    open: frozenset[str] = frozenset()
    noted: Mapping[str, str] = field(default_factory=dict[str, str])


V1 = Wanted(
    types=(
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
        "informationalUrl",
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
        "webApplication",
        # How Graph says no.
        "oDataError",
        "mainError",
        "innerError",
        "errorDetails",
    ),
    sets={
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
    },
    actions={
        "applications/item/add_key": ("addKey", "application"),
        "applications/item/remove_key": ("removeKey", "application"),
        "directory/deleted_items/item/restore": ("restore", "directoryObject"),
        "users/item/assign_license": ("assignLicense", "user"),
    },
    # Teams tells of a user whose tenant it is of; of the other Microsoft's page says that it is
    # open: https://learn.microsoft.com/graph/api/resources/inheritablepermission
    open=frozenset({"identity", "inheritablePermission"}),
)

# Of beta nothing but where an agent is told of messages, which v1.0 does not have.
BETA = Wanted(
    types=(
        "agentBlueprintApiBasedEndpointConfigurationDetails",
        "agentBlueprintBotBasedEndpointConfigurationDetails",
        "agentCommunicationConfiguration",
        "agentConversationConfiguration",
        "agentEndpointConfiguration",
        "agentIdentity",
        "agentIdentityBlueprint",
        "agentTeamworkConfiguration",
        "oDataError",
        "mainError",
        "innerError",
        "errorDetails",
    ),
    sets={"applications": "applications", "service_principals": "servicePrincipals"},
    # https://learn.microsoft.com/graph/api/agentcommunicationconfiguration-reset
    noted={"reset": "agentCommunicationConfiguration"},
)

VERSIONS: Mapping[str, Wanted] = {"v1.0": V1, "beta": BETA}
