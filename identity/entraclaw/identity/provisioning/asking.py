"""Which permissions an administrator is asked for: what a command needs, and no more. Pure.

https://learn.microsoft.com/graph/permissions-reference
"""

from entraclaw.identity.provisioning.wish import Wish

_READING = frozenset(
    {
        "Application.Read.All",
        "Directory.Read.All",
        "LicenseAssignment.Read.All",
        "Organization.Read.All",
        "User.Read",
        "User.Read.All",
    }
)
_LOOKING = frozenset({"AgentIdentity.Read.All", "AgentIdentityBlueprint.Read.All"})
_MAKING = frozenset(
    {
        "AgentIdUser.ReadWrite.All",
        "AgentIdentity.Create.All",
        "AgentIdentity.Read.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.Create",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprintPrincipal.Create",
        "DelegatedPermissionGrant.ReadWrite.All",
    }
)
_DELETING = frozenset(
    {
        "AgentIdUser.ReadWrite.All",
        "AgentIdentity.DeleteRestore.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.DeleteRestore.All",
        "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
        "DelegatedPermissionGrant.ReadWrite.All",
    }
)
_ENDPOINT = "AgentCommunicationConfiguration.ReadWrite"
_BOT = "Application.ReadWrite.All"
_LICENCE = "LicenseAssignment.ReadWrite.All"


def for_plan(wish: Wish) -> frozenset[str]:
    """Name what a look at everything needs."""
    more = {_ENDPOINT} if wish.endpoint else set[str]()
    return _READING | _LOOKING | more


def for_setup(wish: Wish) -> frozenset[str]:
    """Name what making it all needs."""
    more = {
        _LICENCE if wish.wants_licence else "",
        _ENDPOINT if wish.endpoint else "",
        _BOT if wish.bot else "",
    }
    return _READING | _MAKING | (more - {""})


def for_teardown(*, is_pointed: bool, has_seats: bool, has_bot: bool) -> frozenset[str]:
    """Name what undoing it needs.

    Args:
        is_pointed: An endpoint was registered.
        has_seats: Licences were assigned.
        has_bot: A certificate is on a bot's application.
    """
    more = {
        _ENDPOINT if is_pointed else "",
        _LICENCE if has_seats else "",
        _BOT if has_bot else "",
    }
    return _READING | _LOOKING | _DELETING | (more - {""})


def for_look() -> frozenset[str]:
    """Name what a look at what bears marks needs."""
    return _READING | _LOOKING
