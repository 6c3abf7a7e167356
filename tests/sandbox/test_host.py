"""The deterministic host against a real MCP server over stdio."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.scene import BOUND_S, Json

SERVER = Path(__file__).with_name("tiny_server.py")


def start(*command: str, footer: str = "") -> subprocess.Popen[str]:
    options = ["--footer", footer] if footer else []
    return subprocess.Popen(
        [sys.executable, "-m", "entraclaw.sandbox.host", *options, "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def events(process: subprocess.Popen[str]) -> Iterator[Json]:
    assert process.stdout is not None
    return (json.loads(line) for line in process.stdout)


def take(stream: Iterator[Json], count: int) -> list[Json]:
    return [next(stream) for _ in range(count)]


def test_host_answers_the_backlog_and_then_every_doorbell(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with start(sys.executable, str(SERVER), str(notes)) as process:
        assert process.stdin is not None
        stream = events(process)
        ready = next(stream)
        steps = take(stream, 9)

        process.stdin.close()

        assert process.wait(BOUND_S) == 0
        assert list(stream) == []
    assert ready["tools"] == ["read_messages", "reply"]
    assert ready["instructions"] == len("Answer everybody.")
    assert ready["pid"] == process.pid
    assert [step["event"] for step in steps] == ["received", "replying", "replied"] * 3
    assert [step["turn"] for step in steps[::3]] == ["t-first", "t-second", "t-third"]
    assert [step["error"] for step in steps[2::3]] == [None, "the turn was closed", None]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert notes.read_text(encoding="utf-8").splitlines() == [
        "t-first You said: first",
        "t-second You said: second",
        "t-third You said: third",
        "closed",
    ]


@pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking them")
def test_host_signs_its_answers_and_takes_its_server_along_when_asked_to_end(
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    with start(sys.executable, str(SERVER), str(notes), footer="A built-in host.") as process:
        take(events(process), 10)

        process.send_signal(signal.SIGTERM)

        assert process.wait(BOUND_S) == 0
    said = notes.read_text(encoding="utf-8")
    assert said.startswith("t-first You said: first\n\nA built-in host.\n")
    assert said.endswith("closed\n")


def test_server_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with start(str(tmp_path / "no-such-program")) as process:
        assert process.wait(BOUND_S) == 1
