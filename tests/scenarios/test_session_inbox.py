"""A real daemon wakes a session through its inbox, and in another way when that is gone."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.stage import Sandbox, Stage, staged, until
from hosts.inbox import Inbox
from hosts.standin import StandIn, environment
from scenarios.processes import SHIM, daemon

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.name != "posix", reason="the inbox is a Unix socket"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for both sessions, each of which answers what it is told."""
    async with staged(emulation, tmp_path_factory.mktemp("woken")) as stage, daemon(stage):
        yield stage


async def test_message_wakes_its_session_through_the_inbox_and_is_answered(
    stage: Stage, tmp_path: Path
) -> None:
    async with (
        Inbox(tmp_path / "inbox", "token").listening() as inbox,
        StandIn.running(SHIM, environment(stage.environ, "s1", inbox=inbox.address)) as host,
    ):
        await until(lambda: _wakes(stage, "s1", "session inbox"))
        await stage.say("a secret plan")
        rung = await inbox.message()
        [message] = (await host.tool("read_messages"))["messages"]
        await host.tool("reply", turn=message["turn"], text="noted")

    assert rung.text.startswith("1 Teams message waits. Call read_messages.")
    assert "secret" not in rung.text
    assert host.events == []  # one way of waking is enough
    assert [one["text"] for one in await stage.answers()] == ["noted"]


async def test_session_whose_inbox_is_gone_is_woken_through_the_channel(
    stage: Stage, tmp_path: Path
) -> None:
    gone = (str(tmp_path / "gone"), "")
    environ = environment(stage.environ, "s2", inbox=gone)
    async with StandIn.running(SHIM, environ) as host:
        await until(lambda: _wakes(stage, "s2", "session inbox"))
        await stage.say("hello")
        await until(lambda: _wakes(stage, "s2", "channel"))

        assert (await host.event()).meta == {"waiting": "1"}
        [message] = (await host.tool("read_messages"))["messages"]
        await host.tool("done", turn=message["turn"])


async def _wakes(stage: Stage, session: str, waker: str) -> bool:
    """Whether *session*, once it is the only one, is woken by *waker*."""
    seen = [(one["session"], one["waker"]) for one in (await stage.status())["sessions"]]
    return seen == [(session, waker)]
