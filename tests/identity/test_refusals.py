import re
from pathlib import Path

import pytest

from entraclaw.identity import Hop
from entraclaw.identity.refusals import (
    KNOWN,
    OF_A_PERSON,
    Said,
    Standing,
    code_in,
    code_of,
    hint_for,
    is_stale,
    must_sign_in,
    seconds_of,
    sign_in_hint,
    standing_of,
)

PAGE = Path(__file__).parents[2] / "docs/identity/token-chain.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", KNOWN)
def test_known_code_is_explained_and_the_page_is_named(code: str) -> None:
    hint = hint_for(Hop.AGENT, code)

    assert hint == f"{KNOWN[code]} (docs/identity/token-chain.md#agent)"


@pytest.mark.parametrize("code", ["AADSTS1", "invalid_grant", "", "aadsts65001"])
def test_unknown_code_falls_back_to_the_page(code: str) -> None:
    assert hint_for(Hop.USER, code) == "docs/identity/token-chain.md#user"


@pytest.mark.parametrize("code", KNOWN)
def test_no_hint_for_a_bot_sends_its_operator_to_a_blueprint_or_an_agent(code: str) -> None:
    hint = hint_for(Hop.BOT, code)

    assert hint.endswith(" (docs/identity/token-chain.md#bot)")
    if code not in {"AADSTS65001", "AADSTS50034", "AADSTS50057", "AADSTS700211", "AADSTS53003"}:
        assert "agent identity" not in hint
        assert "blueprint" not in hint or "which is no bot" in hint


@pytest.mark.parametrize("hop", [hop for hop in Hop if hop not in {Hop.PERSON, Hop.ADMINISTRATOR}])
def test_every_hint_leads_to_a_heading_of_the_page(page: str, hop: Hop) -> None:
    anchor = hint_for(hop, "unknown").partition("#")[2]

    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("code", ["AADSTS65001", "AADSTS90094", "AADSTS700016"])
def test_administrator_is_told_of_another_page_and_another_application(code: str) -> None:
    """What a person signs in for would be the wrong thing to consent to."""
    hint = hint_for(Hop.ADMINISTRATOR, code)

    assert hint.endswith(" (docs/identity/administrator.md)")
    assert "Chat.ReadWrite" not in hint
    assert hint_for(Hop.ADMINISTRATOR, "AADSTS50097") == hint_for(
        Hop.PERSON, "AADSTS50097"
    ).replace("delegated", "administrator")


def test_page_explains_exactly_the_codes_that_have_a_hint(page: str) -> None:
    assert sorted(re.findall(r"^\| (AADSTS\d+) \|", page, re.MULTILINE)) == sorted(KNOWN)


@pytest.mark.parametrize("code", KNOWN)
def test_hint_is_one_plain_line(code: str) -> None:
    assert re.fullmatch(r"[a-z][^\n]*[^.\n]", KNOWN[code])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "invalid_grant", "error_codes": [65001, 1]}, "AADSTS65001"),
        ({"error": "invalid_grant", "error_codes": []}, "invalid_grant"),
        ({"error": "invalid_grant", "error_codes": "65001"}, "invalid_grant"),
        ({"error": None}, "no reason given"),
        ({}, "no reason given"),
    ],
)
def test_most_telling_code_is_found(answer: dict[str, object], code: str) -> None:
    assert code_of(answer) == code


@pytest.mark.parametrize(
    ("skew_s", "says"),
    [
        (0.0, KNOWN["AADSTS700024"]),
        (59.0, KNOWN["AADSTS700024"]),
        (600.0, "this machine's clock is 10 min behind Entra's; set it"),
        (-600.0, "this machine's clock is 10 min ahead of Entra's; set it"),
    ],
)
def test_clock_that_is_off_is_said_to_be(skew_s: float, says: str) -> None:
    hint = hint_for(Hop.BLUEPRINT, "AADSTS700024", skew_s)

    assert hint == f"{says} (docs/identity/token-chain.md#blueprint)"


def test_skew_is_no_matter_of_other_refusals() -> None:
    assert hint_for(Hop.USER, "AADSTS65001", 600.0) == hint_for(Hop.USER, "AADSTS65001")


@pytest.mark.parametrize(
    ("code", "status", "passes"),
    [
        ("AADSTS90033", 400, True),
        ("temporarily_unavailable", 400, True),
        ("AADSTS65001", 400, False),
        ("AADSTS65001", 429, True),
        ("AADSTS1", 503, True),
    ],
)
def test_fault_of_entras_own_passes(code: str, status: int, *, passes: bool) -> None:
    assert Said(code, status, None).is_passing == passes


def test_fault_that_passes_says_so_and_for_how_long() -> None:
    assert Said("429", 429, 120.0).hint(Hop.USER, 0.0) == (
        "Entra is busy, which passes; it asks to be left alone for 120 s"
    )
    assert Said("AADSTS90033", 400, None).hint(Hop.USER, 0.0) == "Entra is busy, which passes"
    refused = Said("AADSTS65001", 400, None)
    assert refused.hint(Hop.USER, 0.0) == hint_for(Hop.USER, "AADSTS65001")


def test_standing_is_what_status_says() -> None:
    assert standing_of("AADSTS53003") is Standing.BLOCKED
    assert standing_of("AADSTS1") is Standing.REFUSED


def test_proof_of_the_blueprint_is_made_for_each_request_and_never_stale() -> None:
    assert is_stale(Hop.USER, "AADSTS50013")
    assert not is_stale(Hop.BLUEPRINT, "AADSTS50013")
    assert not is_stale(Hop.USER, "AADSTS65001")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("0", 0.0), ("999999", 3600.0), ("", None), ("Wed, 21 Oct", None), ("-1", None)],
)
def test_retry_after_is_read_in_seconds(said: str, seconds: float | None) -> None:
    assert seconds_of(said) == seconds


def test_page_for_a_person_explains_exactly_the_codes_that_have_a_hint_of_their_own() -> None:
    text = PAGE.with_name("delegated.md").read_text(encoding="utf-8")
    told = [row for row in text.splitlines() if row.startswith("| AADSTS")]
    codes = [code for row in told for code in re.findall(r"AADSTS\d+", row.split("|")[1])]

    assert sorted(codes) == sorted(OF_A_PERSON)


@pytest.mark.parametrize("code", [*KNOWN, *OF_A_PERSON])
def test_hint_for_a_person_is_about_that_person(code: str) -> None:
    hint = hint_for(Hop.PERSON, code)

    assert hint.endswith("docs/identity/delegated.md)")
    if code in OF_A_PERSON:
        assert "agent" not in hint
        assert "blueprint" not in hint


def test_unknown_code_of_a_person_leads_to_the_page() -> None:
    assert hint_for(Hop.PERSON, "AADSTS1") == "docs/identity/delegated.md"


@pytest.mark.parametrize("code", ["AADSTS50173", "AADSTS700082", "invalid_grant"])
def test_sign_in_that_is_over_is_told_from_other_refusals(code: str) -> None:
    assert must_sign_in(code)
    assert not must_sign_in("AADSTS65001")


def test_refused_device_code_names_the_other_way_where_that_may_help() -> None:
    assert "without --device-code" in sign_in_hint("AADSTS53003", by_code=True)
    assert "without --device-code" not in sign_in_hint("AADSTS53003", by_code=False)
    assert "without --device-code" not in sign_in_hint("AADSTS70020", by_code=True)


@pytest.mark.parametrize(
    ("said", "code"),
    [("AADSTS65004: User declined. Trace ID: 1", "AADSTS65004"), ("nothing", ""), ("AADSTS", "")],
)
def test_code_is_found_in_what_a_browser_is_told(said: str, code: str) -> None:
    assert code_in(said) == code
