"""Every rule in docs/rules.md is where the page says: code that enforces it, and its proof."""

import re
from pathlib import Path

import pytest

from entraclaw import prompts

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_rule_is_told_enforced_and_shown_where_the_page_says(row: list[str]) -> None:
    rule, told, enforced, shown = row

    assert rule
    assert told in {"not told", *prompts.PARTS}
    for cell in (enforced, shown):
        [path] = re.findall(r"`([^`]+)`", cell)
        assert (ROOT / path).is_file(), path
    assert "def test_" in (ROOT / shown.strip("`")).read_text(encoding="utf-8")


def test_every_part_of_the_body_prompt_has_a_rule_that_is_also_code() -> None:
    told = {row[1] for row in ROWS}

    assert told >= set(prompts.PARTS) - {"identity"}  # which says who it is, and forbids nothing
