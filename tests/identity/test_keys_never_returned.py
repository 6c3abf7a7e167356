"""Ours: no function returns a private key, nor its bytes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

KEYS = Path(__file__).parents[2] / "identity" / "entraclaw" / "identity" / "keys"
NOTHING = {"None", "NoReturn"}
TAKES_BYTES = {"private_bytes", "private_numbers"}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(KEYS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.stem}.{node.name}", node


def returns(function: ast.FunctionDef) -> str:
    return ast.unparse(function.returns) if function.returns else "?"


@pytest.mark.parametrize(("name", "function"), [*functions()])
def test_function_gives_no_private_key_away(name: str, function: ast.FunctionDef) -> None:
    calls = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}

    assert "PrivateKey" not in returns(function), name
    if calls & TAKES_BYTES or function.name in TAKES_BYTES:
        assert returns(function) in NOTHING, name
