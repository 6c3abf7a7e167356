"""Whether and when a daemon that ended is started again."""

from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.services.restarts import LONGEST_S, STEADY_S, Next, after


def pauses(code: int, ran_s: float, times: int) -> list[float | None]:
    failures, said = 0, list[float | None]()
    for _ in range(times):
        following = after(code, ran_s, failures)
        failures = following.failures
        said.append(following.pause_s)
    return said


def test_pauses_double_up_to_five_minutes() -> None:
    assert pauses(1, 3.0, 11) == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_S, LONGEST_S]


def test_wrong_settings_and_an_end_that_was_asked_for_start_nothing() -> None:
    assert after(2, 1.0, 3) == Next(None, 0)
    assert after(0, 1.0, 3) == Next(None, 0)


def test_daemon_that_had_run_well_is_back_in_a_second() -> None:
    assert after(-9, STEADY_S, 9) == Next(1, 1)
    assert after(-9, STEADY_S - 1, 9).pause_s == LONGEST_S


@given(code=st.integers(-64, 255), ran_s=st.floats(0, 1e6), failures=st.integers(0, 10**9))
def test_pause_is_never_none_for_a_failure_nor_out_of_bounds(
    code: int, ran_s: float, failures: int
) -> None:
    pause = after(code, ran_s, failures).pause_s

    assert (pause is None) == (code in {0, 2})
    assert pause is None or 1 <= pause <= LONGEST_S
