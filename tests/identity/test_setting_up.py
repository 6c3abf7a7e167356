"""A setup makes one whole agent, wherever it breaks off and however late Graph shows things."""

from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entraclaw.identity.provisioning.journal import Part
from identity.graph_model import E5, WANTS, Tenant
from identity.graph_shelves import ADA, BLUEPRINT, IDENTITY, USER
from identity.settingup import MARK, OURS, URL, CutOffError, Machine, machine

KINDS = (BLUEPRINT, "principal", IDENTITY, USER)
LONGEST_LAG_S = 60.0


def state(tenant: Tenant) -> dict[str, Any]:
    """All that a setup can change, with names in the place of ids."""
    [[blueprint], [principal], [identity], [user]] = [tenant.of(kind) for kind in KINDS]
    assert principal["appId"] == blueprint["appId"] == identity["agentIdentityBlueprintId"]
    assert user["identityParentId"] == identity["id"]
    assert all(one["clientId"] == identity["id"] for one in tenant.grants.values())
    assert all(one["principalId"] == user["id"] for one in tenant.grants.values())
    return {
        "tags": [blueprint["tags"], identity["tags"]],
        "certificates": [one["displayName"] for one in blueprint["keyCredentials"]],
        "sponsors": user["sponsors"],
        "licences": user["licences"],
        "granted": sorted(" ".join(sorted(g["scope"].split())) for g in tenant.grants.values()),
        "endpoint": blueprint["communication"]["endpointConfiguration"]["apiBased"],
        "upn": user["userPrincipalName"],
    }


def finished(one: Machine) -> dict[str, Any]:
    ids = one.setup().ids
    journal = one.journal
    assert all(journal.made(part) for part in Part)
    found = {kind: one.tenant.of(kind)[0] for kind in KINDS}
    assert [journal.id_of(part) for part in Part] == [found[kind]["id"] for kind in KINDS]
    assert (ids.blueprint, ids.agent) == (found[BLUEPRINT]["appId"], found[IDENTITY]["id"])
    assert ids.user == found[USER]["id"]
    assert journal.certificates == {found[BLUEPRINT]["id"]: OURS.thumbprint}
    assert (journal.licences, journal.endpoint) == ((E5,), URL)
    return state(one.tenant)


WHOLE = {
    "tags": [["entraclaw", f"entraclaw:{MARK}"]] * 2,
    "certificates": [OURS.name],
    "sponsors": [ADA],
    "licences": [E5],
    "granted": sorted(" ".join(sorted(want.scopes)) for want in WANTS),
    "endpoint": {"callbackUri": URL},
    "upn": "agent@contoso.example",
}


def test_setup_from_nothing_makes_one_whole_agent() -> None:
    assert finished(machine()) == WHOLE


def test_setup_of_what_is_there_makes_nothing() -> None:
    one = machine()
    one.setup()
    made = list(one.tenant.made)

    assert finished(one) == WHOLE
    assert one.tenant.made == made == list(KINDS)


def test_what_graph_shows_late_is_waited_for_and_not_made_again() -> None:
    one = machine(lag=LONGEST_LAG_S)

    assert finished(one) == WHOLE


def test_setup_waits_hardly_longer_than_graph_needs() -> None:
    """Each of the four is shown a minute late, and needed by what comes next."""
    one = machine(lag=LONGEST_LAG_S)
    begun = one.tenant.clock()

    one.setup()

    assert one.tenant.clock() - begun <= 1.25 * len(KINDS) * LONGEST_LAG_S


@cache
def steps_of_a_setup() -> int:
    one = machine()
    one.setup()
    return one.steps


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("lag", [0.0, LONGEST_LAG_S])
def test_setup_that_broke_off_at_any_step_is_finished_by_the_next(
    lag: float, *, is_late: bool
) -> None:
    for step in range(1, steps_of_a_setup() + 1):
        one = machine(lag)
        one.cut, one.is_late = step, is_late
        with pytest.raises(CutOffError):
            one.setup()

        assert finished(one) == WHOLE, step


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=6),
    lag=st.floats(0.0, LONGEST_LAG_S),
)
def test_setup_that_broke_off_again_and_again_ends_the_same(
    cuts: list[tuple[int, bool]], lag: float
) -> None:
    one = machine(lag)
    for step, is_late in cuts:
        one.steps, one.cut, one.is_late = 0, step, is_late
        with suppress(CutOffError):
            one.setup()
    one.cut = -1

    assert finished(one) == WHOLE
    assert one.tenant.made == list(KINDS)


@pytest.mark.parametrize("is_late", [False, True])
def test_teardown_that_broke_off_at_any_step_is_finished_by_the_next(*, is_late: bool) -> None:
    whole = machine()
    whole.setup()
    before = whole.steps
    whole.teardown()

    for step in range(before + 1, whole.steps + 1):
        one = machine()
        one.setup()
        one.cut, one.is_late = step, is_late
        with pytest.raises(CutOffError):
            one.teardown()
        one.teardown()

        assert [one.tenant.of(kind) for kind in KINDS] == [[], [], [], []]
        assert one.tenant.grants == {}
        assert dict(one.journal.things) == {}
