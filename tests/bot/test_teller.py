"""What an administrator sees while something is waited for."""

import pytest

from entraclaw.bot.commands.administrating import waiting
from entraclaw.identity.provisioning.calls import Call
from entraclaw.identity.provisioning.consistency import Why
from entraclaw.identity.provisioning.driving import Waiting

MADE = Call("PATCH", "/v1.0/applications/1", {}, awaits="the blueprint")


def told(capsys: pytest.CaptureFixture[str], *waits: Waiting) -> str:
    with waiting() as tell:
        for one in waits:
            tell(one)
    return capsys.readouterr().err


def test_each_wait_is_said_once_where_nobody_sees_a_line_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = told(
        capsys,
        Waiting(MADE, Why.NOT_YET, 0.0, 0.25),
        Waiting(MADE, Why.NOT_YET, 0.3, 0.25),
        Waiting(Call("GET", "/v1.0/users"), Why.BUSY, 0.0, 7.0),
    )

    assert said.splitlines() == [
        "waiting for the blueprint: not known to Graph yet",
        "waiting for an answer: Graph is busy",
    ]


def test_terminal_shows_one_line_with_how_long_it_has_been(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    said = told(
        capsys,
        Waiting(MADE, Why.NOT_YET, 1.0, 0.25),
        Waiting(MADE, Why.NOT_YET, 42.0, 0.25),
    )

    assert "waiting for the blueprint: not known to Graph yet (42 s)" in said
