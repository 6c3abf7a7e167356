"""The terminal that a real host is given, and the tap before a program of ours."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from hosts.terminal import Ended, Terminal

BOUND_S = 20.0
TAP = Path(__file__).with_name("tap.py")
PROGRAM = """
import os, signal, sys
def show(*_):
    size = os.get_terminal_size()
    print(f"\\x1b]0;{size.lines}x{size.columns}\\x07", end="", flush=True)
signal.signal(signal.SIGWINCH, show)
show()
print(f"\\x1b[31mhello {input()}\\x1b[0m", flush=True)
print("\\x1b]0;done\\x07", end="", flush=True)
signal.pause()
"""


async def test_program_has_a_terminal_that_can_be_typed_at_and_resized(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM]
    async with asyncio.timeout(BOUND_S):
        async with Terminal.running(words, os.environ, tmp_path) as terminal:
            await terminal.shows("50x160")
            terminal.resize(24, 80)
            await terminal.shows("24x80")
            terminal.type("there\r")
            await terminal.shows("done")
            screen = terminal.screen

        assert "hello there" in screen
        assert terminal.process.returncode is not None


async def test_wait_for_a_program_that_has_ended_is_not_long(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print('I will not')"]
    async with asyncio.timeout(BOUND_S), Terminal.running(words, os.environ, tmp_path) as terminal:
        with pytest.raises(Ended):
            await terminal.shows("ready")

        assert terminal.screen == "I will not"


async def _tapped(kind: str, program: str, notes: Path, said: bytes) -> tuple[bytes, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, TAP, notes, kind, sys.executable, "-c", program,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(BOUND_S):
        heard, _ = await process.communicate(said)
    return heard, process.returncode or 0


async def test_tap_passes_everything_on_and_notes_calls_with_their_results(tmp_path: Path) -> None:
    ask = b'{"id": 7, "method": "tools/call", "params": {"name": "reply"}}\n'
    answer = '{"id": 7, "result": {}}'
    program = f"import sys; sys.stdin.readline(); print({answer!r}); print('no json')"

    heard, code = await _tapped("mcp", program, tmp_path / "notes", ask)

    notes = [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]
    assert (heard, code) == (f"{answer}\nno json\n".encode(), 0)
    assert {(note["what"], note["id"]) for note in notes} == {("in", 7), ("out", 7)}


async def test_tap_notes_a_hook_only_if_it_wakes(tmp_path: Path) -> None:
    for code in (0, 2):
        ended = await _tapped("rewake", f"raise SystemExit({code})", tmp_path / f"{code}", b"")
        assert ended == (b"", code)

    assert not (tmp_path / "0").read_text()
    assert json.loads((tmp_path / "2").read_text())["by"] == "rewake"
