"""What every room of Graph's directory does the same way: look up, date, count, answer.

An object that was made a moment ago is not known to the next call, and one that was deleted
is in the bin for thirty days. What happens by itself, happens here before each call: the
agent identities of a blueprint that lost its principal follow it after a day.

Deletion: https://learn.microsoft.com/entra/agent-id/identity-platform/manage-agent-blueprint
Quota: https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aiohttp import web

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.documents import Json, text
from entraclaw.sandbox.envelopes import Answering, GraphError, Reader, document
from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    DirectoryObject,
    Identity,
    Life,
    Principal,
)
from entraclaw.sandbox.queries import listing, narrowed, selected
from entraclaw.sandbox.settings import Late, Settings

_CHILDREN_S = 24 * 3600
_BIN_S = 30 * 24 * 3600
_FULL = 0.95
_AGENTS = "#microsoft.graph.agent"

_KINDS: Mapping[type[DirectoryObject], Late] = MappingProxyType(
    {
        Blueprint: Late.BLUEPRINT,
        Principal: Late.PRINCIPAL,
        Identity: Late.IDENTITY,
        AgentUser: Late.USER,
    }
)


class Registrar:
    """The directory behind Graph's calls, as far as they know it."""

    def __init__(self, *, base: str, answer: Answering, settings: Settings) -> None:
        self.base, self.answer, self.settings = base, answer, settings
        self.directory, self.shelves = answer.directory, answer.directory.shelves

    def now(self) -> float:
        """The tenant's time."""
        return self.answer.clock.now()

    def life(self, kind: type[DirectoryObject]) -> Life:
        """The dates of an object of this *kind* that is made now."""
        now, delays = self.now(), self.settings.known_after_s
        known_from = now + delays.get(_KINDS[kind], 0.0)
        late = delays.get(Late.LOGIN, 0.0) if kind is Blueprint else 0.0
        return Life(made=now, known_from=known_from, login_from=max(known_from, now + late))

    def admit_another(self, kind: type[DirectoryObject], tenant: str) -> None:
        """Let one more object of this *kind* be made in *tenant*.

        Raises:
            GraphError: Its quota is all but used up, or there are as many as there may be.
        """
        if self.shelves.weight(tenant) >= self.settings.quota * _FULL:
            raise GraphError(
                403,
                "Agent_Directory_QuotaExceeded",
                "Agent identity blueprints and/or agent identities have exceeded 95% of the "
                "tenant resource quota.",
            )
        most = self.settings.most.get(_KINDS[kind])
        if most is not None and self.shelves.count(kind, tenant) >= most:
            name = "AgentBlueprint" if kind is Blueprint else "AgentIdentity"
            raise GraphError(
                403, f"{name}_LimitExceeded", "You've reached the maximum number allowed."
            )

    def sees(self, one: DirectoryObject) -> bool:
        """Whether a call finds *one* now."""
        return one.life.is_known(self.now())

    def sweep(self, tenant: str) -> None:
        """Do what has become due by itself."""
        now, shelves = self.now(), self.shelves
        for principal in shelves.principals.of(tenant):
            gone = principal.life.deleted
            if gone is not None and gone + _CHILDREN_S <= now:
                self._take_children(principal, gone + _CHILDREN_S)
        for one in list(shelves.deleted(tenant)):
            if one.life.deleted is not None and one.life.deleted + _BIN_S <= now:
                shelves.drop(one)

    def delete(self, one: DirectoryObject) -> None:
        """Put *one* into the bin; with an application goes its principal."""
        self.directory.put(replace(one, life=replace(one.life, deleted=self.now())))
        if isinstance(one, Blueprint):
            principal = self.shelves.principal(one.tenant, one.app)
            if principal and principal.life.deleted is None:
                self.delete(principal)

    def owns(self, bearer: Bearer, one: DirectoryObject) -> bool:
        """Whether *one* is of whoever asks."""
        return not isinstance(one, AgentUser) and bearer.oid in one.owners

    def entity(
        self, request: web.Request, context: str, whole: Json, hidden: frozenset[str] = frozenset()
    ) -> web.Response:
        """Answer with one object, of which *hidden* is shown only where it is selected."""
        shown = selected(whole, request.query, hidden)
        return self.made(f"{narrowed(context, request.query)}/$entity", shown, status=200)

    def made(self, context: str, shown: Json, *, status: int = 201) -> web.Response:
        """Answer with a document as it is."""
        return document({"@odata.context": self._context(context), **shown}, status)

    def page(
        self,
        request: web.Request,
        context: str,
        everything: Iterable[Json],
        filterable: frozenset[str],
    ) -> web.Response:
        """Answer with the page of *everything* that the query asks for."""
        url = f"{self.base}{request.path}"
        page = listing(url, request.query, everything, filterable)
        told = self._context(narrowed(context, request.query))
        body: Json = {"@odata.context": told, "value": list(page.value)}
        if page.next:
            body["@odata.nextLink"] = page.next
        return document(body)

    def routes(
        self,
        addresses: Iterable[str],
        method: Callable[..., web.RouteDef],
        read: Reader,
        version: str = "v1.0",
    ) -> list[web.RouteDef]:
        """Serve *read* at each of the *addresses*, below the *version*."""

        async def swept(request: web.Request, bearer: Bearer) -> web.Response:
            self.sweep(bearer.tid)
            return await read(request, bearer)

        return [method(f"/{version}/{address}", self.answer(swept)) for address in addresses]

    def _take_children(self, principal: Principal, moment: float) -> None:
        for child in self.shelves.identities.of(principal.tenant):
            if child.blueprint == principal.app and child.life.deleted is None:
                self.directory.put(replace(child, life=replace(child.life, deleted=moment)))

    def _context(self, name: str) -> str:
        return f"{self.base}/v1.0/$metadata#{name}"


def missing(name: str) -> GraphError:
    """The no to a call about what does not exist, or is not known yet."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def check_version(request: web.Request, body: Json) -> None:
    """Let a body name the type of an agent's object; other types every client names, unasked.

    https://learn.microsoft.com/entra/agent-id/create-blueprint: it takes the header.

    Raises:
        GraphError: It does, and the request does not say which OData that is.
    """
    kind = text(body, "@odata.type", "").lower()
    if kind.startswith(_AGENTS) and not request.headers.get("OData-Version", "").startswith("4"):
        message = "A body with @odata.type requires the header OData-Version: 4.0."
        raise GraphError(400, "Request_BadRequest", message)
