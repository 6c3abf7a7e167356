"""Make what an agent lacks in a tenant, in an order that may break off anywhere.

`make` is a generator. It yields what to do and is sent what came of it; the caller owns
Graph, the journal and the clock. Whatever it makes is noted before, and its id afterwards,
so that another one goes on where this one ended, and a teardown misses nothing: `look`
finds what was made and has no id in the journal.

Steps, with sources: docs/setup.md#what-is-made
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from entraclaw.errors import EntraclawError, Unreachable
from entraclaw.identity.provisioning import certificates, paths
from entraclaw.identity.provisioning.calls import SERVICE, Call, Document, Reply, text
from entraclaw.identity.provisioning.certificates import Certificate
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.journal import Journal, Part, Thing
from entraclaw.identity.provisioning.marks import tags
from entraclaw.identity.provisioning.refused import accepted, listed, refusal
from entraclaw.identity.provisioning.seeking import SETTLED_S, Now
from entraclaw.identity.provisioning.steps import Begin, Keep, Rest, Steps
from entraclaw.identity.provisioning.wish import Wish

_PAUSE_S = 2.0
_THE: dict[Part, str] = {part: f"the {part}" for part in Part}
_ADDRESS_TAKEN = "userPrincipalName"


def make(
    wish: Wish, facts: Facts, certificate: Certificate, journal: Journal, *, now: Now, graph: str
) -> Steps[Journal]:
    """Make what *facts* lack; gives the journal with all four parts in it.

    *facts* are what `look` found with *journal*, and nothing in their plan is blocked;
    *graph* is the address of the cloud's Graph, *now* gives seconds since the epoch.

    Raises:
        CallRefused: Graph refused something; what was made before is noted.
        Unreachable: Graph does not show what it said it made.
    """
    making = _Making(wish, facts, journal, now, graph)
    yield from making.blueprint()
    yield from making.principal()
    yield from making.certificate(certificate)
    yield from making.identity()
    yield from making.user()
    yield from making.sponsors()
    return making.journal


class _Making:
    """One agent, under way."""

    def __init__(self, wish: Wish, facts: Facts, journal: Journal, now: Now, graph: str) -> None:
        self.journal = journal
        self._wish, self._facts, self._now, self._graph = wish, facts, now, graph
        self._may_have_user = Part.USER in journal.begun

    def blueprint(self) -> Steps[None]:
        """Make the blueprint, or take the one that is there."""
        found = self._facts.blueprint
        if found is None:
            yield Begin(Part.BLUEPRINT, f"{self._wish.name} Blueprint")
            body: Document = {
                "displayName": f"{self._wish.name} Blueprint",
                "tags": tags(self._wish.mark),
                "sponsors@odata.bind": self._sponsor_links(),
            }
            made = yield from self._made(Part.BLUEPRINT, paths.BLUEPRINTS, body, "")
            yield from self._note(Part.BLUEPRINT, made, is_ours=True)
            app = text(made, "appId").lower()
        else:
            yield from self._take(Part.BLUEPRINT, found.id, is_ours=self._bears_ours(found.mark))
            app = found.app
        if app != self.journal.app:
            self.journal = replace(self.journal, app=app)
            yield Keep(self.journal)

    def principal(self) -> Steps[None]:
        """Make the blueprint's principal: nobody else does."""
        part = Part.PRINCIPAL
        if self._facts.principal:
            is_ours = part in self.journal.begun or self.journal.made(Part.BLUEPRINT)
            yield from self._take(part, self._facts.principal, is_ours=is_ours)
            return
        yield Begin(part, "of the blueprint, in this tenant")
        yield from self._begin(part)
        call = Call("POST", paths.PRINCIPALS, {"appId": self.journal.app}, _THE[Part.BLUEPRINT])
        reply: Reply = yield call
        if _is_there(reply):
            seen = Call("GET", paths.principal_of(self.journal.app), awaits=_THE[part])
            reply = yield seen
        yield from self._note(part, accepted(reply), is_ours=True)

    def certificate(self, certificate: Certificate) -> Steps[None]:
        """Register this machine's certificate on the blueprint, and on the bot."""
        yield Begin("certificate", certificate.thumbprint)
        yield from self._register(self.journal.id_of(Part.BLUEPRINT), certificate)
        bot = self._facts.bot
        if bot is not None:
            yield from self._register(bot.id, certificate)

    def identity(self) -> Steps[None]:
        """Make the agent identity, or take the one that is there."""
        part, found = Part.IDENTITY, self._facts.identity
        if found is not None:
            yield from self._take(part, found.id, is_ours=self._bears_ours(found.mark))
            return
        yield Begin(part, self._wish.name)
        body: Document = {
            "displayName": self._wish.name,
            "agentIdentityBlueprintId": self.journal.app,
            "tags": tags(self._wish.mark),
            "sponsors@odata.bind": self._sponsor_links(),
        }
        made = yield from self._made(part, paths.IDENTITIES, body, _THE[Part.PRINCIPAL])
        yield from self._note(part, made, is_ours=True)
        path = paths.identity(self.journal.id_of(part))
        accepted((yield Call("GET", path, awaits=_THE[part])))

    def user(self) -> Steps[None]:
        """Make the agent user, or take the one that is there."""
        part, found = Part.USER, self._facts.user
        if found is not None:
            is_ours = part in self.journal.begun or self.journal.made(part)
            yield from self._take(part, found.id, is_ours=is_ours)
            return
        address = self._facts.address.upn if self._facts.address else ""
        yield Begin(part, address)
        yield from self._begin(part)
        identity = self.journal.id_of(Part.IDENTITY)
        body: Document = {
            "accountEnabled": True,
            "displayName": self._wish.name,
            "mailNickname": address.partition("@")[0],
            "userPrincipalName": address,
            "identityParentId": identity,
        }
        reply: Reply = yield Call("POST", paths.USERS, body, _THE[Part.IDENTITY])
        made = reply.body if reply.is_good else (yield from self._other_user(reply, identity))
        yield from self._note(part, made, is_ours=True)
        path = paths.agent_user(self.journal.id_of(part))
        accepted((yield Call("GET", path, awaits=_THE[part])))

    def sponsors(self) -> Steps[None]:
        """Have those who answer for the agent be its user's sponsors: they may speak to it."""
        user = self.journal.id_of(Part.USER)
        yield Begin("sponsors", ", ".join(one.name or one.id for one in self._facts.sponsors))
        there = yield from listed(paths.sponsors(user), _THE[Part.USER])
        known = {text(one, "id").lower() for one in there}
        for one, link in zip(self._facts.sponsors, self._sponsor_links(), strict=True):
            if one.id in known:
                continue
            ours = tuple(sorted({*self.journal.sponsors, one.id}))
            self.journal = replace(self.journal, sponsors=ours)
            yield Keep(self.journal)
            path = f"{paths.sponsors(user)}/$ref"
            reply: Reply = yield Call("POST", path, {"@odata.id": link}, _THE[Part.USER])
            if not _is_there(reply):
                accepted(reply)

    def _sponsor_links(self) -> list[str]:
        return [
            f"{self._graph}/v1.0/{'groups' if one.is_group else 'users'}/{one.id}"
            for one in self._facts.sponsors
        ]

    def _bears_ours(self, mark: str) -> bool:
        return mark == self._wish.mark

    def _begin(self, part: Part) -> Steps[None]:
        self.journal = self.journal.beginning(part, self._now())
        yield Keep(self.journal)

    def _made(self, part: Part, path: str, body: Document, awaits: str) -> Steps[Document]:
        yield from self._begin(part)
        return accepted((yield Call("POST", path, body, awaits)))

    def _note(self, part: Part, shown: Document, *, is_ours: bool) -> Steps[None]:
        thing = Thing(text(shown, "id").lower(), is_ours, self._now())
        self.journal = self.journal.noting(part, thing)
        yield Keep(self.journal)

    def _take(self, part: Part, name: str, *, is_ours: bool) -> Steps[None]:
        """Note what was found, unless it is noted."""
        if part not in self.journal.things:
            thing = Thing(name, is_ours, self._now())
            self.journal = self.journal.noting(part, thing)
            yield Keep(self.journal)

    def _other_user(self, reply: Reply, identity: str) -> Steps[Document]:
        """Find the user that an identity has already; else say what is wrong.

        Raises:
            CallRefused: It was refused for another reason.
        """
        is_taken = _ADDRESS_TAKEN in reply.message
        if not _is_there(reply) or (is_taken and not self._may_have_user):
            raise refusal(reply, "somebody took it: give another --upn" if is_taken else "")
        until = self._now() + SETTLED_S
        while self._now() < until:
            for shown in (yield from listed(paths.users_of(identity))):
                return shown
            yield Rest(_PAUSE_S, "the agent user is not shown yet")
        raise Unreachable(SERVICE, "it has made the agent user, and does not show it")

    def _register(self, application: str, certificate: Certificate) -> Steps[None]:
        path = paths.credentials(application)
        before = certificates.read(accepted((yield Call("GET", path, awaits=_THE[Part.BLUEPRINT]))))
        if certificates.has(before, certificate.thumbprint):
            return
        registered = {**self.journal.certificates, application: certificate.thumbprint}
        self.journal = replace(self.journal, certificates=registered)
        yield Keep(self.journal)
        body = certificates.with_one(before, certificate)
        change = Call("PATCH", paths.application(application), body, _THE[Part.BLUEPRINT])
        accepted((yield change))
        yield from self._seen(path, before, certificate.thumbprint)

    def _seen(
        self, path: str, before: Sequence[certificates.Registered], thumbprint: str
    ) -> Steps[None]:
        """See that it is registered now, and that nobody else's went.

        Raises:
            EntraclawError: Another machine's is gone.
            Unreachable: Graph does not show it.
        """
        until = self._now() + SETTLED_S
        while True:
            after = certificates.read(accepted((yield Call("GET", path))))
            gone = certificates.lost(before, after, thumbprint)
            if certificates.has(after, thumbprint) and gone:
                raise EntraclawError(
                    f"another credential of the blueprint is gone ({', '.join(gone)})",
                    hint="does another machine change its key now? have it registered again",
                )
            if certificates.has(after, thumbprint):
                return
            if self._now() >= until:
                raise Unreachable(SERVICE, "it took the certificate, and does not show it")
            yield Rest(_PAUSE_S, "the certificate is not shown yet")


def _is_there(reply: Reply) -> bool:
    """Tell whether *reply* says that there is one already."""
    if reply.status == HTTPStatus.CONFLICT:
        return True
    words = ("already exist", "already in use", "already has")
    return reply.status == HTTPStatus.BAD_REQUEST and any(one in reply.message for one in words)
