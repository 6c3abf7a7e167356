"""Turn what Graph shows of an agent's objects into values. Pure; nothing else is read here."""

from collections.abc import Iterable, Mapping
from typing import cast

from entraclaw.identity.provisioning.calls import Document, text
from entraclaw.identity.provisioning.facts import (
    Application,
    Endpoint,
    Identity,
    Me,
    Organisation,
    Sponsor,
    User,
)
from entraclaw.identity.provisioning.marks import mark_of

_ROLE, _GROUP = "#microsoft.graph.directoryRole", "#microsoft.graph.group"


def me(shown: Document, roles: Iterable[Document]) -> Me:
    """Read who signed in, and which directory roles are among what they are in."""
    held = {str(one.get("roleTemplateId")) for one in roles if one.get("@odata.type") == _ROLE}
    return Me(
        text(shown, "id").lower(),
        _said(shown, "userPrincipalName"),
        _said(shown, "displayName"),
        frozenset(held),
    )


def organisation(shown: Document) -> Organisation:
    """Read the tenant."""
    found = [one for one in _list(shown.get("verifiedDomains")) if one.get("name")]
    found.sort(key=lambda one: one.get("isDefault") is not True)
    domains = tuple(str(one["name"]).lower() for one in found)
    return Organisation(
        text(shown, "id").lower(),
        _said(shown, "displayName"),
        domains,
        _said(shown, "countryLetterCode"),
    )


def application(shown: Document) -> Application:
    """Read a blueprint, or another application."""
    return Application(
        text(shown, "id").lower(),
        text(shown, "appId").lower(),
        _said(shown, "displayName"),
        mark_of(shown),
    )


def identity(shown: Document) -> Identity:
    """Read an agent identity."""
    return Identity(
        text(shown, "id").lower(),
        _said(shown, "displayName"),
        _said(shown, "agentIdentityBlueprintId").lower(),
        mark_of(shown),
    )


def user(shown: Document) -> User:
    """Read an agent user."""
    return User(
        text(shown, "id").lower(),
        _said(shown, "userPrincipalName"),
        _said(shown, "identityParentId").lower(),
        _said(shown, "usageLocation"),
    )


def sponsor(shown: Document) -> Sponsor:
    """Read a person, or a group."""
    return Sponsor(
        text(shown, "id").lower(),
        _said(shown, "displayName"),
        is_group=shown.get("@odata.type") == _GROUP,
    )


def endpoint(shown: Document) -> Endpoint:
    """Read where messages go."""
    configured = _part(_part(shown, "endpointConfiguration"), "apiBased")
    return Endpoint(
        is_here=True,
        url=_said(configured, "callbackUri"),
        is_ours_to_set=shown.get("isOverridableAtAgentIdLevel") is True,
        document=shown,
    )


def _said(document: Document, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _part(document: Document, name: str) -> Document:
    value = document.get(name)
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Document]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Document", one) for one in listed if isinstance(one, dict)]
