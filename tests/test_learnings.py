"""Every line of docs/learnings.md has an answer, and what it names is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "learnings.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = re.compile(r"`([\w./-]+(?:/[\w./-]+|file))(?:::(test_\w+))?`")
ANSWERS = ("**not yet**", "**no longer true**")


def test_there_are_66_each_once() -> None:
    assert sorted(int(number) for number, *_ in ROWS) == list(range(1, 67))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_learning_is_answered_by_what_is_there(row: list[str]) -> None:
    _, learnt, here = row
    named = NAMED.findall(here)

    assert learnt
    assert named or here.startswith(ANSWERS)
    for path, test in named:
        assert (ROOT / path).is_file(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_every_test_it_counts_on_is_named_with_its_file() -> None:
    """Else a test that was renamed is counted on for ever."""
    assert re.findall(r"`(test_\w+)`", PAGE) == []
    assert sum(bool(test) for _, _, here in ROWS for _, test in NAMED.findall(here)) > 40


def test_repository_has_no_symbolic_links() -> None:
    """Windows makes none of them without being told to: core.symlinks."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    listed = subprocess.run(
        ["git", "ls-files", "--stage"],  # noqa: S607 - whichever git made the checkout
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.splitlines()

    assert listed
    assert [line for line in listed if line.startswith("120000")] == []
