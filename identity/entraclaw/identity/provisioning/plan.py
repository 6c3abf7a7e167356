"""Say what a setup will find, make, lack and not be able to do, before it does anything.

A row for each part: what is so, and who does what is to be done. A row that is blocked says
what puts it right, and nothing is made while there is one: nothing half-made is left behind.

Pure. Contract: docs/setup.md#the-plan
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from entraclaw.identity.features import CHANNEL
from entraclaw.identity.provisioning import roles
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.granted import Row as Wanted
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.pools import LicenceRefused, Pool, chosen, country
from entraclaw.identity.provisioning.roles import Work
from entraclaw.identity.provisioning.wish import Wish

YOU, SOMEBODY, MACHINE = "you", "an administrator", "here"


class State(StrEnum):
    """How a part stands."""

    EXISTS = "exists"
    MAKE = "to make"
    CONSENT = "no consent"
    CLICKS = "by hand"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the plan.

    Attributes:
        part: What people call it.
        state: How it stands.
        says: What is there, what will be, or what is in the way.
        by: Who does it; empty where nothing is to be done.
        cure: What puts it right, where it is blocked or waits for somebody.
    """

    part: str
    state: State
    says: str
    by: str = ""
    cure: str = ""


def plan(wish: Wish, facts: Facts, journal: Journal, thumbprint: str) -> tuple[Row, ...]:
    """Say how each part stands; *thumbprint* is of the profile's key, empty if it has none."""
    return (
        _blueprint(wish, facts, journal),
        _principal(facts, journal),
        _certificate(facts, thumbprint),
        *_bot(wish, facts),
        _identity(facts, journal),
        _sponsors(facts),
        _user(wish, facts, journal),
        *(_consent(row, facts) for row in facts.standing.rows if row.wanted),
        *_licence(wish, facts),
        _messages(wish, facts, journal),
        *_endpoint(wish, facts),
    )


def blocked(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Pick the rows that hinder everything."""
    return tuple(row for row in rows if row.state is State.BLOCKED)


def awaits_consent(rows: tuple[Row, ...]) -> bool:
    """Tell whether somebody else must consent."""
    return any(row.state is State.CONSENT and row.by == SOMEBODY for row in rows)


def _blueprint(wish: Wish, facts: Facts, journal: Journal) -> Row:
    name = Part.BLUEPRINT
    for option, value in facts.unknown.items():
        if option in {"join", "adopt"}:
            what = "a blueprint" if option == "join" else "an agent user"
            says = f"--{option} {value} is no {what.partition(' ')[2]} of this tenant"
            return Row(name, State.BLOCKED, says, cure=f"give the id of {what} that is there")
    if name in facts.gone:
        return _lost(name, facts, journal)
    if facts.blueprint is not None:
        if wish.join and wish.join.lower() != facts.blueprint.app:
            says = f"this profile's is {facts.blueprint.app} already"
            return Row(name, State.BLOCKED, says, cure="`entraclaw teardown` first")
        joined = "" if journal.made(name) or facts.blueprint.mark == wish.mark else ", joined"
        return Row(name, State.EXISTS, f"{facts.blueprint.name} {facts.blueprint.app}{joined}")
    return _made(name, f"{wish.name} Blueprint", facts)


def _principal(facts: Facts, journal: Journal) -> Row:
    if Part.PRINCIPAL in facts.gone and facts.blueprint is not None:
        return _lost(Part.PRINCIPAL, facts, journal)
    if facts.principal:
        return Row(Part.PRINCIPAL, State.EXISTS, facts.principal)
    return _made(Part.PRINCIPAL, "of the blueprint, in this tenant", facts)


def _identity(facts: Facts, journal: Journal) -> Row:
    if Part.IDENTITY in facts.gone:
        return _lost(Part.IDENTITY, facts, journal)
    if facts.identity is not None:
        return Row(Part.IDENTITY, State.EXISTS, f"{facts.identity.name} {facts.identity.id}")
    count = len(facts.siblings)
    beside = f", beside {count} of others" if count else ""
    return _made(Part.IDENTITY, f"of the blueprint{beside}", facts)


def _certificate(facts: Facts, thumbprint: str) -> Row:
    if thumbprint in facts.registered - {""}:
        return Row("certificate", State.EXISTS, thumbprint)
    says = "of this machine's key" if thumbprint else "of a new key of this machine"
    others = len(facts.registered)
    beside = f", beside {others} of other machines" if others else ""
    return Row("certificate", State.MAKE, f"{says}{beside}", YOU)


def _bot(wish: Wish, facts: Facts) -> Iterator[Row]:
    if "bot" in facts.unknown:
        says = f"--bot {wish.bot} is no application of this tenant"
        yield Row("bot", State.BLOCKED, says, cure="give its application id")
    elif facts.bot is not None:
        yield Row("bot", State.EXISTS, f"{facts.bot.name} {facts.bot.app}")


def _sponsors(facts: Facts) -> Row:
    if facts.strangers:
        says = f"the tenant has nobody called {', '.join(facts.strangers)}"
        cure = "give the name to sign in with, or the object id"
        return Row("sponsors", State.BLOCKED, says, cure=cure)
    if facts.sponsors and all(one.is_group for one in facts.sponsors):
        says = "only groups: nobody could tell the agent anything"
        return Row("sponsors", State.BLOCKED, says, cure="name a person with --sponsor, too")
    says = ", ".join(one.name or one.id for one in facts.sponsors)
    return Row("sponsors", State.EXISTS, says)


def _user(wish: Wish, facts: Facts, journal: Journal) -> Row:
    if Part.USER in facts.gone:
        return _lost(Part.USER, facts, journal)
    if facts.user is not None:
        if wish.upn and wish.upn.lower() != facts.user.upn.lower():
            says = f"the agent is {facts.user.upn} already"
            return Row(Part.USER, State.BLOCKED, says, cure="leave --upn away, or rename it there")
        return Row(Part.USER, State.EXISTS, facts.user.upn)
    address = facts.address
    if address is None or not address.is_proved:
        domain = address.upn.rpartition("@")[2] if address else ""
        says = f"the tenant has not proved the domain {domain or 'of the agent'}"
        cure = f"give --domain one of {', '.join(facts.tenant.domains) or 'the tenant'}"
        return Row(Part.USER, State.BLOCKED, says, cure=cure)
    if address.is_taken:
        says = f"somebody has the address {address.upn}"
        return Row(Part.USER, State.BLOCKED, says, cure="give another one with --upn")
    return _made(Part.USER, address.upn, facts)


def _consent(row: Wanted, facts: Facts) -> Row:
    name = f"consent: {row.resource.name}"
    if not row.missing:
        return Row(name, State.EXISTS, ", ".join(sorted(row.wanted)))
    says = ", ".join(row.missing)
    if row.never:
        cure = "leave that feature out of --with"
        return Row(name, State.BLOCKED, f"no agent is ever granted {says}", cure=cure)
    if not row.is_here:
        cure = (
            "the tenant gets it with Agent 365; without it, give --principal bot"
            if row.resource.name == CHANNEL
            else "the tenant gets it with a licence for it; leave that feature out of --with"
        )
        return Row(name, State.BLOCKED, "this tenant does not know the resource", cure=cure)
    if row.unknown:
        says = f"the resource has no {', '.join(row.unknown)}"
        return Row(name, State.BLOCKED, says, cure="leave that feature out of --with")
    if roles.may(facts.me.roles, Work.CONSENT):
        return Row(name, State.CONSENT, says, YOU)
    cure = f"send the address that comes then to a {roles.who_may(Work.CONSENT)}"
    return Row(name, State.CONSENT, says, SOMEBODY, cure)


def _licence(wish: Wish, facts: Facts) -> Iterator[Row]:
    having = [pool for pool in facts.pools if pool.sku in facts.held]
    if any(pool.has_teams for pool in having):
        yield Row("licence", State.EXISTS, ", ".join(pool.name for pool in having))
        return
    if not wish.wants_licence:
        says = "none: it is in no chat before it has one with Teams"
        yield Row("licence", State.CLICKS, says, SOMEBODY, "`entraclaw licences assign`")
        return
    try:
        pool = chosen(facts.pools, wish.licence, facts.held)
        _country(facts)
    except LicenceRefused as refused:
        cure = f"{refused.hint or 'name another'}; or --no-licence, and assign it later"
        yield Row("licence", State.BLOCKED, str(refused), cure=cure.replace("--location", "it"))
        return
    yield _seat(pool, facts)


def _country(facts: Facts) -> str:
    own = facts.user.country if facts.user else ""
    return country("", own, facts.tenant.country)


def _seat(pool: Pool, facts: Facts) -> Row:
    says = f"{pool.name}, one of {pool.free} that are free"
    if not pool.has_teams:
        cure = "give --licence one that has Teams"
        return Row("licence", State.BLOCKED, f"{pool.name} has no Teams", cure=cure)
    if roles.may(facts.me.roles, Work.LICENCES):
        return Row("licence", State.MAKE, says, YOU)
    cure = f"a {roles.who_may(Work.LICENCES)} runs `entraclaw licences assign`"
    return Row("licence", State.BLOCKED, "your roles assign none", cure=f"{cure}; --no-licence")


def _messages(wish: Wish, facts: Facts, journal: Journal) -> Row:
    """Say by which way messages come: the agent's own, where the tenant can deliver by it.

    Microsoft delivers to agents themselves where the tenant is in its programme for them;
    that the agent channel is known there is the one sign of it that Graph shows.
    """
    if wish.bot:
        says = "to the bot, inbound = bot: an app to sideload, and its endpoint"
        return Row("messages", State.CLICKS, says, YOU, "docs/setup.md#a-classic-bot")
    has_channel = any(row.resource.name == CHANNEL and row.is_here for row in facts.standing.rows)
    if has_channel:
        says = "to the agent itself, inbound = agentic"
        if journal.settings:
            return Row("messages", State.EXISTS, says)
        return Row("messages", State.MAKE, says, MACHINE)
    says = "nothing is delivered to agents here: inbound = bot is the way in"
    cure = "give --principal bot --bot ID: docs/setup.md#a-classic-bot"
    return Row("messages", State.BLOCKED, says, cure=cure)


def _endpoint(wish: Wish, facts: Facts) -> Iterator[Row]:
    if wish.bot:
        return
    there = facts.endpoint
    if not wish.endpoint:
        says = "give --endpoint the public address of the daemon's webhook"
        yield Row("endpoint", State.CLICKS, says, YOU, "docs/setup.md#the-endpoint")
    elif not there.is_here:
        says = f"this tenant takes none by Graph: set {wish.endpoint} by hand"
        yield Row("endpoint", State.CLICKS, says, SOMEBODY, "docs/setup.md#the-endpoint")
    elif there.url == wish.endpoint:
        yield Row("endpoint", State.EXISTS, there.url)
    elif there.url and facts.siblings and not there.is_ours_to_set:
        says = f"the blueprint's agents all hear at {there.url}"
        cure = "let each have its own (isOverridableAtAgentIdLevel), or join another blueprint"
        yield Row("endpoint", State.BLOCKED, says, cure=cure)
    else:
        yield Row("endpoint", State.MAKE, wish.endpoint, YOU)


def _made(part: str, says: str, facts: Facts) -> Row:
    if roles.may(facts.me.roles, Work.AGENTS):
        return Row(part, State.MAKE, says, YOU)
    role = roles.who_may(Work.AGENTS)
    says = f"you have no role that makes it, such as {role}"
    return Row(part, State.BLOCKED, says, cure=f"have somebody with the role {role} run this")


def _lost(part: Part, facts: Facts, journal: Journal) -> Row:
    del facts
    says = f"{journal.id_of(part)} was deleted"
    cure = (
        "restore it in the Entra admin centre, within 30 days; or `entraclaw teardown`, "
        "and this again"
    )
    return Row(part, State.BLOCKED, says, cure=cure)
