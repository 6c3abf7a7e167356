"""A test of an external part may be skipped on a laptop; in CI that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import conftest

ROOT = Path(__file__).parents[1]
BOUND_S = 30.0

TWO_SKIPS = """
import pytest

@pytest.mark.parts
@pytest.mark.skip(reason="`make parts` installs it")
def test_with_a_part() -> None: ...

@pytest.mark.skip(reason="not on this system")
def test_without() -> None: ...
"""


@pytest.mark.parametrize(
    ("required", "outcome", "code"), [("", "2 skipped", 0), ("1", "1 skipped, 1 error", 1)]
)
def test_missing_part_fails_only_where_parts_are_required(
    tmp_path: Path, required: str, outcome: str, code: int
) -> None:
    module = tmp_path / "test_two_skips.py"
    module.write_text(TWO_SKIPS, encoding="utf-8")
    settings = ("-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "no:cacheprovider")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "-p", "conftest", module],
        env={**os.environ, conftest.REQUIRED: required, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )

    assert outcome in ended.stdout
    assert ended.returncode == code
