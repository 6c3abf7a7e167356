"""What applications are let do: as whom, in which API, and what agents inherit of it.

A ledger without rules of its own. Entra's login servers hear of a change some time after
Graph does, and so each entry is told with the moment from which on they know it. What
resources are called here is what their tokens are for.

Grants: https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
Inheritance: https://learn.microsoft.com/entra/agent-id/configure-inheritable-permissions-blueprints
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grant:
    """Delegated *scopes* of a *resource* that the service principal *client* may use.

    As one *user*, by their object id, or with None as everybody of the tenant.
    """

    client: str
    resource: str
    user: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """An application permission: *role* of a *resource*, which *client* has as itself.

    *made* is in seconds since the epoch, by the tenant's clock.
    """

    client: str
    resource: str
    role: str
    made: float


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What of one resource a blueprint's agents inherit of its principal; None is everything."""

    scopes: frozenset[str] | None
    roles: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Whose permissions count for an agent identity: its own, and its blueprint's.

    *identity* and *principal* are service principals' ids, *blueprint* an application's.
    """

    identity: str
    blueprint: str
    principal: str | None


@dataclass(slots=True)
class _Heard:
    """What the login servers were told, entry by entry, in the order in which it was said."""

    told: dict[tuple[str, ...], list[tuple[float, frozenset[str]]]] = field(
        default_factory=dict[tuple[str, ...], list[tuple[float, frozenset[str]]]]
    )

    def tell(self, key: tuple[str, ...], names: frozenset[str], known_from: float) -> None:
        self.told.setdefault(key, []).append((known_from, names))

    def at(self, key: tuple[str, ...], moment: float) -> frozenset[str]:
        known = (names for since, names in reversed(self.told.get(key, [])) if since <= moment)
        return next(known, frozenset[str]())


class Consents:
    """Every grant, assignment and inheritance, in memory."""

    def __init__(self) -> None:
        self._grants: dict[tuple[str, str, str | None], Grant] = {}
        self._assignments: dict[tuple[str, str, str], Assignment] = {}
        self._inherited: dict[tuple[str, str], Inheritance] = {}
        self._scopes, self._roles = _Heard(), _Heard()

    def grant(self, grant: Grant, known_from: float) -> None:
        """Keep *grant* in the place of the one with the same client, resource and user."""
        key = (grant.client, grant.resource, grant.user)
        if grant.scopes:
            self._grants[key] = grant
        else:
            self._grants.pop(key, None)
        heard = (grant.client, grant.resource, grant.user or "")
        self._scopes.tell(heard, frozenset(grant.scopes), known_from)

    def find(self, client: str, resource: str, user: str | None) -> Grant | None:
        """Find a grant."""
        return self._grants.get((client, resource, user))

    def grants(self) -> Iterator[Grant]:
        """Every grant, oldest first."""
        return iter(list(self._grants.values()))

    def assign(self, assignment: Assignment, known_from: float) -> None:
        """Keep *assignment*."""
        key = (assignment.client, assignment.resource, assignment.role)
        self._assignments[key] = assignment
        self._tell_roles(assignment, known_from)

    def unassign(self, assignment: Assignment, known_from: float) -> None:
        """Take *assignment* back."""
        key = (assignment.client, assignment.resource, assignment.role)
        self._assignments.pop(key, None)
        self._tell_roles(assignment, known_from)

    def assignments(self, client: str) -> Iterator[Assignment]:
        """Every assignment of *client*, oldest first."""
        return (one for one in list(self._assignments.values()) if one.client == client)

    def inherit(self, blueprint: str, resource: str, inheritance: Inheritance | None) -> None:
        """Let the agents of *blueprint*, an application's id, inherit so much; None ends it."""
        if inheritance is None:
            self._inherited.pop((blueprint, resource), None)
        else:
            self._inherited[blueprint, resource] = inheritance

    def inherited(self, blueprint: str) -> dict[str, Inheritance]:
        """What the agents of *blueprint* inherit, by resource."""
        return {res: one for (app, res), one in self._inherited.items() if app == blueprint}

    def scopes(self, line: Lineage, resource: str, user: str, at: float) -> frozenset[str]:
        """The scopes of a token of *resource* for *user*, for a login server that knows till *at*.

        https://learn.microsoft.com/entra/agent-id/configure-inheritable-permissions-blueprints
        """
        own = self._held(line.identity, resource, user, at)
        rule = self._inherited.get((line.blueprint, resource))
        if rule is None or line.principal is None:
            return own
        given = self._scopes.at((line.principal, resource, ""), at)
        return own | _picked(given, rule.scopes)

    def roles(self, line: Lineage, resource: str, at: float) -> frozenset[str]:
        """The roles of an agent's token of *resource* for itself."""
        own = self._roles.at((line.identity, resource), at)
        rule = self._inherited.get((line.blueprint, resource))
        if rule is None or line.principal is None:
            return own
        return own | _picked(self.own_roles(line.principal, resource, at), rule.roles)

    def own_roles(self, client: str, resource: str, at: float) -> frozenset[str]:
        """The roles that *client* has, whatever it inherits."""
        return self._roles.at((client, resource), at)

    def _held(self, client: str, resource: str, user: str, at: float) -> frozenset[str]:
        told = ((client, resource, whose) for whose in (user, ""))
        return frozenset[str]().union(*(self._scopes.at(key, at) for key in told))

    def _tell_roles(self, changed: Assignment, known_from: float) -> None:
        mine = self.assignments(changed.client)
        roles = frozenset(one.role for one in mine if one.resource == changed.resource)
        self._roles.tell((changed.client, changed.resource), roles, known_from)


def _picked(given: frozenset[str], rule: frozenset[str] | None) -> frozenset[str]:
    return given if rule is None else given & rule
