import re
from pathlib import Path

import pytest

from entraclaw.identity import Hop
from entraclaw.identity.refusals import KNOWN, code_of, hint_for

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


@pytest.mark.parametrize("hop", Hop)
def test_every_hint_leads_to_a_heading_of_the_page(page: str, hop: Hop) -> None:
    anchor = hint_for(hop, "unknown").partition("#")[2]

    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


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
