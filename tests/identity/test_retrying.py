import pytest

from entraclaw.errors import EntraclawError, HopRefused, KeyMisused, KeyUnavailable, Unreachable
from entraclaw.identity.refusals import Standing
from entraclaw.identity.retrying import LONGEST_PAUSE_S, TRIES, Trouble, pause, trouble

REFUSED = HopRefused("user", "AADSTS65001", hint="")
BUSY = HopRefused("user", "AADSTS90033", hint="", is_passing=True)


def busy(retry_after: float | None) -> HopRefused:
    return HopRefused("user", "429", hint="", retry_after=retry_after, is_passing=True)


def test_pauses_grow_and_come_to_an_end() -> None:
    assert [pause(BUSY, tries) for tries in range(1, TRIES + 1)] == [0.5, 1.0, 2.0, None]


def test_what_entra_asks_for_is_the_least() -> None:
    assert pause(busy(7.0), 1) == 7.0
    assert pause(busy(0.0), 1) == 0.5
    assert pause(busy(LONGEST_PAUSE_S + 1), 1) is None


@pytest.mark.parametrize("error", [REFUSED, Unreachable("Entra", "ConnectionError")])
def test_what_does_not_pass_is_not_tried_again(error: HopRefused | Unreachable) -> None:
    assert pause(error, 1) is None


def test_refusal_is_asked_about_ever_more_rarely() -> None:
    noted: Trouble | None = None
    gaps: list[float] = []
    for _ in range(10):
        noted = trouble(noted, "graph", REFUSED, 1000.0)
        gaps.append(noted.asks_at - 1000.0)

    assert gaps == [0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0]
    assert noted is not None
    assert (noted.since, noted.times) == (1000.0, 10)


def test_trouble_of_another_kind_begins_anew() -> None:
    first = trouble(None, "graph", REFUSED, 1000.0)
    again = trouble(first, "graph", REFUSED, 1010.0)
    other = trouble(again, "graph", HopRefused("user", "AADSTS53003", hint=""), 1020.0)

    assert (again.since, again.times) == (1000.0, 2)
    assert (other.since, other.times, other.standing) == (1020.0, 1, Standing.BLOCKED)


@pytest.mark.parametrize(
    ("error", "standing", "gap"),
    [
        (busy(90.0), Standing.UNREACHABLE, 90),
        (Unreachable("Entra", "503", retry_after=90.0, is_passing=True), Standing.UNREACHABLE, 90),
        (Unreachable("Entra", "ConnectionError"), Standing.UNREACHABLE, 0.0),
        (KeyUnavailable("locked"), Standing.NO_KEY, 0.0),
        (KeyMisused("not ours"), Standing.NO_KEY, 0.0),
    ],
)
def test_what_may_be_over_at_any_moment_is_not_waited_for(
    error: EntraclawError, standing: Standing, gap: float
) -> None:
    noted = trouble(trouble(None, "graph", error, 0.0), "graph", error, 0.0)

    assert noted.standing is standing
    assert noted.asks_at == gap
