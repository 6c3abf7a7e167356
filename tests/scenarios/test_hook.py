"""The hook program: what the host gets from it, with a daemon, without one, with a bad one."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.stage import BOUND_S, PROFILE, Sandbox, Stage, staged
from entraclaw import prompts
from entraclaw.bot import home
from scenarios.beside import ended, host_environ, line_of, run_hook, running, told
from scenarios.processes import daemon, raw_host, serving, shim

in_module = pytest.mark.asyncio(loop_scope="module")
EVENTS = ["SessionStart", "PreToolUse", "Stop", "PermissionRequest", "Rewake"]
REPLY = "mcp__plugin_entraclaw_entraclaw__reply"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stage]:
    """One daemon for all that ask it something."""
    async with staged(emulation, tmp_path_factory.mktemp("hook")) as stage, daemon(stage):
        yield stage


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """A host where no daemon runs."""
    return host_environ({**os.environ, "ENTRACLAW_HOME": str(tmp_path / "it's home")}, "one")


@asynccontextmanager
async def daemon_that(talk: Talk, folder: Path) -> AsyncGenerator[dict[str, str]]:
    """Something that listens where the daemon would, and does as *talk* says."""
    run = folder / PROFILE / "run"
    run.mkdir(parents=True)
    server = await asyncio.start_unix_server(talk, run / "daemon.sock")
    async with server:
        yield host_environ({**os.environ, "ENTRACLAW_HOME": str(folder)}, "one")


_PROBE = """
import sys
sys.path += sys.argv[1:]
from entraclaw.bot import hook, monitor
print("\\n".join(getattr(one, "__file__", None) or "" for one in list(sys.modules.values())))
"""


def test_programs_beside_a_host_import_the_standard_library_only() -> None:
    """A hook starts with every tool that a session uses."""
    environment = sysconfig.get_paths()["purelib"]
    code = str(Path(home.__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROBE, code, environment],
        check=True,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    ).stdout.split()

    standard = sysconfig.get_paths()["stdlib"]
    ours = {Path(path).parts[-3] for path in found if not path.startswith(standard)}
    assert ours == {"entraclaw"}


@pytest.mark.parametrize("event", EVENTS)
async def test_host_without_a_daemon_goes_on_as_ever(alone: dict[str, str], event: str) -> None:
    done = await run_hook(alone, event, told(tool_name=REPLY))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (Path(alone["ENTRACLAW_HOME"]) / PROFILE).exists()  # nor is one started


@pytest.mark.parametrize("given", ["", "{", "[]", "3", "null"])
async def test_hook_that_is_told_nonsense_says_nothing(alone: dict[str, str], given: str) -> None:
    done = await run_hook(alone, "PreToolUse", given)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b"[1]\n", b"7\n", b'{"half'])
async def test_daemon_that_talks_nonsense_or_hangs_up_is_passed_over(
    tmp_path: Path, answer: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        for event in ("PreToolUse", "PermissionRequest"):
            done = await run_hook(environ, event, told(tool_name="Bash"))
            assert (done.returncode, done.stdout) == (0, "")


async def test_daemon_that_never_answers_holds_no_tool_up_for_long(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        done = await run_hook(environ, "PreToolUse", told(tool_name="Bash"))

    assert (done.returncode, done.stdout) == (0, "")


async def test_only_a_question_for_a_permission_passes_on_what_a_tool_is_given(
    tmp_path: Path,
) -> None:
    heard: dict[str, str] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb = (await reader.readline()).decode().split()[1]
        heard[verb] = (await reader.readline()).decode()
        writer.write(b"{}\n")
        writer.close()

    given = told(tool_name="Bash", tool_input={"command": "cat secret"}, prompt="private")
    async with daemon_that(talk, tmp_path) as environ:
        for event in ("PreToolUse", "Stop", "SessionStart", "PermissionRequest"):
            await run_hook(environ, event, given)

    assert "secret" not in heard["hook"]
    assert "private" not in heard["hook"] + heard["ask"]
    assert json.loads(heard["ask"]) == {
        "tool": "Bash",
        "input": {"command": "cat secret"},
        "description": "",
    }


@pytest.mark.parametrize(
    ("verdict", "decision"),
    [
        ({"behavior": "allow"}, {"behavior": "allow"}),
        ({"behavior": "deny", "message": "not now"}, {"behavior": "deny", "message": "not now"}),
        ({}, None),
        ({"behavior": "maybe"}, None),
    ],
)
async def test_verdict_on_a_permission_is_told_as_the_host_takes_it(
    tmp_path: Path, verdict: dict[str, str], decision: dict[str, str] | None
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        await reader.readline()
        writer.write(json.dumps(verdict).encode() + b"\n")
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        done = await run_hook(environ, "PermissionRequest", told(tool_name="Bash"))

    shown: dict[str, Any] = json.loads(done.stdout or '{"hookSpecificOutput": {}}')
    assert shown["hookSpecificOutput"].get("decision") == decision
    assert done.returncode == 0


async def test_host_that_gives_up_takes_its_question_back(tmp_path: Path) -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        await reader.readline()
        asked.set()
        await reader.read()
        hung_up.set()
        writer.close()

    async with (
        daemon_that(talk, tmp_path) as environ,
        running(environ, "PermissionRequest", told(tool_name="Bash")) as hook,
        asyncio.timeout(BOUND_S),
    ):
        await asked.wait()
        hook.terminate()
        await hung_up.wait()


async def test_bell_wakes_the_session_with_its_words(tmp_path: Path) -> None:
    greeted: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append((await reader.readline()).decode())
        writer.write(b'{"waiting": 2}\n')
        await reader.read()
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        done = await run_hook(environ, "Rewake", told())

    assert done.returncode == 2
    assert done.stderr == "2 Teams messages wait. Call read_messages.\n"
    assert "waker=rewake" in greeted[0]


async def test_waker_that_is_not_needed_ends_at_once(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        done = await run_hook(environ, "Rewake", told())

    assert (done.returncode, done.stderr) == (0, "")


async def test_run_for_one_result_is_not_kept_by_a_waker(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with daemon_that(talk, tmp_path) as environ:
        done = await run_hook({**environ, "CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}, "Rewake", told())

    assert (done.returncode, done.stderr) == (0, "")


@in_module
async def test_session_start_is_told_the_prompt_and_how_much_waits(stage: Stage) -> None:
    await stage.tenant.say(stage.agent.user, "hello")
    async with raw_host(stage) as hand:
        await hand.shake_hands()
        await hand.line()  # the bell: it waits now
        done = await run_hook(host_environ(stage.environ, "one"), "SessionStart", told())
        [message] = (await hand.tool("read_messages"))["messages"]
        await hand.tool("done", turn=message["turn"])

    context = json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]
    assert context.startswith(prompts.compose())
    assert "1 Teams message waits." in context


@in_module
async def test_cleared_session_is_held_to_the_turn_that_its_shim_has(stage: Stage) -> None:
    """Its hooks have a new id; the process of the host tells whose they are."""
    await stage.tenant.say(stage.agent.user, "hello")
    environ = host_environ(stage.environ, "shim-1")
    async with shim(environ) as hand:
        await hand.shake_hands()
        await hand.line()
        [message] = (await hand.tool("read_messages"))["messages"]
        cleared = {**environ, "CLAUDE_CODE_SESSION_ID": "cleared", "CLAUDE_PID": str(os.getpid())}
        done = await run_hook(cleared, "SessionStart", told())
        await hand.tool("done", turn=message["turn"])

    context = json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]
    assert "holds open turns: 1." in context


@in_module
async def test_nonsense_of_a_hook_is_answered_with_nothing(stage: Stage) -> None:
    for nonsense in (b"nonsense\n", b"[]\n", b"\n", b'{"event": 5}\n'):
        assert await _answered(stage.folder, nonsense) == b"{}\n"


async def test_unconfigured_profile_has_nothing_to_say_to_hooks(tmp_path: Path) -> None:
    environ = {**os.environ, "ENTRACLAW_HOME": str(tmp_path)}
    async with serving(environ, tmp_path / PROFILE):
        event = b'{"event": "SessionStart", "id": "one"}\n'
        assert await _answered(tmp_path / PROFILE, event) == b"{}\n"


async def _answered(folder: Path, line: bytes) -> bytes:
    """What the daemon of *folder* says to a hook's *line*."""
    reader, writer = await asyncio.open_unix_connection(folder / "run" / "daemon.sock")
    writer.write(b"entraclaw/1 hook one\n" + line)
    async with asyncio.timeout(BOUND_S):
        answer = await reader.readline()
    writer.close()
    return answer


async def test_hook_whose_output_nobody_reads_any_more_does_not_wait(tmp_path: Path) -> None:
    """However the host died: nothing of ours outlives it."""
    connected = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        connected.set()
        await reader.read()
        writer.close()

    ours, theirs = socket.socketpair()
    async with daemon_that(talk, tmp_path) as environ:
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", line_of(environ, "Rewake")),
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs.fileno(),
            stderr=theirs.fileno(),
        )
        theirs.close()
        async with asyncio.timeout(BOUND_S):
            await connected.wait()
        ours.close()
        assert await ended(process) == 0
