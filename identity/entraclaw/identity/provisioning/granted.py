"""Compare what an agent is granted with what its features need, resource by resource.

Pure. Delegated permissions count for the agent user when they are granted for that user or
for everybody; what the blueprint hands down is merged into the tokens and seen nowhere else.

https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
https://learn.microsoft.com/entra/agent-id/identity-professional/grant-agent-access-microsoft-365
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from entraclaw.identity.features import GRAPH, Want, included
from entraclaw.identity.provisioning.blocked import GRAPH_APP, Kind, blocked

EVERYBODY, ONE = "AllPrincipals", "Principal"


@dataclass(frozen=True, slots=True)
class Resource:
    """What permissions are for.

    Attributes:
        app: Its application id.
        name: What people call it.
        principal: Object id of its service principal; empty where the tenant has none.
        offers: The delegated permissions that it has.
    """

    app: str
    name: str
    principal: str = ""
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """One oauth2PermissionGrant of the agent identity.

    Attributes:
        id: Its own.
        resource: Object id of the resource's service principal.
        consent: `EVERYBODY` or `ONE`.
        user: Object id of the one; empty for everybody.
        scopes: What is granted.
    """

    id: str
    resource: str
    consent: str
    user: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One resource: what is wanted of it, and what is granted.

    Attributes:
        resource: Which.
        address: With which a scope of it begins; empty where nothing is wanted.
        wanted: The permissions that the features need.
        grants: What the agent identity was granted there that counts for its user.
        inherited: What comes from the blueprint.
    """

    resource: Resource
    address: str = ""
    wanted: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    inherited: frozenset[str] = frozenset()

    @property
    def held(self) -> frozenset[str]:
        """All that tokens for the resource carry."""
        return self.inherited.union(*(grant.scopes for grant in self.grants))

    @property
    def missing(self) -> tuple[str, ...]:
        """What is wanted and neither granted nor included in what is."""
        return Want(self.resource.name, self.address, self.wanted).missing(self.held)

    @property
    def extra(self) -> tuple[str, ...]:
        """What the agent itself was granted and no feature needs."""
        granted = frozenset[str]().union(*(grant.scopes for grant in self.grants))
        return tuple(sorted(one for one in granted - self.wanted if not self._serves(one)))

    @property
    def unknown(self) -> tuple[str, ...]:
        """What is missing and the resource does not have; nothing while it is not known."""
        if not self.resource.principal:
            return ()
        return tuple(one for one in self.missing if one not in self.resource.offers)

    @property
    def never(self) -> tuple[str, ...]:
        """What is missing and no agent is ever granted."""
        return blocked(self.resource.app, self.missing, Kind.DELEGATED)

    @property
    def grantable(self) -> tuple[str, ...]:
        """What is missing and can be granted here."""
        hopeless = {*self.never, *self.unknown}
        return tuple(one for one in self.missing if self.is_here and one not in hopeless)

    @property
    def is_here(self) -> bool:
        """Whether the tenant has the resource at all."""
        return bool(self.resource.principal)

    def _serves(self, scope: str) -> bool:
        """Whether *scope* stands for one that is wanted and that nothing else brings."""
        others = self.held - {scope}
        return any(one not in others for one in included(scope) & self.wanted)


@dataclass(frozen=True, slots=True)
class Role:
    """An application permission that the agent identity itself holds.

    Attributes:
        resource: What people call the resource.
        name: Of the permission; its id where the resource does not name it.
    """

    resource: str
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All that an agent is granted, against what it should be.

    Attributes:
        rows: One for each resource, those with something wanted first.
        roles: What the agent identity may as itself; no feature needs any.
        unread: Why what the blueprint hands down is not known; empty where it is.
    """

    rows: tuple[Row, ...]
    roles: tuple[Role, ...] = ()
    unread: str = ""

    @property
    def lacks(self) -> tuple[Row, ...]:
        """The resources where something is missing."""
        return tuple(row for row in self.rows if row.missing)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of the tenant.

    Attributes:
        resources: By application id, those that are wanted.
        grants: Of the agent identity, that count for its user.
        others: Resources of grants that nothing wants, by object id.
        inherited: By application id, what the blueprint hands down.
        roles: Of the agent identity.
        unread: As in `Standing`.
    """

    resources: Mapping[str, Resource]
    grants: Sequence[Grant] = ()
    others: Mapping[str, Resource] = field(default_factory=dict[str, Resource])
    inherited: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    roles: tuple[Role, ...] = ()
    unread: str = ""


def app_of(want: Want) -> str:
    """Give the application id of what *want* is of."""
    return GRAPH_APP if want.name == GRAPH else want.resource.lower()


def compare(wants: Iterable[Want], found: Found) -> Standing:
    """Set *wants* beside what was *found*."""
    rows = [
        Row(
            resource=found.resources[app_of(want)],
            address=want.resource,
            wanted=want.scopes,
            grants=_of(found.grants, found.resources[app_of(want)].principal),
            inherited=found.inherited.get(app_of(want), frozenset()),
        )
        for want in wants
    ]
    rows += [
        Row(resource=other, grants=_of(found.grants, principal))
        for principal, other in found.others.items()
    ]
    return Standing(tuple(rows), found.roles, found.unread)


def counts_for(grant: Grant, user: str) -> bool:
    """Tell whether *grant* is one for *user*."""
    return grant.consent == EVERYBODY or grant.user == user


def spare(
    standing: Standing, wants: Iterable[Want], *, everything: bool
) -> list[tuple[Row, frozenset[str]]]:
    """Name what can be taken from each row while *wants* stay possible.

    Args:
        standing: What is granted, against what was wanted until now.
        wants: What is wanted still.
        everything: Whether also what was never wanted goes.
    """
    still = {app_of(want): want.scopes for want in wants}
    found: list[tuple[Row, frozenset[str]]] = []
    for row in standing.rows:
        rest = replace(row, wanted=still.get(row.resource.app, frozenset()))
        unneeded = frozenset(rest.extra)
        found.append((row, unneeded if everything else unneeded - frozenset(row.extra)))
    return [(row, scopes) for row, scopes in found if scopes]


def _of(grants: Iterable[Grant], principal: str) -> tuple[Grant, ...]:
    return tuple(one for one in grants if principal and one.resource == principal)
