"""Public is what a package's `__init__` lists, and it lists what it offers."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def packages() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.glob("*/entraclaw/**/__init__.py")):
        parts = path.parent.relative_to(ROOT).parts[1:]
        yield ".".join(parts), path


LISTING = {name: path for name, path in packages() if "__all__" in path.read_text(encoding="utf-8")}


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module; where names load late, a checker is told of them in an if."""
    for node in body:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=told):
                yield from told
            case _:
                yield node


def offered(name: str, path: Path) -> set[str]:
    """The names without an underscore that *path* defines, or takes from its own package."""
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Assign():
                found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=target)):
                found.add(target)
            case ast.ImportFrom(module=str(module)) if f"{module}.".startswith(f"{name}."):
                found |= {alias.asname or alias.name for alias in node.names}
            case _:
                pass
    return {one for one in found if not one.startswith("_")}


@pytest.mark.parametrize("name", LISTING)
def test_package_has_no_name_that_nobody_wrote(name: str) -> None:
    assert not hasattr(import_module(name), "Nothing")


@pytest.mark.parametrize("name", LISTING)
def test_package_lists_exactly_what_it_offers(name: str) -> None:
    module = import_module(name)

    assert sorted(module.__all__) == sorted(offered(name, LISTING[name]))
    assert all(hasattr(module, one) for one in module.__all__)


def test_rooms_that_others_import_list_their_names() -> None:
    """Not the top one: it starts with every host session, and imports nothing."""
    rooms = {"devtunnel", "identity", "identity.keys", "prompts", "tools"}

    assert LISTING.keys() >= {f"entraclaw.{room}" for room in rooms}
