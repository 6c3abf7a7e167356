"""The daemon's own words: the whole message, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.words import Approve, Confirm, Refuse, Stop, word


@pytest.mark.parametrize(
    "text", ["stop", "STOP", " Stop!\n", "stop.", "Stop!!", "/stop", "\u00a0stop"]
)
def test_stop_is_a_word_however_it_is_written(text: str) -> None:
    assert word(text) == Stop()


FOR_THE_AGENT = [
    "please stop",
    "stop it",
    "stop, please",
    "don't stop",
    "stop?",
    "stopp",
    "//stop",
    "st op",
    "\u017ftop",
    "stop\nnow",
    "> stop",
    "/",
    "pair",
    "pair change",
    "pair programming",
    "pair ACDEF3 please",
    "please pair ACDEF3",
    "/pair ACDEF3",
    "pair: ACDEF3",
    "pairACDEF3",
    "pair ACDEF0",
    "pair ACD EF3",
    "pa\u0131r ACDEF3",
    "confirm",
    "confirm attachment",
    "confirm K7QXM-X9H4",
    "confirm K7QXM X9H43",
    "please confirm K7QXM-X9H43",
    "refuse it",
]


@pytest.mark.parametrize("text", ["", *FOR_THE_AGENT])
def test_word_within_more_text_or_not_quite_it_is_for_the_agent(text: str) -> None:
    assert word(text) is None


@pytest.mark.parametrize("text", ["pair ACDEF3", "Pair acdef3", "  PAIR \u00a0ACDEF3\n"])
def test_pair_and_a_code_is_a_word(text: str) -> None:
    assert word(text) == Approve("ACDEF3")


@pytest.mark.parametrize("text", ["confirm K7QXM-X9H43", " Confirm k7qxm\u2013x9h43\n"])
def test_confirm_and_a_code_is_a_word(text: str) -> None:
    assert word(text) == Confirm("K7QXM-X9H43")


def test_refuse_is_a_word() -> None:
    assert word("Refuse ") == Refuse()


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["stop", "pair ACDEF3"]))
def test_word_with_another_beside_it_is_none(other: str, ours: str) -> None:
    if other.strip().strip(".!"):
        assert word(f"{ours} {other}") is None
        assert word(f"{other} {ours}") is None
