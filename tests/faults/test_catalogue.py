from collections import Counter
from random import Random

import pytest

from faults.catalogue import FULL_FLOOD, SHORT_FLOOD, Fault, catalogue, deal

FAULTS = catalogue(can_fail_connector=True)


def dealt(cycles: int, seed: int = 1) -> list[Fault]:
    return deal(FAULTS, cycles, Random(seed))  # noqa: S311 - not a secret


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("cycles", [1, 40, 100, 1000])
def test_as_many_faults_as_cycles(cycles: int) -> None:
    assert len(dealt(cycles)) == cycles


def test_same_seed_deals_the_same() -> None:
    assert [f.name for f in dealt(200)] == [f.name for f in dealt(200)]
    assert [f.name for f in dealt(200)] != [f.name for f in dealt(200, seed=2)]


def test_long_run_has_every_fault() -> None:
    assert {fault.name for fault in dealt(200)} == {fault.name for fault in FAULTS}


@pytest.mark.parametrize(("cycles", "most"), [(40, 0), (100, 2), (1000, 20)])
def test_daemon_is_frozen_in_one_cycle_of_fifty_at_most(cycles: int, most: int) -> None:
    assert Counter(fault.name for fault in dealt(cycles))["daemon frozen past patience"] <= most


@pytest.mark.parametrize(("cycles", "full"), [(999, 0), (1000, 1)])
def test_one_flood_of_a_long_run_is_full(cycles: int, full: int) -> None:
    floods = [fault for fault in dealt(cycles) if fault.name == "flood"]

    assert sum(str(FULL_FLOOD) in repr(fault.act) for fault in floods) == full
    assert all(str(SHORT_FLOOD) in repr(fault.act) for fault in floods[full:] if not full)


def test_one_kind_of_fault_alone_fills_a_run() -> None:
    only = [fault for fault in FAULTS if fault.name.startswith("connector")]

    assert len(deal(only, 12, Random(1))) == 12  # noqa: S311 - not a secret
