"""Read what is to be granted, and say no to what cannot be.

Grants: https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
Assignments: https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
"""

from dataclasses import dataclass
from enum import StrEnum

from entraclaw.sandbox.apis import Api
from entraclaw.sandbox.blocked import blocked_roles, blocked_scopes
from entraclaw.sandbox.documents import Json, text
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.resources import GRAPH


class Consent(StrEnum):
    """For whom a grant holds."""

    EVERYBODY = "AllPrincipals"
    ONE = "Principal"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant as it is asked for: object ids, in lower case; *user* only for one person."""

    client: str
    resource: str
    user: str | None
    scopes: tuple[str, ...]


def wanted(body: Json) -> Wanted:
    """Read a new grant.

    Raises:
        GraphError: Something is missing, or does not fit together.
    """
    client, resource = _id(body, "clientId"), _id(body, "resourceId")
    consent, user = text(body, "consentType", ""), body.get("principalId")
    if consent not in {one.value for one in Consent}:
        raise bad("Invalid value specified for property 'consentType'.")
    is_one = consent == Consent.ONE
    if is_one != isinstance(user, str):
        wants = "must name the user" if is_one else "must be null"
        raise bad(f"Property principalId {wants} when consentType is {consent}.")
    scopes = scopes_of(body)
    # v1.0 insists on it, though it does nothing and is never shown.
    if not text(body, "startTime", ""):
        raise bad("Missing property: startTime")
    return Wanted(client, resource, user.lower() if isinstance(user, str) else None, scopes)


def scopes_of(body: Json) -> tuple[str, ...]:
    """Read `scope`: names with spaces between them, each once, in their order.

    Raises:
        GraphError: It names nothing.
    """
    scopes = tuple(dict.fromkeys(text(body, "scope", "").split()))
    if not scopes:
        raise bad("Missing property: scope")
    return scopes


def admit_scopes(api: Api, scopes: tuple[str, ...]) -> None:
    """Let an agent be granted *scopes* of *api*.

    Raises:
        GraphError: No agent can have one of them.
    """
    # In which words Graph says so is not documented.
    if api.audience == GRAPH and (never := blocked_scopes(scopes)):
        raise bad(f"The permission '{never[0]}' cannot be granted to agents.")


def admit_role(api: Api, role_id: str) -> str:
    """Let an agent be assigned a role of *api*, and give the role's name.

    Raises:
        GraphError: There is no such role, or no agent can have it.
    """
    names = [name for name, own in api.roles.items() if own == role_id.lower()]
    if not names:
        raise bad(f"Permission being assigned was not found on application '{api.app}'.")
    if api.audience == GRAPH and (never := blocked_roles(names)):
        raise bad(f"The permission '{never[0]}' cannot be granted to agents.")
    return names[0]


def bad(message: str) -> GraphError:
    """The directory's no to a request that makes no sense."""
    return GraphError(400, "Request_BadRequest", message)


def _id(body: Json, name: str) -> str:
    value = text(body, name, "")
    if not value:
        raise bad(f"Missing property: {name}")
    return value.lower()
