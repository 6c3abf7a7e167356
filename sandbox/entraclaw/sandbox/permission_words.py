"""What permissions allow, in words for people."""

from collections.abc import Mapping
from types import MappingProxyType

from entraclaw.sandbox.resources import DEFAULT

# {whose} and {whom} are the person's, or the agent's.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "User.Read": "Sign {whom} in and read {whose} profile",
        "User.ReadBasic.All": "Read everybody's name and address",
        "Chat.Read": "Read {whose} chats",
        "Chat.ReadWrite": "Read and write {whose} chats",
        "ChatMessage.Send": "Send chat messages as {whom}",
        "Mail.ReadWrite": "Read and write {whose} mail",
        "Mail.Send": "Send mail as {whom}",
        "Calendars.ReadWrite": "Read and write {whose} calendars",
        "Files.ReadWrite.All": "Read and write all files {whose} account can reach",
        "AgentData.ReadWrite": "Answer in Teams as {whom}",
        "Tools.ListInvoke.All": "Use the tools there as {whom}",
        "user_impersonation": "Use storage as {whom}",
        "AgentIdentity.ReadWrite.All": "Create and change agent identities",
        "AgentIdentityBlueprint.Create": "Create agent blueprints",
        "AgentIdentityBlueprint.ReadWrite.All": "Create and change agent blueprints",
        "AgentIdentityBlueprintPrincipal.Create": "Bring agent blueprints into the organization",
        "AgentIdentityBlueprintPrincipal.ReadWrite.All": (
            "Bring agent blueprints into the organization"
        ),
        "AgentIdUser.ReadWrite.All": "Create and change agents' accounts",
        "AgentCommunicationConfiguration.ReadWrite": "Say where agents' messages go",
        "DelegatedPermissionGrant.ReadWrite.All": "Let applications act as people",
        "AppRoleAssignment.ReadWrite.All": "Let applications act on their own",
        "Application.Read.All": "Read all applications",
        "Directory.AccessAsUser.All": "Do in the directory whatever {whose} roles allow",
        "LicenseAssignment.ReadWrite.All": "Assign licences",
        "Organization.Read.All": "Read about the organization",
        "offline_access": "Keep this until it is taken back",
        DEFAULT: "Whatever is registered for it",
    }
)


def said(permission: str, *, whose: str = "your", whom: str = "you") -> str:
    """Say what *permission* allows; one that is not known here, by its name."""
    return _WORDS.get(permission, permission).format(whose=whose, whom=whom)
