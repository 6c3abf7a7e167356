"""docs/inbox.md says what the code does: its states, its words, its times."""

import re
from pathlib import Path

import pytest

from entraclaw.bot.changes import name_move, name_part
from entraclaw.bot.health import CHECKS
from entraclaw.bot.lifecycle import MOVES, State
from entraclaw.bot.outbox import Outcome
from entraclaw.bot.upkeep import DAY_S, ROW_S, TEXT_S, TOMBSTONE_S

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "inbox.md").read_text(encoding="utf-8")


def first_cells(heading: str, page: str = PAGE) -> list[str]:
    """Give the first cells of the table below *heading*."""
    section = page.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| (?!-)([^|]+?) \|", section, re.MULTILINE)[1:]


def test_every_state_has_its_line() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE.split("## Look", 1)[0], re.MULTILINE)

    assert named == list(State)


@pytest.mark.parametrize("move", list(MOVES))
def test_tail_explains_every_move(move: str) -> None:
    words = re.findall(r"`([a-z ]+)`", " ".join(first_cells("## Tail")))

    froms, to = MOVES[move]  # type: ignore[index]  # a StrEnum is its value
    assert {name_move(before, to, joins=False) for before in froms} <= set(words)


def test_tail_explains_every_outcome() -> None:
    words = re.findall(r"`([a-z ]+)`", " ".join(first_cells("## Tail")))

    said = {name_part("t", kind, state) for kind in ("text", "reaction") for state in Outcome}
    assert said - {""} <= set(words)


@pytest.mark.parametrize("seconds", [TEXT_S, ROW_S, TOMBSTONE_S])
def test_times_are_the_ones_that_hold(seconds: float) -> None:
    assert f"{seconds / DAY_S:.0f} days" in PAGE


def test_every_line_of_the_doctor_is_explained() -> None:
    page = (DOCS / "doctor.md").read_text(encoding="utf-8")

    assert len(first_cells("## This machine", page)) == len(CHECKS)
