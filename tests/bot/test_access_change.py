"""What a change says of itself, what it does, and whether it needs a proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.access import DESK, Access, Account, Listed
from entraclaw.bot.access_change import differences, read, widens
from entraclaw.errors import EntraclawError, PairingRefused

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
GRACE: Account = (TENANT, "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb")
JOAN: Account = (TENANT, "c0c0c0c0-3333-4333-8333-cccccccccccc")
NOW = 1000.0
ALLOWED = Access().allow(GRACE, "Grace", DESK, NOW)
DENIED = Access().deny(GRACE, "Grace", DESK, NOW)
WAITING = Access(pairing=True).start_pairing(GRACE, "Grace", "ACDEF3", NOW)[0]


def made(access: Access, **request: object) -> Access:
    return read(request, access, NOW).edit(access, DESK, NOW)


def person(account: Account) -> str:
    return "/".join(account)


@pytest.mark.parametrize(
    ("before", "request_"),
    [
        (Access(), {"do": "allow", "person": person(GRACE)}),
        (DENIED, {"do": "allow", "person": person(GRACE)}),
        (DENIED, {"do": "remove", "person": person(GRACE)}),
        (WAITING, {"do": "pair", "code": "ACDEF3"}),
        (Access(), {"do": "pairing", "on": True}),
    ],
    ids=str,
)
def test_change_by_which_somebody_may_do_more_needs_a_proof(
    before: Access, request_: dict[str, object]
) -> None:
    assert widens(before, made(before, **request_))


@pytest.mark.parametrize(
    ("before", "request_"),
    [
        (Access(), {"do": "deny", "person": person(GRACE)}),
        (ALLOWED, {"do": "deny", "person": person(GRACE)}),
        (WAITING, {"do": "deny", "person": person(GRACE)}),
        (ALLOWED, {"do": "remove", "person": person(GRACE)}),
        (WAITING, {"do": "pairing", "on": False}),
        (Access(), {"do": "pairing", "on": "true"}),
        (ALLOWED, {"do": "allow", "person": person(GRACE), "name": "another note"}),
    ],
    ids=str,
)
def test_change_by_which_nobody_may_do_more_needs_none(
    before: Access, request_: dict[str, object]
) -> None:
    assert not widens(before, made(before, **request_))


NOTED = Listed("", NOW, DESK)
SOME = st.dictionaries(st.tuples(st.just(TENANT), st.sampled_from("abc")), st.just(NOTED))
LISTS = st.builds(Access, SOME, SOME, st.booleans())


@given(LISTS, LISTS, LISTS)
def test_no_two_changes_without_a_proof_do_what_would_need_one(
    one: Access, two: Access, three: Access
) -> None:
    if not widens(one, two) and not widens(two, three):
        assert not widens(one, three)


def test_words_name_the_person_and_what_whoever_asks_says_of_them_as_such() -> None:
    change = read({"do": "allow", "person": person(GRACE), "name": "Grace\x1b[2J"}, Access(), NOW)

    assert change.what == f"let {person(GRACE)} speak, noted as “Grace[2J”"
    assert change.done == f"{person(GRACE)} may speak"
    assert read({"do": "allow", "person": person(GRACE)}, Access(), NOW).what.endswith(" speak")


def test_words_of_a_code_name_whom_it_lets_in() -> None:
    change = read({"do": "pair", "code": "acdef3"}, WAITING, NOW)

    assert change.account == GRACE
    assert person(GRACE) in change.what
    assert change.done == f"Grace {person(GRACE)} may speak"


def test_code_that_ran_out_before_it_was_proved_lets_nobody_in() -> None:
    change = read({"do": "pair", "code": "ACDEF3"}, WAITING, NOW)

    with pytest.raises(PairingRefused):
        change.edit(WAITING, DESK, NOW + 3601)


def test_pairing_says_what_it_is_now() -> None:
    assert read({"do": "pairing", "on": True}, Access(), NOW).done == "pairing is on"
    assert read({"do": "pairing", "on": False}, Access(), NOW).done == "pairing is off"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": "everything"},
        {"do": ["allow"]},
        {"do": "allow"},
        {"do": "allow", "person": 5},
        {"do": "allow", "person": person(GRACE), "name": {}},
        {"do": "deny", "person": "grace@contoso.example"},
        {"do": "pair", "code": ""},
        {"do": "pair", "code": "ACDEF4"},
        {"do": "remove", "person": person(JOAN)},
    ],
    ids=str,
)
def test_odd_request_is_refused(request_: dict[str, object]) -> None:
    with pytest.raises(EntraclawError):
        read(request_, WAITING, NOW)


def test_differences_are_told_line_by_line_and_codes_are_not() -> None:
    other = Access(pairing=True).allow(JOAN, "Joan", DESK, NOW).deny(GRACE, "", DESK, NOW)

    assert differences(ALLOWED, ALLOWED) == []
    assert differences(ALLOWED, other) == [
        f"- allowed {person(GRACE)} Grace",
        f"+ allowed {person(JOAN)} Joan",
        f"+ denied {person(GRACE)}",
        "+ pairing on",
    ]
    assert differences(WAITING, Access()) == ["+ pairing off", "+ 0 with a code, before 1"]


def test_name_and_date_are_part_of_what_is_compared() -> None:
    older = Access().allow(GRACE, "Grace", DESK, NOW - 1)

    assert len(differences(ALLOWED, older)) == 2
