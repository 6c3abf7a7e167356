"""Whose turn a request is for, and what `tail` tells: a profile with an agent."""

import asyncio
from typing import Any

import pytest

from bot.asking import BOUND_S, SESSION, asking
from bot.stage import PROFILE, Stage, until
from bot.typed import typing
from entraclaw.bot.inbox import State
from entraclaw.bot.local_client import tail
from entraclaw.bot.permission import Behavior


async def test_request_names_the_person_whose_turn_its_session_holds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stage.daemon() as daemon:
        await stage.say("clean up")

        async def waits() -> bool:
            return [entry.state for entry in stage.entries()] == [State.WAITING]

        await until(waits)
        assert daemon.desk is not None
        [message] = (await daemon.desk.read(SESSION, 0)).messages
        async with asking(stage.folder), asking(stage.folder, session="other"):

            async def are_open() -> bool:
                return len(daemon.approvals.open()) == 2

            await until(are_open)
            ours, other = sorted(
                daemon.approvals.open(), key=lambda one: one.question.session != SESSION
            )
            run = typing(stage.home, monkeypatch, capsys, PROFILE)
            said = await asyncio.to_thread(run, "approvals", "list")

    [held] = ours.turns
    assert (held.turn, held.name) == (message.turn, "Ada Lovelace")
    assert other.turns == ()
    assert f"for          Ada Lovelace, turn {message.turn[:8]}" in said.out
    assert "nobody in Teams: the session holds no turn" in said.out


async def test_tail_tells_ids_and_outcomes_and_never_what_is_asked(stage: Stage) -> None:
    def follow() -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        for happening in tail(str(stage.folder)):
            heard.append(happening)
            watching.set()
            if happening["what"] == "denied":
                break
        return heard

    async with stage.daemon() as daemon:
        loop, watching = asyncio.get_running_loop(), Signal(asyncio.get_running_loop())
        following = loop.run_in_executor(None, follow)
        await watching.wait()
        async with asking(stage.folder, {"command": "secret"}) as hook:

            async def is_open() -> bool:
                return bool(daemon.approvals.open())

            await until(is_open)
            [request] = daemon.approvals.open()
            daemon.approvals.answer(request.id, Behavior.DENY, "desk", "secret")
            await hook.hear()
        async with asyncio.timeout(BOUND_S):
            heard = await following

    assert [one["what"] for one in heard] == ["watching", "asked", "denied"]
    assert {one["approval"] for one in heard[1:]} == {request.id}
    assert "secret" not in str(heard)


class Signal:
    """An event that another thread may set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._event = loop, asyncio.Event()

    def set(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        async with asyncio.timeout(BOUND_S):
            await self._event.wait()
