"""How much of a message's time is said to be ours: no wait of the host's is left out."""

from typing import Any

import pytest

from hosts.spans import Noted, Trip, summary

TRIP = Trip("word-1", 1_000, 2_000)


def noted(*notes: tuple[int, str, dict[str, Any]]) -> Noted:
    return Noted.read({"at": at, "what": what, **facts} for at, what, facts in notes)


def bell(at: int, by: str = "monitor") -> tuple[int, str, dict[str, Any]]:
    return at, "bell", {"by": by}


def call(begin: int, end: int, number: int) -> tuple[tuple[int, str, dict[str, Any]], ...]:
    return (begin, "in", {"id": number, "tool": "any"}), (end, "out", {"id": number})


def test_rung_host_waits_for_the_bell_and_for_each_tool() -> None:
    """100 to the bell, 50 in the first call, 30 in the second until the answer is there."""
    seen = noted(bell(1_100), *call(1_500, 1_550, 1), *call(1_970, 2_040, 2))

    assert seen.ours(TRIP) == 100 + 50 + 30


def test_host_that_was_reading_already_waits_from_the_first_byte() -> None:
    seen = noted(*call(200, 1_120, 1), *call(1_900, 2_010, 2))

    assert seen.ours(TRIP) == 120 + 100


def test_bells_and_calls_of_other_messages_do_not_count() -> None:
    seen = noted(
        bell(500), *call(600, 700, 1), bell(1_100), *call(1_500, 1_550, 2), *call(2_100, 2_400, 3)
    )

    assert seen.ours(TRIP) == 100 + 50


def test_calls_at_the_same_time_count_once() -> None:
    seen = noted(bell(1_000), *call(1_200, 1_300, 1), *call(1_250, 1_280, 2))

    assert seen.ours(TRIP) == 100


def test_host_that_was_never_rung_waited_for_us_all_the_time() -> None:
    assert noted().ours(TRIP) == TRIP.ns


def test_results_of_anything_but_tool_calls_are_passed_over() -> None:
    seen = noted((1_050, "out", {"id": "probe"}), bell(1_100))

    assert seen.ours(TRIP) == 100


def test_bells_are_counted_by_who_rang() -> None:
    assert noted(bell(1), bell(2), bell(3, "inbox")).rung_by == {"monitor": 2, "inbox": 1}


def test_share_is_of_all_the_time_there_was() -> None:
    trips = [Trip("word-1", 0, 1_000_000), Trip("word-2", 2_000_000, 5_000_000)]
    seen = noted(bell(100_000), bell(2_100_000))

    told = summary(trips, seen)

    assert told == {
        "p50_ms": pytest.approx(2.0),
        "bridge_ms": pytest.approx(0.1),
        "doorbell_ms": pytest.approx(0.1),
        "bridge_share": pytest.approx(0.05),
    }


def test_round_without_an_answer_still_has_a_summary() -> None:
    assert set(summary([], noted()).values()) == {0.0}
