"""The APIs that an application can be let into, as service principals of a tenant.

Their permissions have ids of their own. Of Microsoft Graph's hundreds those are here that an
agent or its administrator may want.

Service principals: https://learn.microsoft.com/graph/api/resources/serviceprincipal
Permissions: https://learn.microsoft.com/graph/permissions-reference
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from entraclaw.sandbox.directory_roles import needs_administrator
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.resources import (
    AGENT_CHANNEL,
    AGENT_TOOLS,
    GRAPH,
    STORAGE,
    WORK_IQ,
    Catalogue,
)

_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"  # the tenant that these applications are of

_Ids = Mapping[str, str]
_GRAPH_SCOPES: _Ids = MappingProxyType(
    {
        "User.Read": "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        "User.ReadBasic.All": "b340eb25-3456-403f-be2f-af7a0d370277",
        "User.Read.All": "a154be20-db9c-4678-8ab7-66f6cc099a59",
        "User.ReadWrite.All": "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4",
        "Chat.Read": "f501c180-9344-439a-bca0-6cbf209fd270",
        "Chat.ReadWrite": "9ff7295e-131b-4d94-90e1-69fde507ac11",
        "ChatMessage.Send": "116b7235-7cc6-461e-b163-8e55691d839e",
        "ChannelMessage.Read.All": "767156cb-16ae-4d10-8f8b-41b657c8c8c8",
        "ChannelMessage.Send": "ebf0f66e-9fb1-49e4-a278-222f76911cf4",
        "Mail.Read": "570282fd-fa5c-430d-a7fd-fc8dc98a9dca",
        "Mail.ReadWrite": "024d486e-b451-40bb-833d-3e66d98c5c73",
        "Mail.Send": "e383f46e-2787-4529-855e-0e479a3ffac0",
        "Calendars.Read": "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42",
        "Calendars.ReadWrite": "1ec239c2-d7c9-4623-a91a-a9775856bb36",
        "Files.Read.All": "df85f4d6-205c-4ac5-a5ea-6bf408dba283",
        "Files.ReadWrite.All": "863451e7-0667-486c-a5d6-d135439485f0",
        "Directory.ReadWrite.All": "c5366453-9fb0-48a5-a156-24f0c49a4b84",
        "Directory.AccessAsUser.All": "0e263e50-5827-48a4-b97c-d940288653c7",
        "DelegatedPermissionGrant.ReadWrite.All": "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
        "AppRoleAssignment.ReadWrite.All": "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
        "AgentIdentity.ReadWrite.All": "4a4facd5-0ee1-49b7-a5b2-fdcc2491685e",
        "AgentIdentityBlueprint.Create": "8fc15edd-ba24-494e-9bf6-d38e1b7ba8fd",
        "AgentIdentityBlueprint.ReadWrite.All": "4fd490fc-1467-48eb-8a4c-421597ab0402",
        "AgentIdentityBlueprintPrincipal.Create": "00dcd896-6b23-42ce-b5de-c58493c05e22",
        "AgentIdUser.ReadWrite.All": "ad57fb88-4658-4fd6-ab7d-e43184b08e4e",
    }
)
_GRAPH_ROLES: _Ids = MappingProxyType(
    {
        "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
        "User.ReadBasic.All": "97235f07-e226-4f63-ace3-39588e11d3a1",
        "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
        "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
        "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
        "Chat.Read.All": "6b7d71aa-70aa-4810-a8d9-5d9fb2830017",
        "Files.ReadWrite.All": "75359482-378d-4052-8f01-80520e7db3cd",
        "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
        "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
        "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
        "AgentIdentity.Read.All": "b2b8f011-2898-4234-9092-5059f6c1ebfa",
        "AgentIdentity.ReadWrite.All": "dcf7150a-88d4-4fe6-9be1-c2744c455397",
        "AgentIdentity.CreateAsManager": "4c390976-b2b7-42e0-9187-c6be3bead001",
        "AgentIdentityBlueprint.AddRemoveCreds.All": "0510736e-bdfb-4b37-9a1f-89b4a074763a",
        "AgentIdUser.ReadWrite.All": "b782c9ad-6f2b-4894-a21b-72bf22417f0a",
        "AgentIdUser.ReadWrite.IdentityParentedBy": "4aa6e624-eee0-40ab-bdd8-f9639038a614",
    }
)
_TOOLS = ("Mail", "Calendar", "Teams", "Me", "Files", "Word", "Excel", "PowerPoint", "CopilotMCP")


@dataclass(frozen=True, slots=True)
class Api:
    """One of them: *audience* is what its tokens are for, *scopes* and *roles* name to id."""

    app: str
    audience: str
    name: str
    scopes: _Ids
    roles: _Ids = field(default_factory=dict[str, str])

    def id(self, tenant: str) -> str:
        """The object id of its service principal in *tenant*."""
        return str(uuid.uuid5(uuid.UUID(tenant), self.app))

    def document(self, tenant: str) -> Json:
        """Graph's servicePrincipal."""
        return {
            "id": self.id(tenant),
            "deletedDateTime": None,
            "accountEnabled": True,
            "alternativeNames": [],
            "appDisplayName": self.name,
            "appId": self.app,
            "appOwnerOrganizationId": _MICROSOFT,
            "appRoleAssignmentRequired": False,
            "displayName": self.name,
            "servicePrincipalNames": sorted({self.app, self.audience}),
            "servicePrincipalType": "Application",
            "signInAudience": "AzureADMultipleOrgs",
            "tags": [],
            "keyCredentials": [],
            "passwordCredentials": [],
            "oauth2PermissionScopes": [_scope(*one) for one in self.scopes.items()],
            "appRoles": [_role(*one) for one in self.roles.items()],
        }


def _ids(app: str, *values: str) -> _Ids:
    return {value: str(uuid.uuid5(uuid.UUID(app), value)) for value in values}


def _known() -> Iterator[Api]:
    graph = "00000003-0000-0000-c000-000000000000"
    yield Api(graph, GRAPH, "Microsoft Graph", _GRAPH_SCOPES, _GRAPH_ROLES)
    channel = _ids(AGENT_CHANNEL, "AgentData.ReadWrite")
    yield Api(AGENT_CHANNEL, AGENT_CHANNEL, "Messaging Bot API Application", channel)
    storage = "e406a681-f3d4-42a8-90b6-c2b029497af1"
    own = {"user_impersonation": "03e0da56-190b-40ad-a80c-ea378c433f7f"}
    yield Api(storage, STORAGE, "Azure Storage", own)
    tools = (f"McpServers.{name}.All" for name in _TOOLS)
    known = _ids(AGENT_TOOLS, *tools, "McpServersMetadata.Read.All")
    yield Api(AGENT_TOOLS, AGENT_TOOLS, "Agent 365 Tools", known)
    for name, app in WORK_IQ.items():
        yield Api(app, app, f"Work IQ {name}", _ids(app, "Tools.ListInvoke.All"))


APIS: tuple[Api, ...] = tuple(_known())


class Apis:
    """Those that are there; *resources* says which the home tenant lacks."""

    def __init__(self, resources: Catalogue) -> None:
        self.resources = resources

    def __iter__(self) -> Iterator[Api]:
        """Every one that is there."""
        return (api for api in APIS if api.audience not in self.resources.missing)

    def find(self, tenant: str, name: str) -> Api | None:
        """Find one by the object id of its service principal in *tenant*."""
        wanted = name.lower()
        return next((api for api in self if api.id(tenant) == wanted), None)

    def by_app(self, app: str) -> Api | None:
        """Find one by its application id."""
        wanted = app.lower()
        return next((api for api in self if api.app == wanted), None)

    def by_audience(self, audience: str) -> Api | None:
        """Find one by what its tokens are for."""
        return next((api for api in self if api.audience == audience), None)


def _scope(value: str, own: str) -> Json:
    return {
        "id": own,
        "value": value,
        "type": "Admin" if needs_administrator(value) else "User",
        "isEnabled": True,
        "adminConsentDisplayName": value,
        "adminConsentDescription": value,
        "userConsentDisplayName": value,
        "userConsentDescription": value,
    }


def _role(value: str, own: str) -> Json:
    return {
        "id": own,
        "value": value,
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
        "displayName": value,
        "description": value,
        "origin": "Application",
    }
