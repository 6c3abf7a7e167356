"""Commands as they are typed, in this process; to use them import `typed`, or `aside`."""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.stage import PROFILE, Stage
from entraclaw.bot import cli


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


Type = Callable[..., Said]
TypeAside = Callable[..., Awaitable[Said]]


def typing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], profile: str
) -> Type:
    """Give what types a command for *profile* in *home*, 80 columns wide."""
    monkeypatch.setenv("ENTRACLAW_HOME", str(home))
    monkeypatch.setenv("ENTRACLAW_PROFILE", profile)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["entraclaw", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            code = cli.run()
        except SystemExit as left:
            code = int(left.code or 0)
        shown = capsys.readouterr()
        return Said(code, shown.out, shown.err)

    return run


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type commands for the profile ``default`` in the test's own folder."""
    return typing(tmp_path, monkeypatch, capsys, "default")


@pytest.fixture
def aside(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> TypeAside:
    """Type commands for the stage's profile in a thread: its daemon needs this loop meanwhile."""
    run = typing(stage.home, monkeypatch, capsys, PROFILE)

    def type_aside(*words: str) -> Awaitable[Said]:
        return asyncio.to_thread(run, *words)

    return type_aside
