"""Give an agent that is there what it needs: consent, a licence, an address for its messages.

Generators, as `making` has them: what was done is noted before the next thing is done.

Steps, with sources: docs/setup.md#what-is-made
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from entraclaw.errors import CallRefused, SetupUnfinished
from entraclaw.identity.features import Want
from entraclaw.identity.provisioning import endpoints, granting, licensing
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.granted import Standing
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.pools import chosen
from entraclaw.identity.provisioning.seeking import Now
from entraclaw.identity.provisioning.steps import Begin, Keep, Rest, Steps
from entraclaw.identity.provisioning.wish import Wish
from entraclaw.identity.values import AgentIds

_PAUSE_S = 2.0


def grant(
    wants: Sequence[Want], ids: AgentIds, journal: Journal, now: Now
) -> Steps[tuple[Journal, Standing]]:
    """Grant what is missing; gives what was missing and one may not grant, too.

    That is left for the page on which an administrator consents.

    Raises:
        CallRefused: It was refused for another reason than who signed in.
    """
    yield Begin("consent", "what the features need")
    standing = yield from granting.look(ids, wants)
    for row in standing.lacks:
        start = datetime.fromtimestamp(now(), UTC).isoformat(timespec="seconds")
        before, app = journal, row.resource.app
        both = tuple(sorted({*journal.scopes.get(app, ()), *row.grantable}))
        journal = replace(journal, scopes={**journal.scopes, app: both})
        yield Keep(journal)
        try:
            yield from granting.add(ids, row, start.replace("+00:00", "Z"))
        except CallRefused as refused:
            yield Keep(before)
            if refused.status != HTTPStatus.FORBIDDEN:
                raise
            return before, standing
    return journal, Standing(())


def await_consent(wants: Sequence[Want], ids: AgentIds, now: Now, patience_s: float) -> Steps[None]:
    """Wait until somebody has consented to all of *wants*, *patience_s* seconds at most.

    Raises:
        SetupUnfinished: Nobody did.
    """
    until = now() + patience_s
    while True:
        standing = yield from granting.look(ids, wants)
        if not standing.lacks:
            return
        lacking = ", ".join(row.resource.name for row in standing.lacks)
        if now() >= until:
            raise SetupUnfinished(
                f"nobody has consented yet ({lacking})",
                hint="run the same command again when that is done: it goes on from there",
            )
        yield Rest(_PAUSE_S, f"an administrator must consent ({lacking})")


def equip(wish: Wish, user: str, facts: Facts, journal: Journal) -> Steps[Journal]:
    """Give the agent user a licence, if it is to have one and has none with Teams.

    Raises:
        LicenceRefused: There is none to give any more.
        CallRefused: It was refused.
    """
    has_one = any(pool.has_teams and pool.sku in facts.held for pool in facts.pools)
    if has_one or not wish.wants_licence:
        return journal
    yield Begin("licence", wish.licence or "one with Teams")
    pool = chosen(facts.pools, wish.licence, facts.held)
    journal = replace(journal, licences=tuple(sorted({*journal.licences, pool.sku})))
    yield Keep(journal)
    yield from licensing.assign(user, pool.sku, awaits=f"the {Part.USER}")
    return journal


def point(wish: Wish, facts: Facts, journal: Journal) -> Steps[tuple[Journal, bool]]:
    """Have messages sent to the wished address; gives whether this tenant lets Graph set it.

    Raises:
        CallRefused: It was refused.
    """
    if not wish.endpoint:
        return journal, False
    yield Begin("endpoint", wish.endpoint)
    before = journal
    if facts.endpoint.url != wish.endpoint:
        journal = replace(journal, endpoint=wish.endpoint)
        yield Keep(journal)
    is_set = yield from endpoints.point(
        wish.endpoint,
        journal.id_of(Part.BLUEPRINT),
        journal.id_of(Part.IDENTITY),
        is_ours=journal.made(Part.BLUEPRINT) and not facts.siblings,
    )
    if not is_set:
        yield Keep(before)
        return before, False
    return journal, True
