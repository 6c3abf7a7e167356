"""The shim is almost nothing: standard library only, and gone with its host."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.stage import BOUND_S, Sandbox, Stage, staged, until
from scenarios.processes import daemon, raw_host, shim

in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for all of these: each of them answers what it is told."""
    async with staged(emulation, tmp_path_factory.mktemp("shim")) as stage, daemon(stage):
        yield stage


_PROBE = """
import sys
from entraclaw.bot import start, shim
print("\\n".join(getattr(m, "__file__", None) or "" for m in list(sys.modules.values())))
"""


def test_shim_imports_the_standard_library_only() -> None:
    """It starts with every host session: ten sessions must cost ten small processes."""
    found = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {_roots()!r}\n{_PROBE}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    ).stdout.split()

    standard = sysconfig.get_paths()["stdlib"]
    ours = {str(Path(path).parent.parent.name) for path in found if not path.startswith(standard)}
    assert ours == {"entraclaw"}


def test_profile_that_is_no_name_is_refused_in_two_lines(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entraclaw", "--profile", "../x", "mcp"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ENTRACLAW_HOME": str(tmp_path)},
        timeout=BOUND_S,
    )

    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error.startswith("entraclaw: error: '../x' is no profile name")
    assert hint.startswith("entraclaw: hint: ")


@in_module
async def test_host_sees_the_handshake_era_tools_and_instructions(stage: Stage) -> None:
    """Claude Code asks `server/discover` first and must be told to shake hands."""
    async with raw_host(stage) as hand:
        probe = await hand.call("server/discover")
        about = await hand.shake_hands()
        tools = (await hand.call("tools/list"))["result"]["tools"]
        prompts = (await hand.call("prompts/list"))["result"]["prompts"]

    assert probe["error"]["code"] == -32601
    assert about["protocolVersion"] == "2025-11-25"
    assert about["capabilities"]["experimental"]["claude/channel"] == {}
    assert 0 < len(about["instructions"]) <= 4000
    names = {tool["name"] for tool in tools}
    assert names == {
        "read_messages", "reply", "react", "done", "read_conversation", "attach", "whoami",
        "find_tool", "use_tool",
    }  # fmt: skip
    assert [prompt["name"] for prompt in prompts] == ["body"]
    assert len(json.dumps(tools).encode()) <= 16_000


@in_module
async def test_doorbell_says_how_many_wait_and_nothing_else(stage: Stage) -> None:
    async with raw_host(stage) as hand:
        await hand.shake_hands()
        await stage.tenant.say(stage.agent.user, "a secret plan")

        rung = await hand.line()
        [message] = (await hand.tool("read_messages"))["messages"]
        await hand.tool("reply", turn=message["turn"], text="noted")

    assert rung["method"] == "notifications/claude/channel"
    assert rung["params"] == {
        "content": "1 Teams message waits. Call read_messages.",
        "meta": {"waiting": "1"},
    }


@in_module
async def test_backlog_rings_when_a_host_comes_and_is_read_in_order(stage: Stage) -> None:
    for text in ("one", "two"):
        await stage.tenant.say(stage.agent.user, text)
    async with raw_host(stage) as hand:
        await hand.shake_hands()
        assert (await hand.line())["params"]["meta"] == {"waiting": "2"}

        for text in ("one", "two"):
            [message] = (await hand.tool("read_messages"))["messages"]
            assert message["text"] == text
            assert message["from"] == {"name": "Ada Lovelace", "relation": "sponsor"}
            await hand.tool("reply", turn=message["turn"], text="noted")


@in_module
@pytest.mark.parametrize("given", ["héllo", "a b", "x" * 65, "../x"])
async def test_session_id_of_the_host_that_is_no_plain_word_is_not_used(
    stage: Stage, given: str
) -> None:
    """The daemon would not take it, and the shim would call for ever."""
    async with shim({**stage.environ, "CLAUDE_CODE_SESSION_ID": given}) as hand:
        await hand.shake_hands()
        assert (await hand.tool("whoami"))["agent_user"] == stage.agent.user


@in_module
async def test_session_id_of_the_host_is_its_session(stage: Stage) -> None:
    async with shim({**stage.environ, "CLAUDE_CODE_SESSION_ID": "host-1_a"}) as hand:
        await hand.shake_hands()
        await until(lambda: _is_attached(stage, "host-1_a"))


@in_module
async def test_shim_ends_when_its_host_closes_stdin(stage: Stage) -> None:
    async with raw_host(stage) as hand:
        await hand.shake_hands()
        assert hand.process.stdin is not None
        hand.process.stdin.close()
        assert await hand.process.wait() == 0


@in_module
async def test_garbage_from_the_host_is_answered_and_the_session_lives(stage: Stage) -> None:
    async with raw_host(stage) as hand:
        await hand.shake_hands()
        assert hand.process.stdin is not None
        hand.process.stdin.write(b"not json\n[1,2]\n\n{\n")

        assert (await hand.tool("whoami"))["agent_user"] == stage.agent.user


async def _is_attached(stage: Stage, session: str) -> bool:
    return session in {one["session"] for one in (await stage.status())["sessions"]}


def _roots() -> list[str]:
    root = Path(__file__).parents[2]
    return [str(root / "bot"), str(root / "identity")]
