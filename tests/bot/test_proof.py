"""What waits for a proof, as a value."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.proof import (
    KEPT_S,
    LATELY_LIMIT,
    LATELY_S,
    OPEN_LIMIT,
    TRIES,
    Confirmed,
    Proofs,
    Show,
    Unknown,
    new_code,
    read_code,
)
from entraclaw.errors import ProofRefused

NOW = 1000.0
ADA = "ada"
CODE, OTHER, NONE = "K7QXM-X9H43", "ACDEF-ACDE4", "TTTTT-TTTT7"


def asked(proofs: Proofs | None = None, name: str = "one", code: str = CODE) -> Proofs:
    """One that waits, and that Ada was shown."""
    proofs, request = (proofs or Proofs()).ask(name, "let Grace speak", code, NOW)
    return proofs.show(request.id, ADA)


def test_code_confirms_the_change_it_was_made_for_and_no_other() -> None:
    both = asked(asked(), "two", OTHER)

    rest, answer = both.confirm(OTHER, ADA)

    assert isinstance(answer, Confirmed)
    assert answer.request.id == "two"
    assert [one.id for one in rest.open] == ["one"]
    assert rest.waits("one")
    assert not rest.waits("two")


def test_code_is_good_once() -> None:
    proofs, _ = asked().confirm(CODE, ADA)

    assert proofs.confirm(CODE, ADA) == (proofs, Unknown())


def test_who_was_not_shown_what_it_does_is_shown_first() -> None:
    """Ours: what a command shows may be another thing than it asks for."""
    proofs, answer = asked().confirm(CODE, "joan")

    assert isinstance(answer, Show)
    assert proofs == asked()
    assert isinstance(proofs.show("one", "joan").confirm(CODE, "joan")[1], Confirmed)


def test_being_shown_one_request_is_not_being_shown_another() -> None:
    both, _ = asked().ask("two", "let Mallory speak", OTHER, NOW)

    assert isinstance(both.confirm(OTHER, ADA)[1], Show)


def test_request_runs_out() -> None:
    assert asked().expired(NOW + KEPT_S - 1) == ()
    assert asked().expired(NOW + KEPT_S) == asked().open


def test_wrong_codes_are_counted_over_all_and_end_everything_that_waits() -> None:
    proofs = asked(asked(), "two", OTHER)
    for _ in range(TRIES - 1):
        proofs, answer = proofs.confirm(NONE, ADA)
        assert answer == Unknown()

    ended, answer = proofs.confirm(NONE, "joan")

    assert answer == Unknown(proofs.open)
    assert ended.open == ()
    assert ended.confirm(CODE, ADA) == (ended, Unknown())


def test_wrong_codes_are_forgotten_when_nothing_waits() -> None:
    proofs, _ = asked().confirm(NONE, ADA)

    assert proofs.wrong == 1
    assert proofs.end("one").wrong == 0
    assert asked(proofs, "two", OTHER).end("one").wrong == 1


def test_wrong_code_while_nothing_waits_changes_nothing() -> None:
    assert Proofs().confirm(CODE, ADA) == (Proofs(), Unknown())


def test_too_many_cannot_wait_at_a_time() -> None:
    proofs = Proofs()
    for number in range(OPEN_LIMIT):
        proofs = asked(proofs, str(number))

    with pytest.raises(ProofRefused, match="5 other changes wait"):
        asked(proofs, "more")
    assert len(asked(proofs.end("0"), "more").open) == OPEN_LIMIT


def test_too_many_cannot_be_asked_for_in_an_hour() -> None:
    """Ours: each is told to every sponsor."""
    proofs = Proofs()
    for number in range(LATELY_LIMIT):
        proofs = asked(proofs, str(number)).end(str(number))

    with pytest.raises(ProofRefused, match="20 times within an hour"):
        asked(proofs)
    proofs.ask("later", "", CODE, NOW + LATELY_S)
    # A clock that went back holds nobody up for longer than an hour of its own.
    proofs.ask("earlier", "", CODE, NOW - 1)


def test_printing_a_request_shows_no_code() -> None:
    assert CODE not in repr(asked())


def test_code_is_hard_to_guess_and_easy_to_type() -> None:
    code = new_code(secrets.choice)

    assert read_code(code) == code
    assert 24**9 * 5 > 1 << 40
    assert len({new_code(secrets.choice) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text", [CODE, CODE.lower(), f" {CODE}\n", "K7QXMX9H43", "k7qxm\u2013x9h43", "K7QXM\u2011X9H43"]
)
def test_code_is_read_however_it_is_typed(text: str) -> None:
    assert read_code(text) == CODE


@pytest.mark.parametrize(
    "text",
    ["", "attachment", "ATTAC-HMENT", "K7QXM-X9H4", "K7QXM--X9H43", "K7QXM X9H43", "K7QXM-X9H4A"],
)
def test_no_word_of_a_language_is_a_code(text: str) -> None:
    assert read_code(text) == ""


@given(st.text())
def test_no_text_does_worse_than_be_no_code(text: str) -> None:
    assert read_code(text) in {"", text.strip().upper()} or "-" in read_code(text)
