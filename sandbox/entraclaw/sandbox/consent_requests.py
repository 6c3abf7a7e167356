"""Read what an administrator is asked to allow for everybody, and who may allow it.

https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from entraclaw.sandbox.blocked import blocked_roles, blocked_scopes
from entraclaw.sandbox.directory_roles import (
    MAY_CONSENT,
    MAY_CONSENT_TO_ROLES,
    DirectoryRole,
)
from entraclaw.sandbox.refusals import RefusalError
from entraclaw.sandbox.resources import GRAPH, Catalogue

# Where such a request ends if no application waits for it: a page that says so.
PORTAL = "https://entra.microsoft.com/TokenAuthorize"
_LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?(?:/[A-Za-z0-9/_-]*)?")

_Permissions = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Client:
    """The application that asks; *principal* is an agent's or a blueprint's in the directory.

    Without one it is a public client, at which people sign in.
    """

    id: str
    name: str
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What it asks: delegated *scopes* and application *roles*, both by resource.

    *redirect* is empty where no application waits for the answer.
    """

    client: Client
    tenant: str
    scopes: _Permissions = field(default_factory=dict[str, tuple[str, ...]])
    roles: _Permissions = field(default_factory=dict[str, tuple[str, ...]])
    redirect: str = ""
    state: str = ""

    @property
    def scope(self) -> str:
        """The scopes as an answer names them."""
        return " ".join(f"{name}/{one}" for name, all_ in self.scopes.items() for one in all_)


def read(
    query: Mapping[str, str], client: Client, tenant: str, resources: Catalogue
) -> ConsentRequest:
    """Read the *query* of a request for consent.

    Raises:
        RefusalError: It leads back to a stranger, or asks for what no agent can have.
        ScopeError: It names nothing, or what does not exist.
    """
    redirect = query.get("redirect_uri", "")
    if redirect not in {"", PORTAL} and not _LOOPBACK.fullmatch(redirect):
        raise RefusalError(50011)
    scope, role = query.get("scope", ""), query.get("role", "")
    nothing: _Permissions = {}
    scopes = resources.read_many(scope) if scope or not role else nothing
    roles = resources.read_many(role) if role else nothing
    if client.principal is None and roles:
        raise RefusalError(70011, "An application that people sign in at has no roles.")
    if client.principal is not None:
        _check(blocked_scopes(scopes.get(GRAPH, ())) + blocked_roles(roles.get(GRAPH, ())))
    own = "" if redirect == PORTAL else redirect
    return ConsentRequest(client, tenant, scopes, roles, own, query.get("state", ""))


def may_allow(request: ConsentRequest, held: Iterable[DirectoryRole]) -> bool:
    """Whether somebody who holds the roles *held* may allow what is asked."""
    return bool((MAY_CONSENT_TO_ROLES if request.roles else MAY_CONSENT).intersection(held))


def _check(never: list[str]) -> None:
    if never:
        # In which words Entra says so is not documented.
        raise RefusalError(70011, f"The permission {never[0]} cannot be granted to agents.")
