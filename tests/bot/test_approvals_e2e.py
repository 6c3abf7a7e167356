"""Ask, list, answer, verdict: a real daemon, hosts and people as processes of their own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.asking import BASH, BOUND_S, HANDSHAKE, SESSION, asking, channel
from bot.stage import PROFILE, Stage, until
from bot.typed import Said, typing
from entraclaw.bot import home
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import State
from entraclaw.bot.local_client import do, tail
from entraclaw.bot.permission import PER_SESSION, Behavior
from entraclaw.bot.settings import Settings
from entraclaw.errors import ApprovalRefused, EntraclawError

Type = Callable[..., Awaitable[Said]]

# Runs what follows on a terminal of its own, as a person has one.
TERMINAL = (
    sys.executable,
    "-c",
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
)
# Starts a program of ours, then runs each line it is given as its model's shell would.
HOST = """
import json, subprocess, sys
ours = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
for line in sys.stdin:
    words = json.loads(line)
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(json.dumps([ran.returncode, ran.stdout]), flush=True)
ours.terminate()
"""
OURS = """
import socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect(sys.argv[1])
    line.sendall(sys.argv[2].encode())
    for said in line.makefile():
        print(said, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """A daemon in this loop, and a person beside it."""

    home: Path
    daemon: Daemon
    typed: Type

    @property
    def folder(self) -> Path:
        return self.home / PROFILE

    async def waiting(self, number: int = 1) -> list[str]:
        """Wait until *number* requests are open; gives their ids."""
        approvals = self.daemon.approvals

        async def are() -> bool:
            return len(approvals.open()) == number

        await until(are)
        return [one.id for one in approvals.open()]

    async def run(self, *words: str) -> tuple[int, str]:
        """Run a program; gives how it ended and what it said."""
        process = await asyncio.create_subprocess_exec(
            *words,
            env={**os.environ, "ENTRACLAW_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        async with asyncio.timeout(BOUND_S):
            said, _ = await process.communicate()
            return await process.wait(), said.decode()


@pytest.fixture
async def beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncGenerator[Beside]:
    """A daemon that relays what comes over channels; its profile has no agent."""
    (tmp_path / PROFILE).mkdir()
    text = 'channel_permissions = true\nkey_store = "unsafe-file"\n'
    (tmp_path / PROFILE / "config.toml").write_text(text, encoding="utf-8")
    run = typing(tmp_path, monkeypatch, capsys, PROFILE)

    def type_beside(*words: str) -> Awaitable[Said]:
        return asyncio.to_thread(run, *words)

    settings = Settings.read({"ENTRACLAW_HOME": str(tmp_path)}, PROFILE)
    async with Daemon.running(settings) as daemon:
        yield Beside(tmp_path, daemon, type_beside)


def asks(session: str = SESSION) -> str:
    """What a hook says."""
    return f"entraclaw/1 ask {session}\n{json.dumps({'tool': 'Bash', 'input': BASH})}\n"


def attaches() -> str:
    """What a shim says, and its host."""
    initialize = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE}
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    return f"entraclaw/1 mcp other\n{json.dumps(initialize)}\n{json.dumps(initialized)}\n"


def answering(*words: str) -> list[str]:
    """Answer at a terminal."""
    entraclaw = [sys.executable, "-m", "entraclaw", "--profile", PROFILE]
    return [*TERMINAL, *entraclaw, "approvals", "answer", *words]


@asynccontextmanager
async def host(profiles: Path, says: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A host with a program of ours that *says* something; each line it is given it runs."""
    ours = [sys.executable, "-c", OURS, home.socket_path(str(profiles / PROFILE)), says]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST, *ours),
        env={**os.environ, "ENTRACLAW_HOME": str(profiles)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(BOUND_S):
            await process.wait()


async def run_within(process: asyncio.subprocess.Process, words: list[str]) -> tuple[int, str]:
    """Have the host's shell run *words*; gives how that ended and what it said."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(words).encode() + b"\n")
    async with asyncio.timeout(BOUND_S):
        code, said = json.loads(await process.stdout.readline())
    return code, said


async def test_person_lists_what_is_asked_and_answers_at_a_terminal(beside: Beside) -> None:
    async with host(beside.home, asks()):
        [name] = await beside.waiting()
        listed = await beside.typed("approvals", "list")
        code, said = await beside.run(*answering(name.upper(), "deny", "--reason", "no"))

        assert code == 0
        assert f"Bash is denied, this once, for session {SESSION[:8]}" in said
        await beside.waiting(0)
    assert listed.out.startswith(f"{name}  Bash  asked ")
    assert "rm -rf build" in listed.out
    assert f"entraclaw approvals answer {name} allow|deny" in listed.out


async def test_second_answer_is_told_that_it_is_too_late(beside: Beside) -> None:
    async with asking(beside.folder) as hook:
        [name] = await beside.waiting()
        beside.daemon.approvals.answer(name, Behavior.ALLOW, "desk")

        assert await hook.hear() == {"behavior": "allow", "message": ""}
        code, said = await beside.run(*answering(name, "deny"))
    assert code == 1
    assert f"request {name} was allowed already, by desk" in said


async def test_session_cannot_answer_for_itself(beside: Beside) -> None:
    """Ours: a model that may not use a tool must not be able to allow itself to."""
    async with host(beside.home, asks()) as process:
        [name] = await beside.waiting()
        code, said = await run_within(process, answering(name, "allow"))

        assert code == 1
        assert "a session cannot answer for itself" in said
        assert await beside.waiting() == [name]


async def test_session_cannot_answer_for_another_one(beside: Beside) -> None:
    async with host(beside.home, asks()) as process, host(beside.home, asks("other")):
        names = await beside.waiting(2)
        for name in names:
            code, _ = await run_within(process, answering(name, "allow"))
            assert code == 1
        assert await beside.waiting(2) == names


async def test_session_that_asks_nothing_cannot_answer_for_another_one(stage: Stage) -> None:
    async with stage.daemon() as daemon, host(stage.home, attaches()) as process:

        async def is_attached() -> bool:
            return bool((await stage.status())["sessions"])

        await until(is_attached)
        async with host(stage.home, asks()):

            async def is_asked() -> bool:
                return bool(daemon.approvals.open())

            await until(is_asked)
            [request] = daemon.approvals.open()
            code, said = await run_within(process, answering(request.id, "allow"))

    assert code == 1
    assert "a session cannot answer for itself, or for another one" in said


async def test_answer_needs_a_terminal(beside: Beside) -> None:
    async with asking(beside.folder):
        [name] = await beside.waiting()
        said = await beside.typed("approvals", "answer", name, "allow")

        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("entraclaw: error: an answer must be typed at a terminal\n")
        assert await beside.waiting() == [name]


@pytest.mark.parametrize("name", ["abcd", "abcdl", "12345"])
async def test_id_that_is_none_is_wrong_usage(beside: Beside, name: str) -> None:
    assert (await beside.typed("approvals", "answer", name, "allow")).code == 2


@pytest.mark.parametrize(
    "changes",
    [{"id": 5}, {"id": "abcdl"}, {"behavior": "perhaps"}, {"behavior": []}, {"words": "x" * 501}],
    ids=str,
)
async def test_odd_answer_is_refused_with_a_reason(
    beside: Beside, changes: dict[str, object]
) -> None:
    words = {"verb": "answer", "id": "abcde", "behavior": "allow", "words": "", **changes}
    with pytest.raises(EntraclawError) as refused:
        await asyncio.to_thread(do, str(beside.folder), words)
    assert str(refused.value).startswith(("an id is", "an answer is", "a reason holds"))


async def test_nothing_is_asked(beside: Beside) -> None:
    assert (await beside.typed("approvals", "list")).out == "Nothing is asked.\n"
    assert (await beside.typed("approvals", "list", "--json")).document == {"approvals": []}


async def test_list_for_programs_has_all_that_is_known(beside: Beside) -> None:
    async with asking(beside.folder, BASH, description="Run shell command"):
        [name] = await beside.waiting()
        [one] = (await beside.typed("approvals", "list", "--json")).document["approvals"]

    assert one.pop("expires") - one.pop("asked") == pytest.approx(600.0)
    assert json.loads(one.pop("input")) == BASH
    assert one == {
        "id": name,
        "session": SESSION,
        "tool": "Bash",
        "description": "Run shell command",
        "left_out": 0,
        "origins": ["hook"],
        "turns": [],
    }


async def test_nothing_that_is_asked_acts_on_the_terminal(beside: Beside) -> None:
    given = {"command": "ls\nfor  Ada \x1b[2J\u202e\u200b", "x\x1b": ["\u2066"]}
    async with asking(beside.folder, given, description="a\x07b\nc"):
        await beside.waiting()
        said = await beside.typed("approvals", "list")

    shown = [line.rstrip() for line in said.out.splitlines()]
    assert not set(said.out) & set("\x1b\x07\u202e\u200b\u2066")
    assert "  command  ls" in shown
    assert "           for  Ada \\u001b[2J\\u202e\\u200b" in shown  # still in its column
    assert "  says     a\\u0007b\\nc" in shown


async def test_long_input_is_shown_at_both_ends(beside: Beside) -> None:
    async with asking(beside.folder, {"content": "start" + "x" * 9000 + "end"}):
        await beside.waiting()
        said = await beside.typed("approvals", "list")

    assert "characters are not shown" in said.out
    assert "start" in said.out
    assert "xend" in said.out


async def test_channel_relays_both_ways(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        await talking.ask("qkwzt")
        assert await beside.waiting() == ["qkwzt"]
        beside.daemon.approvals.answer("qkwzt", Behavior.DENY, "desk", "no")

        assert talking.capabilities["experimental"] == {
            "claude/channel": {},
            "claude/channel/permission": {},
        }
        assert await talking.verdict() == {"request_id": "qkwzt", "behavior": "deny"}


async def test_host_that_leaves_withdraws_what_it_asked(beside: Beside) -> None:
    async with channel(beside.folder) as talking, channel(beside.folder, "other") as staying:
        await talking.ask("qkwzt")
        await staying.ask("abcde")
        await beside.waiting(2)
        talking.line.writer.close()

        assert await beside.waiting(1) == ["abcde"]
        with pytest.raises(ApprovalRefused, match="withdrawn"):
            beside.daemon.approvals.answer("qkwzt", Behavior.ALLOW, "desk")


@pytest.mark.parametrize(
    "params",
    [None, {}, [], {"request_id": "abcdl", "tool_name": "Bash"}, {"request_id": 5}],
    ids=str,
)
async def test_request_that_is_none_ends_nothing(beside: Beside, params: object) -> None:
    async with channel(beside.folder) as talking:
        await talking.tell("notifications/claude/channel/permission_request", params)
        await talking.ask("qkwzt")

        assert await beside.waiting() == ["qkwzt"]
        assert await talking.is_served()


async def test_id_that_the_host_repeats_is_asked_once(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        await talking.ask("qkwzt")
        await talking.ask("qkwzt", {"command": "another"})
        await talking.ask("abcde")

        assert await beside.waiting(2) == ["qkwzt", "abcde"]


async def test_two_hosts_with_one_id_hear_each_its_own_verdict(beside: Beside) -> None:
    async with channel(beside.folder) as one, channel(beside.folder, "other") as other:
        await one.ask("qkwzt")
        await beside.waiting(1)
        await other.ask("qkwzt")
        _, name = await beside.waiting(2)
        assert name != "qkwzt"
        beside.daemon.approvals.answer(name, Behavior.DENY, "desk")
        beside.daemon.approvals.answer("qkwzt", Behavior.ALLOW, "desk")

        assert await one.verdict() == {"request_id": "qkwzt", "behavior": "allow"}
        assert await other.verdict() == {"request_id": "qkwzt", "behavior": "deny"}


async def test_hook_and_channel_at_once_are_one_request_with_two_ways_back(
    beside: Beside,
) -> None:
    async with channel(beside.folder) as talking, asking(beside.folder) as hook:
        await talking.ask("qkwzt")

        async def is_joined() -> bool:
            return [len(one.origins) for one in beside.daemon.approvals.open()] == [2]

        await until(is_joined)
        [name] = await beside.waiting()
        beside.daemon.approvals.answer(name, Behavior.ALLOW, "desk")

        assert await hook.hear() == {"behavior": "allow", "message": ""}
        assert await talking.verdict() == {"request_id": "qkwzt", "behavior": "allow"}


async def test_hook_and_channel_that_ask_different_things_are_two_requests(
    beside: Beside,
) -> None:
    async with channel(beside.folder) as talking, asking(beside.folder, {"command": "ls a"}):
        await talking.ask("qkwzt", {"command": "ls b"})

        assert len(await beside.waiting(2)) == 2


async def test_flood_over_the_channel_stops_at_the_limit(beside: Beside) -> None:
    async with channel(beside.folder) as talking:
        for number in range(10 * PER_SESSION):
            name = f"{number:05}".translate(str.maketrans("0123456789", "abcdefghij"))
            await talking.ask(name, number)
        assert len(await beside.waiting(PER_SESSION)) == PER_SESSION
        assert await talking.is_served()


async def test_channel_is_not_relayed_unless_the_profile_says_so(stage: Stage) -> None:
    """Claude Code: declare it only where whoever answers is authenticated."""
    async with stage.daemon() as daemon, channel(stage.folder) as talking:
        await talking.ask("qkwzt")

        assert await talking.is_served()
        assert talking.capabilities["experimental"] == {"claude/channel": {}}
        assert daemon.approvals.open() == ()


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
