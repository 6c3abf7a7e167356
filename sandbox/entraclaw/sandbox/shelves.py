"""Where the objects of a directory are kept: what is there, what is in the bin, what is gone.

A deleted object stays in the bin, under its own id, until it is restored or deleted for good.
What was deleted for good still counts a quarter towards the quota.

https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Generic, Protocol, TypeVar, cast

from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    DirectoryObject,
    Identity,
    Life,
    Principal,
)


class Kept(Protocol):
    """What every kind of object has."""

    @property
    def id(self) -> str:
        """Its object id, in lower case."""
        ...

    @property
    def tenant(self) -> str:
        """The tenant it belongs to."""
        ...

    @property
    def life(self) -> Life:
        """When it was made, and deleted."""
        ...


_Object = TypeVar("_Object", bound=Kept)


class Shelf(Generic[_Object]):
    """All objects of one kind, of every tenant, oldest first; *parent* is what one belongs to."""

    def __init__(self, parent: Callable[[_Object], str]) -> None:
        self._parent = parent
        self._all: dict[str, _Object] = {}
        # By what they belong to, which of an object never changes: a tenant has many.
        self._children: dict[str, dict[str, None]] = {}
        self._gone: dict[str, int] = {}

    def put(self, one: _Object) -> None:
        """Keep *one*, in the place of the one with the same id."""
        self._all[one.id] = one
        self._children.setdefault(self._parent(one), {})[one.id] = None

    def drop(self, one: _Object) -> None:
        """Delete *one* for good."""
        if self._all.pop(one.id, None):
            del self._children[self._parent(one)][one.id]
            self._gone[one.tenant] = self._gone.get(one.tenant, 0) + 1

    def find(self, tenant: str, name: str) -> _Object | None:
        """Find one by its object id, be it in the bin."""
        found = self._all.get(name.lower())
        return found if found and found.tenant == tenant else None

    def of(self, tenant: str) -> Iterator[_Object]:
        """All of a tenant, those in the bin, too."""
        return (one for one in list(self._all.values()) if one.tenant == tenant)

    def under(self, tenant: str, parent: str) -> Iterator[_Object]:
        """All that belong to *parent*, those in the bin, too."""
        ids = self._children.get(parent.lower(), {})
        return (one for one in [self._all[own] for own in ids] if one.tenant == tenant)

    def gone(self, tenant: str) -> int:
        """How many were deleted for good."""
        return self._gone.get(tenant, 0)


@dataclass(frozen=True, slots=True)
class Shelves:
    """The four kinds: the first two belong to an application id, each other to what it is of."""

    blueprints: Shelf[Blueprint] = field(default_factory=lambda: Shelf(_app_of))
    principals: Shelf[Principal] = field(default_factory=lambda: Shelf(_app_of))
    identities: Shelf[Identity] = field(default_factory=lambda: Shelf(lambda one: one.blueprint))
    users: Shelf[AgentUser] = field(default_factory=lambda: Shelf(lambda one: one.identity))

    def put(self, one: DirectoryObject) -> None:
        """Keep *one* among its kind."""
        match one:
            case Blueprint():
                self.blueprints.put(one)
            case Principal():
                self.principals.put(one)
            case Identity():
                self.identities.put(one)
            case AgentUser():
                self.users.put(one)

    def drop(self, one: DirectoryObject) -> None:
        """Delete *one* for good."""
        match one:
            case Blueprint():
                self.blueprints.drop(one)
            case Principal():
                self.principals.drop(one)
            case Identity():
                self.identities.drop(one)
            case AgentUser():
                self.users.drop(one)

    def blueprint(self, tenant: str, app: str) -> Blueprint | None:
        """Find a blueprint by its application id, be it in the bin."""
        return _last(self.blueprints.under(tenant, app))

    def principal(self, tenant: str, app: str) -> Principal | None:
        """Find the principal of a blueprint: the one that is there, or the last in the bin."""
        return _last(self.principals.under(tenant, app))

    def count(self, kind: type[DirectoryObject], tenant: str) -> int:
        """How many of one *kind* there are, those in the bin included."""
        return sum(1 for shelf in self._all() for one in shelf.of(tenant) if isinstance(one, kind))

    def weight(self, tenant: str) -> float:
        """What the tenant's objects count towards its quota."""
        return sum(sum(1 for _ in one.of(tenant)) + one.gone(tenant) / 4 for one in self._all())

    def deleted(self, tenant: str) -> Iterator[DirectoryObject]:
        """Everything in the bin of a tenant."""
        for shelf in self._all():
            yield from (one for one in shelf.of(tenant) if one.life.deleted is not None)

    def _all(self) -> "Iterator[Shelf[DirectoryObject]]":
        # A shelf of one kind is read here, and never written, as a shelf of any.
        for shelf in (self.blueprints, self.principals, self.identities, self.users):
            yield cast("Shelf[DirectoryObject]", shelf)


def _app_of(one: Blueprint | Principal) -> str:
    return one.app


def _last(found: Iterable[_Object]) -> _Object | None:
    return max(found, key=lambda one: one.life.deleted or inf, default=None)
