"""Nothing that only POSIX has is imported when our modules are: Windows must get that far."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ["bot", "identity", "tools", "prompts", "devtunnel", "manifest", "sandbox"]
POSIX_ONLY = {"fcntl", "grp", "pwd", "pty", "resource", "syslog", "termios", "tty", "posix"}


def test_no_module_imports_what_only_posix_has() -> None:
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]

    assert len(sources) > len(ROOMS)
    assert [path for path in sources if POSIX_ONLY & set(_imports(path))] == []


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case _:
                pass
