"""Who is party to a consent: the service principal that gets it, the API, the user.

All of them go by object ids of one tenant. Parties that are deleted, or not known yet, are
none.
"""

from dataclasses import dataclass

from entraclaw.sandbox.apis import Api, Apis
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.registrar import Registrar, missing


@dataclass(frozen=True, slots=True)
class Party:
    """A service principal: an agent identity, a blueprint's principal, or of an *api*."""

    id: str
    name: str
    api: Api | None = None


class Parties:
    """The lookups of everything that has to do with consent."""

    def __init__(self, registrar: Registrar, apis: Apis) -> None:
        self._registrar, self.apis = registrar, apis

    @property
    def directory(self) -> Directory:
        """Who exists."""
        return self._registrar.directory

    def find(self, tenant: str, name: str) -> Party | None:
        """Find a service principal."""
        shelves, sees = self.directory.shelves, self._registrar.sees
        identity = shelves.identities.find(tenant, name)
        if identity and sees(identity):
            return Party(identity.id, identity.name)
        principal = shelves.principals.find(tenant, name)
        if principal and sees(principal):
            blueprint = shelves.blueprint(tenant, principal.app)
            return Party(principal.id, blueprint.name if blueprint else principal.app)
        api = self.apis.find(tenant, name)
        return Party(api.id(tenant), api.name, api) if api else None

    def agents(self, tenant: str) -> frozenset[str]:
        """The ids of all agent identities and blueprints' principals."""
        registrar = self._registrar
        registrar.sweep(tenant)
        now, shelves = registrar.now(), self.directory.shelves
        identities = (one.id for one in shelves.identities.of(tenant) if one.life.is_known(now))
        principals = (one.id for one in shelves.principals.of(tenant) if one.life.is_known(now))
        return frozenset([*identities, *principals])

    def principal(self, tenant: str, name: str) -> Party:
        """Find a service principal.

        Raises:
            GraphError: There is none.
        """
        party = self.find(tenant, name)
        if party is None:
            raise missing(name)
        return party

    def agent(self, tenant: str, name: str) -> Party:
        """Find what can be granted something: an agent identity, or a blueprint's principal.

        Raises:
            GraphError: There is none.
        """
        party = self.principal(tenant, name)
        if party.api is not None:
            raise missing(name)
        return party

    def api(self, tenant: str, name: str) -> Api:
        """Find an API by its service principal.

        Raises:
            GraphError: There is none.
        """
        api = self.apis.find(tenant, name)
        if api is None:
            raise missing(name)
        return api

    def check_user(self, tenant: str, name: str) -> None:
        """Look for an agent user, or a person.

        Raises:
            GraphError: There is none.
        """
        user = self.directory.shelves.users.find(tenant, name)
        people = {person.oid for person in self.directory.people(tenant)}
        if not (user and self._registrar.sees(user)) and name not in people:
            raise missing(name)
