"""How Graph shows the objects of a directory, with the properties of its own model.

Applications: https://learn.microsoft.com/graph/api/resources/agentidentityblueprint
Principals: https://learn.microsoft.com/graph/api/resources/agentidentityblueprintprincipal
Identities: https://learn.microsoft.com/graph/api/resources/agentidentity
Agent users: https://learn.microsoft.com/graph/api/resources/agentuser
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from entraclaw.sandbox.directory import Application, Person, Tenant
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.licences import LICENCES
from entraclaw.sandbox.objects import AgentUser, Blueprint, Identity, Life, Principal
from entraclaw.sandbox.sponsors import Group

TYPES: Mapping[type, str] = MappingProxyType(
    {
        Blueprint: "#microsoft.graph.agentIdentityBlueprint",
        Principal: "#microsoft.graph.agentIdentityBlueprintPrincipal",
        Identity: "#microsoft.graph.agentIdentity",
        AgentUser: "#microsoft.graph.agentUser",
    }
)

_NO_ADDRESSES = ("termsOfServiceUrl", "supportUrl", "privacyStatementUrl", "marketingUrl")


def application(one: Application, *, is_whole: bool, domain: str) -> Json:
    """A blueprint, or a bot's application; keys only if it *is_whole*."""
    blueprint = one.blueprint
    own: Json = {
        "id": one.id,
        "deletedDateTime": None,
        "appId": one.app,
        "createdDateTime": None,
        "displayName": one.name,
        "description": None,
        "publisherDomain": domain,
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [f"api://{one.app}"],
        "tags": [],
        "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": []},
        "appRoles": [],
        "info": dict.fromkeys([*_NO_ADDRESSES, "logoUrl"]),
        "requiredResourceAccess": [],
        "optionalClaims": None,
        "web": {"redirectUris": [], "homePageUrl": None, "logoutUrl": None},
        "keyCredentials": [key.document(is_whole=is_whole) for key in one.certificates],
        "passwordCredentials": [],
    }
    if blueprint is None:
        return own
    return {
        "@odata.type": TYPES[Blueprint],
        **own,
        "identifierUris": list(blueprint.uris),
        "createdByAppId": blueprint.maker or None,
        "tags": list(blueprint.tags),
        **_life(blueprint.life),
        **blueprint.more,
    }


def principal(one: Principal, blueprint: Blueprint | None, tenant: Tenant) -> Json:
    """A blueprint's principal, which is named as its *blueprint*, if that is there."""
    own = blueprint.tags if blueprint else ()
    return {
        "@odata.type": TYPES[Principal],
        "id": one.id,
        # When it was made v1.0 does not tell.
        "deletedDateTime": _life(one.life)["deletedDateTime"],
        "accountEnabled": one.enabled,
        "appId": one.app,
        "appDisplayName": blueprint.name if blueprint else None,
        "appOwnerOrganizationId": tenant.id,
        "appRoleAssignmentRequired": False,
        "appRoles": [],
        "createdByAppId": one.maker or None,
        "displayName": blueprint.name if blueprint else one.app,
        "oauth2PermissionScopes": [],
        "servicePrincipalNames": [one.app, *(blueprint.uris if blueprint else ())],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "tags": list(dict.fromkeys([*one.tags, *own])),
    }


def identity(one: Identity, blueprint: Blueprint | None) -> Json:
    """An agent identity; its tags are its own and its *blueprint*'s."""
    own = blueprint.tags if blueprint else ()
    return {
        "@odata.type": TYPES[Identity],
        "id": one.id,
        **_life(one.life),
        "accountEnabled": one.enabled,
        "appId": one.id,
        "agentIdentityBlueprintId": one.blueprint,
        "createdByAppId": one.maker or None,
        "displayName": one.name,
        "servicePrincipalNames": [one.id],
        "servicePrincipalType": "ServiceIdentity",
        "tags": list(dict.fromkeys([*one.tags, *own])),
    }


def agent_user(one: AgentUser) -> Json:
    """An agent user, with all that has to be selected to be shown, too."""
    return {
        "@odata.type": TYPES[AgentUser],
        **profile(one.id, one.name, one.upn),
        **_life(one.life),
        "accountEnabled": one.enabled,
        "mailNickname": one.nickname,
        "identityParentId": one.identity,
        "usageLocation": one.country or None,
        "userType": "Member",
        "assignedLicenses": [
            {"disabledPlans": [], "skuId": LICENCES[name].sku} for name in one.licences
        ],
        **one.more,
    }


def person(one: Person) -> Json:
    """Somebody of the tenant, with all that has to be selected to be shown, too."""
    return {
        **profile(one.oid, one.name, one.upn),
        "accountEnabled": True,
        "mailNickname": one.upn.partition("@")[0],
        "identityParentId": None,
        "usageLocation": "US",
        "userType": "Member",
    }


# What Graph shows of a user without being asked for it by name.
PROFILE = frozenset(
    {"id", "displayName", "givenName", "surname", "userPrincipalName", "mail", "jobTitle"}
    | {"mobilePhone", "officeLocation", "preferredLanguage", "businessPhones"}
)


def profile(oid: str, name: str, upn: str) -> Json:
    """A user as Graph shows one by default."""
    given, _, surname = name.partition(" ")
    return {
        "id": oid,
        "displayName": name,
        "givenName": given,
        "surname": surname or None,
        "userPrincipalName": upn,
        "mail": upn,
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "en-US",
        "businessPhones": [],
    }


def group(one: Group) -> Json:
    """A group."""
    return {
        "id": one.id,
        "displayName": one.name,
        "groupTypes": ["Unified"] if one.unified else [],
        "isAssignableToRole": one.assignable or None,
        "mailEnabled": one.unified,
        "securityEnabled": not one.unified,
    }


def _life(life: Life) -> Json:
    deleted = None if life.deleted is None else _iso(life.deleted)
    return {"createdDateTime": _iso(life.made), "deletedDateTime": deleted}


def _iso(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
