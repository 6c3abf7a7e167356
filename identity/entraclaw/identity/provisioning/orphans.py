"""Find what some setup made and no journal here speaks of, by the tags that it bears.

They may be another machine's, at work: who they belong to is told by their mark alone, so
that nothing is deleted but by the mark that somebody named.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import quote

from entraclaw.identity.provisioning import paths, reading
from entraclaw.identity.provisioning.calls import Call, Document, Reply, text
from entraclaw.identity.provisioning.facts import Application, Identity
from entraclaw.identity.provisioning.journal import Journal, Part, Thing
from entraclaw.identity.provisioning.marks import PRODUCT, mark_of
from entraclaw.identity.provisioning.refused import listed
from entraclaw.identity.provisioning.steps import Steps

_TAGGED = f"$filter={quote(f'tags/any(t:t eq {chr(39)}{PRODUCT}{chr(39)})')}"


@dataclass(frozen=True, slots=True)
class Orphan:
    """What bears one mark.

    Attributes:
        mark: Whose.
        names: What people call its parts.
        journal: As its setup would have noted it.
    """

    mark: str
    names: tuple[str, ...]
    journal: Journal


def find(login: str, tenant: str, known: Collection[str]) -> Steps[tuple[Orphan, ...]]:
    """Find what bears a mark that is not *known*.

    Raises:
        CallRefused: Whoever signed in may not look.
    """
    blueprints = yield from _unknown(paths.BLUEPRINTS, known)
    identities = yield from _unknown(paths.IDENTITIES, known)
    marks = sorted({mark_of(one) for one in (*blueprints, *identities)})
    found: list[Orphan] = []
    for mark in marks:
        blank = Journal(mark, login, tenant)
        made = [reading.application(one) for one in blueprints if mark_of(one) == mark]
        agents = [reading.identity(one) for one in identities if mark_of(one) == mark]
        found.append((yield from _orphan(blank, made, agents)))
    return tuple(found)


def _unknown(path: str, known: Collection[str]) -> Steps[list[Document]]:
    there = yield from listed(f"{path}?{_TAGGED}")
    return [one for one in there if mark_of(one) and mark_of(one) not in known]


def _orphan(journal: Journal, made: list[Application], agents: list[Identity]) -> Steps[Orphan]:
    names = [one.name or one.id for one in made] + [one.name or one.id for one in agents]
    for blueprint in made[:1]:
        journal = replace(journal, app=blueprint.app)
        journal = journal.noting(Part.BLUEPRINT, Thing(blueprint.id, is_ours=True, at=0.0))
        reply: Reply = yield Call("GET", paths.principal_of(blueprint.app))
        if reply.is_good:
            principal = Thing(text(reply.body, "id").lower(), is_ours=True, at=0.0)
            journal = journal.noting(Part.PRINCIPAL, principal)
    for agent in agents[:1]:
        journal = replace(journal, app=journal.app or agent.blueprint)
        journal = journal.noting(Part.IDENTITY, Thing(agent.id, is_ours=True, at=0.0))
        for shown in (yield from listed(paths.users_of(agent.id))):
            user = reading.user(shown)
            names.append(user.upn)
            journal = journal.noting(Part.USER, Thing(user.id, is_ours=True, at=0.0))
    return Orphan(journal.mark, tuple(names), journal)
