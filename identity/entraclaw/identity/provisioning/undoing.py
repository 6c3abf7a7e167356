"""Undo a setup: exactly what it made, in the opposite order, from its journal alone.

What others made is left, and so is what they share: where another agent identity has the
same blueprint, that stays with its principal. Each thing that is gone is struck out of the
journal before the next one goes, so that whoever breaks off begins again where that was.

What is deleted lies in the directory's bin for 30 days, and counts as if it were there.
https://learn.microsoft.com/entra/agent-id/identity-platform/delete-agent-identity-blueprints
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from entraclaw.identity.features import Want
from entraclaw.identity.provisioning import certificates, endpoints, granting, licensing, paths
from entraclaw.identity.provisioning.calls import Call, Reply, key, text
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.refused import accepted, listed
from entraclaw.identity.provisioning.seeking import SETTLED_S, Now
from entraclaw.identity.provisioning.steps import Begin, Keep, Steps
from entraclaw.identity.values import AgentIds

_PATHS: Mapping[Part, Callable[[str], str]] = {
    Part.USER: paths.user_itself,
    Part.IDENTITY: paths.service_principal,
    Part.PRINCIPAL: paths.service_principal,
    Part.BLUEPRINT: paths.application,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is undone.

    Attributes:
        parts: What is deleted, in that order.
        siblings: How many other agent identities the blueprint has.
    """

    parts: tuple[Part, ...]
    siblings: int

    @property
    def keeps_blueprint(self) -> bool:
        """Whether the blueprint stays."""
        return Part.BLUEPRINT not in self.parts


def scope(journal: Journal, *, keep_blueprint: bool) -> Steps[Scope]:
    """Say what of *journal* goes; nothing is changed.

    Raises:
        CallRefused: Whoever signed in may not look.
    """
    siblings = 0
    if journal.app:
        own = journal.id_of(Part.IDENTITY)
        there = yield from listed(paths.identities_of(journal.app))
        siblings = sum(1 for one in there if text(one, "id").lower() != own)
    stays = keep_blueprint or (siblings > 0 and not journal.made(Part.BLUEPRINT))
    shared = {Part.BLUEPRINT, Part.PRINCIPAL} if stays else set[Part]()
    parts = (Part.USER, Part.IDENTITY, Part.PRINCIPAL, Part.BLUEPRINT)
    return Scope(tuple(one for one in parts if journal.made(one) and one not in shared), siblings)


def undo(journal: Journal, what: Scope, now: Now) -> Steps[Journal]:
    """Undo *what* of *journal*; gives what is left of it.

    Raises:
        CallRefused: Something was refused; what went before is struck out.
    """
    undoing = _Undoing(journal, what, now)
    yield from undoing.endpoint()
    if Part.USER not in what.parts and journal.has_all:
        yield from undoing.user()
    for part in (Part.USER, Part.IDENTITY):
        yield from undoing.delete(part)
    yield from undoing.certificates()
    for part in (Part.PRINCIPAL, Part.BLUEPRINT):
        yield from undoing.delete(part)
    return undoing.journal


class _Undoing:
    """One teardown, under way."""

    def __init__(self, journal: Journal, what: Scope, now: Now) -> None:
        self.journal, self._what, self._now = journal, what, now

    def endpoint(self) -> Steps[None]:
        """Have no more messages sent here, where the blueprint stays."""
        if not (self.journal.endpoint and self._what.keeps_blueprint):
            return
        yield Begin("endpoint", self.journal.endpoint)
        yield from endpoints.unpoint(
            self.journal.id_of(Part.BLUEPRINT),
            self.journal.id_of(Part.IDENTITY),
            self.journal.endpoint,
        )
        yield from self._keep(replace(self.journal, endpoint=""))

    def user(self) -> Steps[None]:
        """Take from a user that stays what setup gave it: seats, permissions, sponsors."""
        user = self.journal.id_of(Part.USER)
        for sku in self.journal.licences:
            yield Begin("licence", sku)
            seen = yield from licensing.look(user)
            if sku in seen.held:
                yield from licensing.remove(user, sku)
            left = tuple(one for one in self.journal.licences if one != sku)
            yield from self._keep(replace(self.journal, licences=left))
        if self.journal.scopes:
            yield Begin("consent", "what setup granted")
            yield from self._revoke(user)
            yield from self._keep(replace(self.journal, scopes={}))
        for oid in self.journal.sponsors:
            yield Begin("sponsors", oid)
            reply: Reply = yield Call("DELETE", f"{paths.sponsors(user)}/{key(oid)}/$ref")
            _accept_gone(reply)
            others = tuple(one for one in self.journal.sponsors if one != oid)
            yield from self._keep(replace(self.journal, sponsors=others))

    def certificates(self) -> Steps[None]:
        """Take this machine's certificate off what stays."""
        for application, thumbprint in self.journal.certificates.items():
            is_deleted = application == self.journal.id_of(Part.BLUEPRINT)
            if is_deleted and not self._what.keeps_blueprint:
                continue
            yield Begin("certificate", thumbprint)
            shown: Reply = yield Call("GET", paths.credentials(application))
            if shown.status != HTTPStatus.NOT_FOUND:
                there = certificates.read(accepted(shown))
                if certificates.has(there, thumbprint):
                    body = certificates.without(there, thumbprint)
                    accepted((yield Call("PATCH", paths.application(application), body)))
        yield from self._keep(replace(self.journal, certificates={}))

    def delete(self, part: Part) -> Steps[None]:
        """Delete *part*, if it goes and is still there."""
        thing = self.journal.things.get(part)
        if thing is None or part not in self._what.parts:
            return
        yield Begin(part, thing.id)
        is_fresh = 0 <= self._now() - thing.at < SETTLED_S
        call = Call("DELETE", _PATHS[part](thing.id), awaits=f"the {part}" if is_fresh else "")
        _accept_gone((yield call))
        yield from self._keep(self.journal.without(part))

    def _revoke(self, user: str) -> Steps[None]:
        ids = AgentIds(
            self.journal.tenant, self.journal.app, self.journal.id_of(Part.IDENTITY), user
        )
        wants = [Want(app, app, frozenset(scopes)) for app, scopes in self.journal.scopes.items()]
        standing = yield from granting.look(ids, wants)
        for row in standing.rows:
            yield from granting.take(row, self.journal.scopes.get(row.resource.app, ()))

    def _keep(self, journal: Journal) -> Steps[None]:
        if journal != self.journal:
            self.journal = journal
            yield Keep(journal)


def _accept_gone(reply: Reply) -> None:
    """Take "not found" for done."""
    if reply.status != HTTPStatus.NOT_FOUND:
        accepted(reply)
