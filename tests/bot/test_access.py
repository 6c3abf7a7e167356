"""The list, and pairing, as values."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.access import (
    CODE_KEPT_S,
    DESK,
    PENDING_LIMIT,
    TOLD_LIMIT,
    Access,
    Account,
    Listed,
    new_code,
    read_account,
    read_code,
)
from entraclaw.bot.plain import plain_name
from entraclaw.errors import PairingRefused

NOW = 1000.0
GRACE: Account = ("home", "grace")
JOAN: Account = ("home", "joan")
OPEN = Access(pairing=True)
TENANT, OID = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10", "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"


def started(access: Access, account: Account, code: str, now: float = NOW) -> Access:
    access, told = access.start_pairing(account, account[1], code, now)
    assert told == code
    return access


def test_list_begins_empty_with_pairing_off() -> None:
    access = Access()

    assert (access.allowed, access.denied, access.pairing, access.pending) == ({}, {}, False, ())


def test_who_is_allowed_is_no_longer_denied_and_the_reverse() -> None:
    allowed = Access().deny(GRACE, "", DESK, 1.0).allow(GRACE, "Grace\n Hopper", DESK, 2.0)
    denied = allowed.deny(GRACE, "", "ada", 3.0)

    assert (allowed.allowed, allowed.denied) == ({GRACE: Listed("Grace Hopper", 2.0, DESK)}, {})
    assert (denied.allowed, denied.denied) == ({}, {GRACE: Listed("", 3.0, "ada")})


def test_change_leaves_others_and_the_old_list_alone() -> None:
    before = Access().allow(JOAN, "", DESK, NOW)

    after = before.allow(GRACE, "", DESK, NOW).remove(GRACE)

    assert after == before == Access().allow(JOAN, "", DESK, NOW)


def test_removed_person_is_on_neither_list_and_waits_no_more() -> None:
    everywhere = Access(
        allowed={GRACE: Listed("", 0, DESK)},
        denied={GRACE: Listed("", 0, DESK)},
        pending=started(OPEN, GRACE, "ACDEF3").pending,
    )

    assert everywhere.remove(GRACE) == Access()


# Pairing


def test_approving_the_code_lets_in_whoever_was_told_it() -> None:
    access = started(started(OPEN, JOAN, "ACDEF3"), GRACE, "ACDEF4")

    access, who = access.approve("ACDEF4", "ada", NOW + 1)

    assert who.account == GRACE
    assert access.allowed == {GRACE: Listed("grace", NOW + 1, "ada")}
    assert [one.account for one in access.pending] == [JOAN]


def test_code_is_good_once() -> None:
    access, _ = started(OPEN, GRACE, "ACDEF3").approve("ACDEF3", DESK, NOW)

    with pytest.raises(PairingRefused, match="nobody waits"):
        access.approve("ACDEF3", DESK, NOW)


@pytest.mark.parametrize("later", [CODE_KEPT_S, CODE_KEPT_S + 1, -1.0])
def test_code_is_good_for_an_hour_even_if_the_clock_goes_back(later: float) -> None:
    access = started(OPEN, GRACE, "ACDEF3")

    with pytest.raises(PairingRefused):
        access.approve("ACDEF3", DESK, NOW + later)

    allowed, _ = access.approve("ACDEF3", DESK, NOW + CODE_KEPT_S - 1)
    assert GRACE in allowed.allowed


def test_same_code_is_told_again_and_then_no_more() -> None:
    access = started(OPEN, GRACE, "ACDEF3")

    access, again = access.start_pairing(GRACE, "grace", "ACDEF4", NOW + 1)
    same, third = access.start_pairing(GRACE, "grace", "ACDEF6", NOW + 2)

    assert (again, third) == ("ACDEF3", "")
    assert same == access
    [waiting] = access.pending
    assert (waiting.told, waiting.until) == (TOLD_LIMIT, NOW + CODE_KEPT_S)


def test_three_may_wait_until_one_has_waited_too_long() -> None:
    access = OPEN
    for number in range(PENDING_LIMIT):
        access = started(access, ("home", str(number)), f"ACDEF{'346'[number]}", NOW + number)

    assert access.start_pairing(GRACE, "", "ACDEF7", NOW + 3) == (access, "")

    later = started(access, GRACE, "ACDEF7", NOW + CODE_KEPT_S)
    assert [one.account[1] for one in later.pending] == ["1", "2", "grace"]


def test_code_that_somebody_else_has_is_not_told() -> None:
    access = started(OPEN, JOAN, "ACDEF3")

    assert access.start_pairing(GRACE, "", "ACDEF3", NOW) == (access, "")


@pytest.mark.parametrize(
    "access",
    [Access(), OPEN.allow(GRACE, "", DESK, NOW), OPEN.deny(GRACE, "", DESK, NOW)],
    ids=["pairing is off", "allowed", "denied"],
)
def test_who_cannot_need_a_code_gets_none(access: Access) -> None:
    assert access.start_pairing(GRACE, "", "ACDEF3", NOW) == (access, "")


def test_denying_somebody_voids_their_code() -> None:
    access = started(OPEN, GRACE, "ACDEF3").deny(GRACE, "", DESK, NOW)

    with pytest.raises(PairingRefused):
        access.approve("ACDEF3", DESK, NOW)


def test_turning_pairing_off_voids_the_codes() -> None:
    access = started(OPEN, GRACE, "ACDEF3")

    assert access.set_pairing(on=True) == access
    assert access.set_pairing(on=False) == Access()


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, CODE_KEPT_S / 4))))
def test_whatever_is_written_three_wait_and_nobody_is_told_more_than_twice(
    messages: list[tuple[int, float]],
) -> None:
    access, now = OPEN, NOW
    answers: dict[tuple[int, str], int] = {}
    for number, (person, pause) in enumerate(messages):
        now += pause
        access, code = access.start_pairing(("home", str(person)), "", f"code {number}", now)
        assert len(access.alive(now)) <= PENDING_LIMIT
        if code:
            answers[person, code] = answers.get((person, code), 0) + 1
    assert all(times <= TOLD_LIMIT for times in answers.values())
    assert access.allowed == {}


# What is written and read


def test_code_has_no_sign_that_another_is_mistaken_for_and_ends_in_a_digit() -> None:
    for _ in range(200):
        code = new_code(secrets.choice)
        assert read_code(code) == code
        assert not set(code) & set("O0I1L2Z5S8BV")
        assert code[-1].isdigit()


@pytest.mark.parametrize("text", [" acdef3 ", "ACDEF3", "aCdEf3\n"])
def test_code_is_read_in_any_case(text: str) -> None:
    assert read_code(text) == "ACDEF3"


@pytest.mark.parametrize("text", ["", "change", "ACDEF", "ACDEF33", "ACDEF0", "ACD EF3", "ácdef3"])
def test_other_text_is_no_code(text: str) -> None:
    assert not read_code(text)


@given(st.text())
def test_kept_name_is_short_and_can_be_printed(name: str) -> None:
    kept = plain_name(name)

    assert len(kept) <= 64
    assert kept.isprintable()
    assert plain_name(kept) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ada\u00a0Lovelace", "Ada Lovelace"),
        ("\x1b[31mAda\u202e\u2028 \u200b x", "[31mAda x"),
        ("a" * 65, "a" * 64),
    ],
)
def test_name_loses_what_cannot_be_seen(name: str, kept: str) -> None:
    assert plain_name(name) == kept


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        (f"{TENANT}/{OID}", ""),
        (f" {TENANT.upper()}/{OID.upper()}\n", ""),
        (OID, TENANT.upper()),
        (f"{TENANT}/{OID}", TENANT),
    ],
)
def test_person_is_named_by_tenant_and_object_id(text: str, tenant: str) -> None:
    assert read_account(text, tenant) == (TENANT, OID)


@pytest.mark.parametrize(
    ("text", "tenant", "cure"),
    [
        (OID, "", "TENANT/OID, or add --tenant"),
        (f"/{OID}", "", "TENANT/OID, or add --tenant"),
        (f"{TENANT}/", "", "two ids"),
        (f"{TENANT}/{OID}/{OID}", "", "two ids"),
        (f"{TENANT}/{OID}", OID, "leave out --tenant"),
        (f"/{OID}", TENANT, "--tenant"),
        ("ada@contoso.example", TENANT, "two ids"),
        (f"contoso.example/{OID}", "", "two ids"),
    ],
)
def test_what_names_nobody_is_refused_with_the_cure(text: str, tenant: str, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        read_account(text, tenant)
