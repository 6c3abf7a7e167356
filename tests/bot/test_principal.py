from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from bot.stage import Stage
from contracts.inbox import arrival
from entraclaw.bot.principal import (
    ActsAs,
    Inbound,
    Owner,
    Transition,
    answers_as,
    hinders,
    needed,
    transition,
)
from entraclaw.bot.store import Store
from entraclaw.errors import PrincipalRefused
from entraclaw.identity import AgentIds

AGENT = Owner(Inbound.AGENTIC, ActsAs.AGENT_USER, AgentIds("t", "b", "a", "u"))
BOTH = Owner(Inbound.BOT, ActsAs.AGENT_USER, AgentIds("t", "b", "a", "u", "bot"))
BOT = Owner(Inbound.BOT, ActsAs.BOT, AgentIds("t", bot="bot"))
LENT = Owner(Inbound.BOT, ActsAs.DELEGATED, AgentIds("t", bot="bot"))


@pytest.mark.parametrize(
    ("inbound", "who"), [(Inbound.AGENTIC, ActsAs.AGENT_USER), (Inbound.BOT, ActsAs.BOT)]
)
def test_who_is_written_to_answers(inbound: Inbound, who: ActsAs) -> None:
    assert answers_as(inbound) is who


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        (None, AGENT, Transition.ADOPT),
        (AGENT, AGENT, Transition.STAY),
        (AGENT, BOTH, Transition.SIDELOAD),
        (BOTH, AGENT, Transition.UNLOAD),
        (BOT, BOTH, Transition.HIRE),
        (BOT, AGENT, Transition.HIRE),
        (LENT, BOTH, Transition.HIRE),
        (BOTH, BOT, Transition.DISMISS),
        (LENT, BOT, Transition.DISMISS),
        (AGENT, BOT, Transition.DISMISS),
        (BOT, LENT, Transition.LEND),
        (BOTH, LENT, Transition.LEND),
        (AGENT, replace(AGENT, ids=AgentIds("t", "b", "a2", "u2")), Transition.REPLACE),
        (BOT, replace(LENT, ids=AgentIds("other", bot="bot")), Transition.REPLACE),
    ],
)
def test_every_change_of_principal_has_a_name(
    before: Owner | None, now: Owner, named: Transition
) -> None:
    assert transition(before, now) is named


def test_every_pair_that_goes_together_is_reached_from_every_other() -> None:
    owners = [AGENT, BOTH, BOT, LENT]

    assert {(one.inbound, one.acts_as) for one in owners} == {
        pair for pair in product(Inbound, ActsAs) if needed(*pair)
    }
    assert all(
        (transition(one, other) is Transition.STAY) == (one is other)
        for one, other in product(owners, owners)
    )


@pytest.mark.parametrize(
    ("before", "now", "unanswered", "reason"),
    [
        (None, AGENT, 1, ""),
        (AGENT, BOTH, 0, ""),
        (BOTH, BOT, 3, ""),  # the bot was asked, and answers
        (AGENT, BOTH, 1, "1 message waits here that came to another principal (agentic u)"),
        (BOT, AGENT, 2, "2 messages wait here that came to another principal (bot bot)"),
    ],
)
def test_what_came_to_one_principal_waits_for_it(
    before: Owner | None, now: Owner, unanswered: int, reason: str
) -> None:
    assert hinders(before, now, unanswered) == reason


async def test_inbox_remembers_whose_it_is(tmp_path: Path) -> None:
    path, now = tmp_path / "inbox.db", [100.0]
    async with Store.open(path, lambda: now[0]) as store:
        first = await store.owner.take(AGENT)
    now[0] = 200.0
    async with Store.open(path, lambda: now[0]) as store:
        again = await store.owner.take(AGENT)
        other = await store.owner.take(BOTH)

    assert (first.came_by, first.since, first.is_new) == (Transition.ADOPT, 100.0, True)
    assert (again.came_by, again.since, again.is_new) == (Transition.ADOPT, 100.0, False)
    assert other.document() == {"came_by": "sideload", "since": "1970-01-01T00:03:20+00:00"}


async def test_inbox_with_a_message_is_not_handed_to_another_principal(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "inbox.db", lambda: 0.0) as store:
        await store.owner.take(AGENT)
        await store.inbox.append(arrival(1))

        with pytest.raises(PrincipalRefused, match="1 message waits"):
            await store.owner.take(BOTH)
        assert (await store.owner.take(AGENT)).is_new is False


async def test_status_tells_since_when_the_principal_acts(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        principal = (await daemon.status())["principal"]

    assert isinstance(principal, dict)
    assert principal["came_by"] == "adopt"
