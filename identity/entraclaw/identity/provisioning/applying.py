"""Apply a plan that nothing hinders: make what lacks, then equip it. One generator for it all.

What is left to somebody else at its end (a consent, an address set by hand) is told, and
hinders nothing that comes before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entraclaw.identity.features import Want
from entraclaw.identity.provisioning import equipping
from entraclaw.identity.provisioning.certificates import Certificate
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.granted import Standing
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.making import make
from entraclaw.identity.provisioning.seeking import Now
from entraclaw.identity.provisioning.steps import Steps
from entraclaw.identity.provisioning.wish import Wish
from entraclaw.identity.values import AgentIds


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it.

    Attributes:
        journal: With all that was made.
        ids: The agent's.
        lacking: What is not granted, and an administrator must consent to.
        is_pointed: Whether messages are sent to the wished address.
    """

    journal: Journal
    ids: AgentIds
    lacking: Standing
    is_pointed: bool


def apply(
    wish: Wish,
    wants: Sequence[Want],
    facts: Facts,
    certificate: Certificate,
    journal: Journal,
    *,
    now: Now,
    graph: str,
) -> Steps[Applied]:
    """Do all that *facts* lack of *wish*; *wants* are what its features need.

    Raises:
        CallRefused: Graph refused something; the same once more goes on from there.
        Unreachable: Graph does not answer, or not as it must.
    """
    journal = yield from make(wish, facts, certificate, journal, now=now, graph=graph)
    ids = ids_of(journal, wish.bot)
    journal = yield from equipping.equip(wish, ids.user, facts, journal)
    journal, lacking = yield from equipping.grant(wants, ids, journal, now)
    journal, is_pointed = yield from equipping.point(wish, facts, journal)
    return Applied(journal, ids, lacking, is_pointed)


def ids_of(journal: Journal, bot: str = "") -> AgentIds:
    """Name the agent of *journal*, which has all its parts."""
    return AgentIds(
        tenant=journal.tenant,
        blueprint=journal.app,
        agent=journal.id_of(Part.IDENTITY),
        user=journal.id_of(Part.USER),
        bot=bot,
    )
