"""Who may change the directory: which permission and which role each act needs.

A token needs one of the act's permissions; a person's needs one of its directory roles
besides. Owners of a thing may do to it what the roles may. A client that was ever granted
one of two very wide permissions cannot write agent objects at all, whatever else it holds.

Agents: https://learn.microsoft.com/graph/api/resources/agentid-platform-overview
Grants: https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
Roles assigned: https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
Licences: https://learn.microsoft.com/graph/api/user-assignlicense
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory_roles import (
    MAY_CONSENT,
    MAY_CONSENT_TO_ROLES,
    DirectoryRole,
)
from entraclaw.sandbox.envelopes import GraphError

# "The client's permissions to create, update, and delete Agent IDs are ignored":
# https://learn.microsoft.com/graph/api/agentidentityblueprint-post
TOO_WIDE = frozenset({"Directory.AccessAsUser.All", "Directory.ReadWrite.All"})

_AGENTS = frozenset({DirectoryRole.GLOBAL, DirectoryRole.AGENT_ID})
_MAKERS = _AGENTS | {DirectoryRole.AGENT_ID_DEVELOPER}
_USERS = _AGENTS | {DirectoryRole.USER}
_LICENSERS = frozenset({DirectoryRole.GLOBAL, DirectoryRole.LICENSE, DirectoryRole.USER})
_READERS = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_OBJECTS = _READERS | {"Application.Read.All", "Application.ReadWrite.All"}


class Act(StrEnum):
    """What somebody wants to do; a sponsor is changed by updating whose sponsor it is."""

    READ_BLUEPRINT = auto()
    CREATE_BLUEPRINT = auto()
    UPDATE_BLUEPRINT = auto()
    CERTIFY_BLUEPRINT = auto()
    INHERIT_PERMISSIONS = auto()
    REGISTER_ENDPOINT = auto()
    DELETE_BLUEPRINT = auto()
    READ_PRINCIPAL = auto()
    CREATE_PRINCIPAL = auto()
    UPDATE_PRINCIPAL = auto()
    ENABLE_PRINCIPAL = auto()
    DELETE_PRINCIPAL = auto()
    READ_IDENTITY = auto()
    CREATE_IDENTITY = auto()
    UPDATE_IDENTITY = auto()
    ENABLE_IDENTITY = auto()
    DELETE_IDENTITY = auto()
    READ_USER = auto()
    CREATE_USER = auto()
    UPDATE_USER = auto()
    DELETE_USER = auto()
    READ_RESOURCE = auto()
    READ_GRANTS = auto()
    GRANT_SCOPES = auto()
    READ_ASSIGNMENTS = auto()
    ASSIGN_ROLES = auto()
    READ_ORGANIZATION = auto()
    READ_GROUP = auto()
    READ_LICENCES = auto()
    ASSIGN_LICENCE = auto()


@dataclass(frozen=True, slots=True)
class Right:
    """What an act needs: one of *permissions*, and of a person one of *roles*.

    Without *roles* every member may. *of_agents*: it writes an agent object.
    """

    permissions: frozenset[str]
    roles: frozenset[DirectoryRole] | None = None
    of_agents: bool = False


def _may(roles: frozenset[DirectoryRole], *permissions: str) -> Right:
    return Right(frozenset(permissions), roles, of_agents=True)


def _reads(*permissions: str, more: frozenset[str] = _OBJECTS) -> Right:
    return Right(frozenset(permissions) | more)


_BLUEPRINT = "AgentIdentityBlueprint"
_PRINCIPAL = "AgentIdentityBlueprintPrincipal"
_IDENTITY = "AgentIdentity"
_USER = "AgentIdUser"
_USER_WRITING = (f"{_USER}.ReadWrite.IdentityParentedBy", f"{_USER}.ReadWrite.All")

RIGHTS: Mapping[Act, Right] = MappingProxyType(
    {
        Act.READ_BLUEPRINT: _reads(
            f"{_BLUEPRINT}.Read.All",
            f"{_BLUEPRINT}.ReadWrite.All",
            f"{_BLUEPRINT}.AddRemoveCreds.All",
        ),
        Act.CREATE_BLUEPRINT: _may(_MAKERS, f"{_BLUEPRINT}.Create", f"{_BLUEPRINT}.ReadWrite.All"),
        Act.UPDATE_BLUEPRINT: _may(
            _AGENTS,
            f"{_BLUEPRINT}.ReadWrite.All",
            f"{_BLUEPRINT}.UpdateAuthProperties.All",
            f"{_BLUEPRINT}.UpdateBranding.All",
        ),
        Act.CERTIFY_BLUEPRINT: _may(
            _AGENTS, f"{_BLUEPRINT}.AddRemoveCreds.All", f"{_BLUEPRINT}.ReadWrite.All"
        ),
        Act.INHERIT_PERMISSIONS: _may(
            _AGENTS,
            f"{_BLUEPRINT}.Create",
            f"{_BLUEPRINT}.UpdateAuthProperties.All",
            f"{_BLUEPRINT}.ReadWrite.All",
        ),
        Act.REGISTER_ENDPOINT: _may(_AGENTS, "AgentCommunicationConfiguration.ReadWrite"),
        Act.DELETE_BLUEPRINT: _may(
            _AGENTS, f"{_BLUEPRINT}.DeleteRestore.All", f"{_BLUEPRINT}.ReadWrite.All"
        ),
        Act.READ_PRINCIPAL: _reads(f"{_PRINCIPAL}.Read.All", f"{_PRINCIPAL}.ReadWrite.All"),
        Act.CREATE_PRINCIPAL: _may(_MAKERS, f"{_PRINCIPAL}.Create", f"{_PRINCIPAL}.ReadWrite.All"),
        Act.UPDATE_PRINCIPAL: _may(_AGENTS, f"{_PRINCIPAL}.ReadWrite.All"),
        Act.ENABLE_PRINCIPAL: _may(
            _AGENTS, f"{_PRINCIPAL}.EnableDisable.All", f"{_PRINCIPAL}.ReadWrite.All"
        ),
        Act.DELETE_PRINCIPAL: _may(
            _AGENTS, f"{_PRINCIPAL}.DeleteRestore.All", f"{_PRINCIPAL}.ReadWrite.All"
        ),
        Act.READ_IDENTITY: _reads(f"{_IDENTITY}.Read.All", f"{_IDENTITY}.ReadWrite.All"),
        Act.CREATE_IDENTITY: _may(
            _AGENTS,
            f"{_IDENTITY}.Create.All",
            f"{_IDENTITY}.CreateAsManager",
            f"{_IDENTITY}.ReadWrite.All",
        ),
        Act.UPDATE_IDENTITY: _may(_AGENTS, f"{_IDENTITY}.ReadWrite.All"),
        Act.ENABLE_IDENTITY: _may(
            _AGENTS, f"{_IDENTITY}.EnableDisable.All", f"{_IDENTITY}.ReadWrite.All"
        ),
        Act.DELETE_IDENTITY: _may(
            _AGENTS, f"{_IDENTITY}.DeleteRestore.All", f"{_IDENTITY}.ReadWrite.All"
        ),
        Act.READ_USER: _reads(
            *_USER_WRITING, "User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"
        ),
        Act.CREATE_USER: _may(_AGENTS, *_USER_WRITING, "User.ReadWrite.All"),
        Act.UPDATE_USER: _may(_USERS, *_USER_WRITING, "User.ReadWrite.All"),
        Act.DELETE_USER: _may(
            _USERS, *_USER_WRITING, "User.ReadWrite.All", "User.DeleteRestore.All"
        ),
        Act.READ_RESOURCE: _reads("AppRoleAssignment.ReadWrite.All"),
        Act.READ_GRANTS: _reads(
            "DelegatedPermissionGrant.Read.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            more=_READERS,
        ),
        Act.GRANT_SCOPES: Right(
            frozenset({"DelegatedPermissionGrant.ReadWrite.All", *TOO_WIDE}), MAY_CONSENT
        ),
        Act.READ_ASSIGNMENTS: _reads("AppRoleAssignment.ReadWrite.All"),
        Act.ASSIGN_ROLES: Right(
            frozenset({"AppRoleAssignment.ReadWrite.All"}), MAY_CONSENT_TO_ROLES
        ),
        Act.READ_ORGANIZATION: _reads(
            "User.Read", "Organization.Read.All", "Organization.ReadWrite.All", more=_READERS
        ),
        Act.READ_GROUP: _reads(
            "GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", more=_READERS
        ),
        Act.READ_LICENCES: _reads(
            "LicenseAssignment.Read.All",
            "LicenseAssignment.ReadWrite.All",
            "Organization.Read.All",
            "Organization.ReadWrite.All",
            more=_READERS,
        ),
        Act.ASSIGN_LICENCE: Right(
            frozenset(
                {"LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}
            ),
            _LICENSERS,
        ),
    }
)


def permit_admin(bearer: Bearer, act: Act, *, is_owner: bool = False) -> None:
    """Let *bearer* do *act*, or refuse; *is_owner*: of the thing that it is done to.

    Raises:
        GraphError: 403, it may not.
    """
    if not _is_permitted(bearer, RIGHTS[act], is_owner=is_owner):
        message = "Insufficient privileges to complete the operation."
        raise GraphError(403, "Authorization_RequestDenied", message)


def _is_permitted(bearer: Bearer, right: Right, *, is_owner: bool) -> bool:
    held = bearer.scopes if bearer.idtyp == "user" else bearer.roles
    if not held & right.permissions or (right.of_agents and held & TOO_WIDE):
        return False
    if bearer.idtyp != "user" or right.roles is None or is_owner:
        return True
    return any(role.template in bearer.wids for role in right.roles)
