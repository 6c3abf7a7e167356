"""The rooms are named in several lists, each for another tool; here they are held equal."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ["bot", "identity", "tools", "prompts", "devtunnel", "manifest", "sandbox"]
CHECKED = [*ROOMS, "tests"]
PACKAGES = sorted(path.parent for room in ROOMS for path in ROOT.glob(f"{room}/*/*/__init__.py"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_rooms_are_the_folders_that_hold_code() -> None:
    assert {path.parent.name for path in ROOT.glob("*/entraclaw")} == set(ROOMS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tool.hatch.build.dev-mode-dirs", ROOMS),
        ("tool.hatch.build.targets.wheel.packages", [f"{room}/entraclaw" for room in ROOMS]),
        ("tool.ruff.src", CHECKED),
        ("tool.mypy.mypy_path", CHECKED),
        ("tool.mypy.files", [".ci", *CHECKED]),
        ("tool.pyright.include", [".ci", *CHECKED]),
        ("tool.pyright.extraPaths", CHECKED),
        ("tool.coverage.run.source", ROOMS),
    ],
)
def test_list_names_every_room(project: dict[str, Any], path: str, expected: list[str]) -> None:
    value: Any = project
    for key in path.split("."):
        value = value[key]

    assert value == expected


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_claims_the_shared_name(room: str) -> None:
    """PEP 420: one `entraclaw/__init__.py` would hide the other rooms."""
    assert not (ROOT / room / "entraclaw" / "__init__.py").exists()


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_a_package_of_its_own_name(room: str) -> None:
    assert [path.name for path in PACKAGES if path.parts[-3] == room] == [room]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_says_that_it_is_typed(package: Path) -> None:
    """PEP 561: without the file its types are not believed where it is installed."""
    assert (package / "py.typed").exists()


@pytest.mark.parametrize("folder", ["bot", "tools", "docs", "identity", "tests"])
def test_nothing_imports_from_a_folder_by_its_path(folder: str) -> None:
    found = [
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if re.search(rf"^(from|import) {folder}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert found == []
