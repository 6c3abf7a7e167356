"""The pages of docs/identity name tests and pages that are there, and every store has a page."""

import re
from pathlib import Path

import pytest

from entraclaw.bot.settings import Store

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "identity").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_names_tests_and_pages_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [ROOT / path for path in re.findall(r"`(tests/[\w/.]+)`", text)]
    linked = [page.parent / path for path in re.findall(r"\]\(([\w/.-]+\.md)[#)]", text)]

    assert [path for path in (*named, *linked) if not path.exists()] == []


def test_section_that_is_linked_is_there() -> None:
    for page in PAGES:
        for name, section in re.findall(r"\]\(([\w-]*\.?m?d?)#([\w-]+)\)", page.read_text("utf-8")):
            target = (page.parent / name if name else page).read_text("utf-8")
            titles = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
            assert section in {_anchor(title) for title in titles}, f"{page.name}: {section}"


def test_every_store_has_a_page() -> None:
    table = (ROOT / "docs" / "identity" / "keys.md").read_text(encoding="utf-8")
    for store in set(Store) - {Store.AUTO}:
        assert re.search(rf"^\| `{store}` .*\]\(keys-\w+\.md\) \|$", table, re.MULTILINE), store


def _anchor(title: str) -> str:
    """Name a section as GitHub does."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
