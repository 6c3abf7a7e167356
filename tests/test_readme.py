"""The README shows what the program prints, and the commands come early."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"<!-- help: entraclaw ([^>]*?)-->\n```\n(.*?)```\n<!-- /help -->", re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(README.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("words", "shown"), blocks())
def test_help_in_the_readme_is_the_programs_own(words: str, shown: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "entraclaw", *words.split()],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    assert shown == printed


def test_there_is_a_help_block_to_compare() -> None:
    assert blocks()


def test_both_commands_stand_in_the_first_25_lines() -> None:
    first = README.read_text(encoding="utf-8").splitlines()[:25]
    assert any(line.startswith("make sandbox") for line in first)
    assert any(line.startswith("make test") for line in first)


def test_every_page_the_docs_link_to_exists() -> None:
    pages = [README, *README.parent.glob("docs/**/*.md"), README.with_name("CONTRIBUTING.md")]
    for page in (page for page in pages if page.exists()):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
