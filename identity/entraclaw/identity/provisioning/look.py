"""Look at what there is of an agent in a tenant, before anything is done. Only reads.

What was about to be made when an earlier setup died is looked for by its mark until every
copy of the directory would show it: made twice, one of the two would be nobody's.

Contract: docs/setup.md#what-is-looked-at
"""

from collections.abc import Sequence

from entraclaw.errors import Unreachable
from entraclaw.identity.features import Want
from entraclaw.identity.provisioning import certificates, granting, paths, reading
from entraclaw.identity.provisioning.addresses import TRIES, candidate, domain_for
from entraclaw.identity.provisioning.calls import SERVICE, Call, Document, Reply, text
from entraclaw.identity.provisioning.facts import (
    Address,
    Application,
    Endpoint,
    Facts,
    Identity,
    Me,
    Organisation,
    Sponsor,
    User,
)
from entraclaw.identity.provisioning.granted import Standing
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.pools import pool_of
from entraclaw.identity.provisioning.refused import accepted, listed
from entraclaw.identity.provisioning.seeking import Now, Seek
from entraclaw.identity.provisioning.steps import Steps
from entraclaw.identity.provisioning.wish import Wish
from entraclaw.identity.values import AgentIds

_NOT_FOUND = 404


def look(
    wish: Wish, wants: Sequence[Want], journal: Journal, now: Now, *, patiently: bool = True
) -> Steps[Facts]:
    """Read all that decides what a setup does; *wants* are what the features need.

    *patiently*: wait for what an earlier setup may have made a moment ago; *now* is seconds
    since the epoch.

    Raises:
        CallRefused: Whoever signed in may not read something.
        Unreachable: Graph's answer makes no sense.
    """
    me = yield from who_am_i()
    tenant = yield from _organisation()
    unknown: dict[str, str] = {}
    seek = Seek(journal, now, patiently=patiently)
    user = yield from _adopted(wish, seek, unknown)
    blueprint = yield from _blueprint(wish, seek, user, unknown)
    principal, identity = "", None
    siblings: tuple[Identity, ...] = ()
    if blueprint is not None:
        principal = yield from _principal(blueprint, seek)
        identity, siblings = yield from _identities(wish, seek, blueprint, user)
    if identity is not None and user is None:
        user = yield from _user_of(identity, seek)
    gone = seek.gone(blueprint, principal, identity, user)
    address = None
    if user is None:
        address = yield from _address(wish, me, tenant)
    there = yield from _sponsors_of(user)
    sponsors, strangers = yield from _sponsors(wish, there or (Sponsor(me.oid, me.name),))
    return Facts(
        me=me,
        tenant=tenant,
        blueprint=blueprint,
        principal=principal,
        identity=identity,
        siblings=siblings,
        user=user,
        address=address,
        sponsors=sponsors,
        sponsoring=frozenset(one.id for one in there),
        strangers=strangers,
        gone=gone,
        unknown=unknown,
        bot=(yield from _bot(wish, unknown)),
        registered=(yield from _registered(blueprint)),
        endpoint=(yield from _endpoint(wish, blueprint)),
        pools=tuple(pool_of(one) for one in (yield from listed(paths.POOLS))),
        held=(yield from _held(user)),
        standing=(yield from _standing(tenant, blueprint, user if identity else None, wants)),
    )


def who_am_i() -> Steps[Me]:
    """Read who signed in, and which roles they hold.

    Raises:
        CallRefused: That is not told.
    """
    shown = accepted((yield Call("GET", paths.ME)))
    return reading.me(shown, (yield from listed(paths.MY_ROLES)))


def _organisation() -> Steps[Organisation]:
    for shown in (yield from listed(paths.ORGANISATION)):
        return reading.organisation(shown)
    raise Unreachable(SERVICE, "it shows no organisation")


def _adopted(wish: Wish, seek: Seek, unknown: dict[str, str]) -> Steps[User | None]:
    name = seek.journal.id_of(Part.USER) or wish.adopt
    if not name:
        return None
    call = Call("GET", paths.agent_user(name))
    shown = yield from seek.until(Part.USER, lambda: _one(call))
    found = reading.user(shown) if shown else None
    if found is not None and found.identity:
        return found
    if not seek.journal.id_of(Part.USER):
        unknown["adopt"] = name
    return None


def _blueprint(
    wish: Wish, seek: Seek, user: User | None, unknown: dict[str, str]
) -> Steps[Application | None]:
    known = seek.journal.id_of(Part.BLUEPRINT)
    if known:
        shown = yield from seek.until(
            Part.BLUEPRINT, lambda: _one(Call("GET", paths.application(known)))
        )
        return reading.application(shown) if shown else None
    app = yield from _app_of(wish, user)
    if app:
        shown = yield from _one(Call("GET", paths.application_of(app)))
        if shown and paths.is_blueprint(shown):
            return reading.application(shown)
        unknown["join"] = app
        return None
    path = paths.blueprints_marked(wish.mark)
    shown = yield from seek.until(Part.BLUEPRINT, lambda: _first(path))
    return reading.application(shown) if shown else None


def _app_of(wish: Wish, user: User | None) -> Steps[str]:
    """Name the blueprint that is joined: of the user that is adopted, or the one that is named."""
    if user is None:
        return wish.join.lower()
    shown = yield from _one(Call("GET", paths.identity(user.identity)))
    return reading.identity(shown).blueprint if shown else ""


def _principal(blueprint: Application, seek: Seek) -> Steps[str]:
    call = Call("GET", paths.principal_of(blueprint.app))
    shown = yield from seek.until(Part.PRINCIPAL, lambda: _one(call))
    return str(shown.get("id") or "").lower() if shown else ""


def _identities(
    wish: Wish, seek: Seek, blueprint: Application, user: User | None
) -> Steps[tuple[Identity | None, tuple[Identity, ...]]]:
    """Find the agent's own identity among those of its blueprint, and the others."""
    known = seek.journal.id_of(Part.IDENTITY) or (user.identity if user else "")
    path = paths.identities_of(blueprint.app)

    def mine() -> Steps[Document | None]:
        if known:
            return (yield from _one(Call("GET", paths.identity(known))))
        for shown in (yield from listed(path)):
            if reading.identity(shown).mark == wish.mark:
                return shown
        return None

    shown = yield from seek.until(Part.IDENTITY, mine)
    identity = reading.identity(shown) if shown else None
    others = [reading.identity(one) for one in (yield from listed(path))]
    own = identity.id if identity else ""
    return identity, tuple(one for one in others if one.id != own)


def _user_of(identity: Identity, seek: Seek) -> Steps[User | None]:
    path = paths.users_of(identity.id)
    shown = yield from seek.until(Part.USER, lambda: _first(path))
    return reading.user(shown) if shown else None


def _address(wish: Wish, me: Me, tenant: Organisation) -> Steps[Address]:
    if wish.upn:
        upn = wish.upn.lower()
        is_proved = upn.rpartition("@")[2] in tenant.domains
        is_taken = is_proved and (yield from _is_taken(upn))
        return Address(upn, is_taken, is_proved)
    domain = domain_for(wish.domain, me.upn, tenant.domains)
    if domain not in tenant.domains:
        return Address(f"{candidate(wish.name, 1)}@{domain}", is_proved=False)
    upn = ""
    for number in range(1, TRIES + 1):
        upn = f"{candidate(wish.name, number)}@{domain}"
        if not (yield from _is_taken(upn)):
            return Address(upn)
    return Address(upn, is_taken=True)


def _is_taken(upn: str) -> Steps[bool]:
    return (yield from _one(Call("GET", paths.user(upn)))) is not None


def _sponsors_of(user: User | None) -> Steps[tuple[Sponsor, ...]]:
    if user is None:
        return ()
    return tuple(reading.sponsor(one) for one in (yield from listed(paths.sponsors(user.id))))


def _sponsors(
    wish: Wish, else_these: tuple[Sponsor, ...]
) -> Steps[tuple[tuple[Sponsor, ...], tuple[str, ...]]]:
    """Find those who were named; *else_these* where nobody was. Gives who was not found, too."""
    if not wish.sponsors:
        return else_these, ()
    found: dict[str, Sponsor] = {}
    strangers: list[str] = []
    for name in wish.sponsors:
        shown = yield from _one(Call("GET", paths.user(name)))
        if shown is None and "@" not in name:
            shown = yield from _one(Call("GET", paths.group(name)))
        if shown is None:
            strangers.append(name)
        else:
            one = reading.sponsor(shown)
            found[one.id] = one
    return tuple(found.values()), tuple(strangers)


def _bot(wish: Wish, unknown: dict[str, str]) -> Steps[Application | None]:
    if not wish.bot:
        return None
    shown = yield from _one(Call("GET", paths.application_of(wish.bot)))
    if shown is None or paths.is_blueprint(shown):
        unknown["bot"] = wish.bot
        return None
    return reading.application(shown)


def _endpoint(wish: Wish, blueprint: Application | None) -> Steps[Endpoint]:
    """Read where messages go; whether a tenant has this at all is told by its answer alone."""
    if not wish.endpoint or blueprint is None:
        return Endpoint(is_here=bool(wish.endpoint))
    reply: Reply = yield Call("GET", paths.communication(blueprint.id))
    return reading.endpoint(reply.body) if reply.is_good else Endpoint(is_here=False)


def _registered(blueprint: Application | None) -> Steps[frozenset[str]]:
    if blueprint is None:
        return frozenset()
    shown = yield from _one(Call("GET", paths.credentials(blueprint.id)))
    return frozenset(one.thumbprint for one in certificates.read(shown or {}))


def _one(call: Call) -> Steps[Document | None]:
    """Read one object; None if there is none."""
    reply: Reply = yield call
    if reply.status == _NOT_FOUND:
        return None
    return accepted(reply)


def _first(path: str) -> Steps[Document | None]:
    return next(iter((yield from listed(path))), None)


def _held(user: User | None) -> Steps[frozenset[str]]:
    if user is None:
        return frozenset()
    details = yield from listed(paths.licences(user.id))
    return frozenset(text(one, "skuId").lower() for one in details)


def _standing(
    tenant: Organisation, blueprint: Application | None, user: User | None, wants: Sequence[Want]
) -> Steps[Standing]:
    if blueprint is None or user is None:
        return (yield from granting.offered(wants))
    ids = AgentIds(tenant.id, blueprint.app, user.identity, user.id)
    return (yield from granting.look(ids, wants))
