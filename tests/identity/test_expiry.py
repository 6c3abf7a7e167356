from hypothesis import given
from hypothesis import strategies as st

from entraclaw.identity import Token
from entraclaw.identity.expiry import is_due, is_usable, margin

LIFETIMES = st.integers(min_value=1, max_value=28 * 3600)
MOMENTS = st.integers(min_value=-(10**5), max_value=10**5)
START = 1_700_000_000.0


def token(lifetime: float) -> Token:
    return Token("secret", "graph", acquired_at=START, expires_at=START + lifetime)


@given(LIFETIMES)
def test_margin_is_five_minutes_or_a_fifth_of_the_lifetime_whichever_is_less(
    lifetime: int,
) -> None:
    assert margin(token(lifetime)) == min(300, 0.2 * lifetime)


@given(LIFETIMES, MOMENTS)
def test_token_is_due_in_its_margin_and_ever_after(lifetime: int, moment: int) -> None:
    good = token(lifetime)

    assert is_due(good, START + moment) == (lifetime - moment < margin(good))


@given(LIFETIMES, MOMENTS)
def test_token_that_cannot_be_used_is_due(lifetime: int, moment: int) -> None:
    good = token(lifetime)

    assert is_usable(good, START + moment) or is_due(good, START + moment)


@given(LIFETIMES)
def test_fresh_token_is_neither_due_nor_unusable(lifetime: int) -> None:
    assert is_usable(token(lifetime), START)
    assert not is_due(token(lifetime), START)


@given(LIFETIMES)
def test_token_is_not_used_in_the_second_it_ends(lifetime: int) -> None:
    assert is_usable(token(lifetime), START + lifetime - 0.5)
    assert not is_usable(token(lifetime), START + lifetime)
