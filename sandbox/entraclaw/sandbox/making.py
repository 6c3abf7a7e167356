"""Read what a request asks to be made or changed, as objects; and what Graph says no to.

Blueprints: https://learn.microsoft.com/graph/api/agentidentityblueprint-post
Principals: https://learn.microsoft.com/graph/api/agentidentityblueprintprincipal-post
Identities: https://learn.microsoft.com/graph/api/agentidentity-post
Agent users: https://learn.microsoft.com/graph/api/agentuser-post
Errors: https://learn.microsoft.com/entra/agent-id/identity-platform/error-codes
"""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import cast

from entraclaw.sandbox.directory import Tenant
from entraclaw.sandbox.documents import Json, flag, part, text, texts
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.objects import AgentUser, Blueprint, Identity, Principal

_LONGEST_NAME, _LONGEST_NICKNAME = 256, 64
_MOST_RESOURCES, _MOST_PERMISSIONS = 50, 400

_KEYS = frozenset({"keyCredentials", "passwordCredentials"})
_LINKS = frozenset({"@odata.type", "sponsors@odata.bind", "owners@odata.bind"})
# What nothing here looks into: kept, and shown again.
_OF_BLUEPRINTS = frozenset(
    {"api", "appRoles", "description", "groupMembershipClaims", "info", "optionalClaims"}
    | {"requiredResourceAccess", "serviceManagementReference", "web"}
)
_OF_USERS = frozenset(
    {"city", "companyName", "country", "department", "employeeId", "employeeType", "jobTitle"}
    | {"officeLocation", "preferredLanguage", "state", "givenName", "surname"}
)
# Of an application, but not of a blueprint: it signs nobody in.
_OF_APPLICATIONS = frozenset(
    {"publicClient", "spa", "isFallbackPublicClient", "isDeviceOnlyAuthSupported", "addIns"}
    | {"defaultRedirectUri", "samlMetadataUrl", "parentalControlSettings"}
    | {"nativeAuthenticationApisEnabled", "passwordCredentials"}
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9'._!#^~-]{1,64}")
_NICKNAME = re.compile(r"[^\s@()\\\[\]\";:<>,]{1,64}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def changed_blueprint(one: Blueprint, body: Json, domain: str) -> Blueprint:
    """Read what becomes of *one*, be it new; keys and sponsors are read elsewhere.

    Raises:
        GraphError: A property does not exist, cannot be set, or makes no sense.
    """
    if wrong := sorted(set(body) & _OF_APPLICATIONS):
        raise _refused(
            "AgentBlueprint_IncompatibleProperty",
            f"The property '{wrong[0]}' is incompatible with agent identity blueprints.",
        )
    own = {"displayName", "tags", "identifierUris", "keyCredentials", "signInAudience"}
    _nothing_but(body, own | _OF_BLUEPRINTS | _LINKS, "application")
    _check_access(body)
    uris = _texts(body, "identifierUris", one.uris)
    if not all(_is_uri(uri, one, domain) for uri in uris):
        raise _bad(
            "Values of identifierUris property must use a verified domain of the organization "
            "or its subdomain, or the application id."
        )
    return replace(
        one,
        name=_name(body, one.name),
        tags=_texts(body, "tags", one.tags),
        uris=uris,
        more={**one.more, **{name: body[name] for name in body if name in _OF_BLUEPRINTS}},
    )


def changed_principal(one: Principal, body: Json) -> Principal:
    """Read what becomes of *one*, be it new.

    Raises:
        GraphError: A property does not exist, cannot be set, or makes no sense.
    """
    _compatible(
        body,
        {"appId", "accountEnabled", "tags"},
        "AgentBlueprintPrincipal_IncompatibleProperty",
        "agent identity blueprint principals",
    )
    return replace(
        one,
        enabled=_flag(body, "accountEnabled", default=one.enabled),
        tags=_texts(body, "tags", one.tags),
    )


def changed_identity(one: Identity, body: Json) -> Identity:
    """Read what becomes of *one*, be it new; its sponsors are read elsewhere.

    Raises:
        GraphError: A property does not exist, cannot be set, or makes no sense.
    """
    if set(body) & _KEYS:
        raise _refused(
            "AgentIdentity_CredentialsNotSupported",
            "Credentials aren't supported for agent identities. Add all credentials to the "
            "agent identity blueprint.",
        )
    _compatible(
        body,
        {"displayName", "agentIdentityBlueprintId", "accountEnabled", "tags"},
        "AgentBlueprintPrincipal_AgentIdentity_IncompatibleProperty",
        "agent identities",
    )
    return replace(
        one,
        name=_name(body, one.name),
        enabled=_flag(body, "accountEnabled", default=one.enabled),
        tags=_texts(body, "tags", one.tags),
    )


def parent_of(body: Json) -> str:
    """The id of the agent identity that a new agent user belongs to.

    Raises:
        GraphError: It is not named.
    """
    # The form of the previews, which still is taken.
    older = part(body, "identityParent").get("id")
    named = body.get("identityParentId") or older
    if not isinstance(named, str) or not named:
        raise _required("identityParentId")
    return named.lower()


def new_user(one: AgentUser, body: Json, tenant: Tenant) -> AgentUser:
    """Read a new agent user; *one* is what is known of it before.

    Raises:
        GraphError: A property is missing, does not exist, or makes no sense.
    """
    for name in ("accountEnabled", "displayName", "mailNickname", "userPrincipalName"):
        if body.get(name) is None:
            raise _required(name)
    links = {"identityParentId", "identityParent"}
    rest = {name: value for name, value in body.items() if name not in links}
    return changed_user(one, rest, tenant)


def changed_user(one: AgentUser, body: Json, tenant: Tenant) -> AgentUser:
    """Read what becomes of *one*.

    Raises:
        GraphError: A property does not exist, cannot be set, or makes no sense.
    """
    if "identityParentId" in body:
        raise _bad("Property 'identityParentId' is read-only and cannot be set.")
    if "passwordProfile" in body:
        raise _bad("Property 'passwordProfile' is not supported for agent users.")
    own = {"accountEnabled", "displayName", "mailNickname", "userPrincipalName", "usageLocation"}
    _nothing_but(body, own | _OF_USERS | {"@odata.type"}, "user")
    upn = _text(body, "userPrincipalName", one.upn)
    nickname = _text(body, "mailNickname", one.nickname)
    country = _text(body, "usageLocation", one.country)
    if upn != one.upn:
        _check_upn(upn, tenant)
    if not _NICKNAME.fullmatch(nickname):
        raise _invalid("mailNickname", "User")
    if country and not _COUNTRY.fullmatch(country):
        raise _invalid("usageLocation", "User")
    return replace(
        one,
        name=_name(body, one.name),
        nickname=nickname,
        upn=upn,
        country=country,
        enabled=_flag(body, "accountEnabled", default=one.enabled),
        more={**one.more, **{name: body[name] for name in body if name in _OF_USERS}},
    )


def _check_upn(upn: str, tenant: Tenant) -> None:
    local, _, domain = upn.rpartition("@")
    if not _LOCAL_PART.fullmatch(local):
        raise _invalid("userPrincipalName", "User")
    if domain.lower() != tenant.domain:
        raise _bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one "
            "of the verified domain names in your organization."
        )


def _check_access(body: Json) -> None:
    resources = _objects(body, "requiredResourceAccess")
    permissions = sum(len(_objects(one, "resourceAccess")) for one in resources)
    if len(resources) > _MOST_RESOURCES or permissions > _MOST_PERMISSIONS:
        raise _bad("The size of the object has exceeded its limit: requiredResourceAccess.")


def _objects(body: Json, name: str) -> list[Json]:
    listed: object = body.get(name) or []
    if not isinstance(listed, list):
        raise _invalid(name, "Application")
    ones = cast("list[object]", listed)
    if not all(isinstance(one, dict) for one in ones):
        raise _invalid(name, "Application")
    return cast("list[Json]", ones)


def _is_uri(uri: str, one: Blueprint, domain: str) -> bool:
    scheme, _, rest = uri.partition("://")
    host = rest.partition("/")[0].lower()
    if scheme == "api" and host in {one.app, one.tenant}:
        return True
    return scheme in {"api", "https"} and (host == domain or host.endswith(f".{domain}"))


def _compatible(body: Json, names: set[str], code: str, kind: str) -> None:
    if wrong := sorted(set(body) - names - _LINKS):
        raise _refused(code, f"The property '{wrong[0]}' is incompatible with {kind}.")


def _nothing_but(body: Json, names: Collection[str], kind: str) -> None:
    if wrong := sorted(set(body) - set(names)):
        raise _bad(
            f"The property '{wrong[0]}' does not exist on type 'microsoft.graph.{kind}', or "
            "cannot be set."
        )


def _name(body: Json, current: str) -> str:
    name = _text(body, "displayName", current).strip()
    if not name:
        raise _required("displayName")
    if len(name) > _LONGEST_NAME:
        raise _invalid("displayName", "DirectoryObject")
    return name


def _text(body: Json, name: str, current: str) -> str:
    return text(body, name, current)


def _texts(body: Json, name: str, current: tuple[str, ...]) -> tuple[str, ...]:
    return texts(body, name) if name in body else current


def _flag(body: Json, name: str, *, default: bool) -> bool:
    return flag(body, name, default=default)


def _required(name: str) -> GraphError:
    return _bad(f"A value is required for property '{name}' of resource.")


def _invalid(name: str, kind: str) -> GraphError:
    return _bad(f"Invalid value specified for property '{name}' of resource '{kind}'.")


def _refused(code: str, message: str) -> GraphError:
    return GraphError(400, code, message)


def _bad(message: str) -> GraphError:
    return _refused("Request_BadRequest", message)
