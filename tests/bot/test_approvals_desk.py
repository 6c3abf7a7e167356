"""Ask, list, answer, verdict: a real daemon, hosts and people as processes of their own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.asking import BASH, BOUND_S, HANDSHAKE, SESSION, asking
from bot.beside import Beside, answering, beside
from bot.stage import PROFILE, Stage, until
from entraclaw.bot import home
from entraclaw.bot.local_client import do
from entraclaw.bot.permission import Behavior
from entraclaw.errors import EntraclawError

__all__ = ["beside"]

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


def asks(session: str = SESSION) -> str:
    """What a hook says."""
    return f"entraclaw/1 ask {session}\n{json.dumps({'tool': 'Bash', 'input': BASH})}\n"


def attaches() -> str:
    """What a shim says, and its host."""
    initialize = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE}
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    return f"entraclaw/1 mcp other\n{json.dumps(initialize)}\n{json.dumps(initialized)}\n"


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


async def test_program_is_told_what_was_answered(beside: Beside) -> None:
    async with host(beside.home, asks()):
        [name] = await beside.waiting()
        code, said = await beside.run(*answering(name, "allow", "--json"))

    assert code == 0
    assert json.loads(said.splitlines()[-1]) == {
        "id": name,
        "behavior": "allow",
        "by": "desk",
        "session": SESSION,
        "tool": "Bash",
    }


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


@pytest.mark.parametrize(
    ("given", "shown"), [("npm test", '"npm test"'), ({}, "{}"), ([1], "[1]"), (None, "null")]
)
async def test_input_without_fields_is_shown_as_it_is(
    beside: Beside, given: object, shown: str
) -> None:
    async with asking(beside.folder, given):
        await beside.waiting()
        said = await beside.typed("approvals", "list")

    assert f"input    {shown}" in said.out


async def test_long_input_is_shown_at_both_ends(beside: Beside) -> None:
    async with asking(beside.folder, {"content": "start" + "x" * 9000 + "end"}):
        await beside.waiting()
        said = await beside.typed("approvals", "list")

    assert "characters are not shown" in said.out
    assert "start" in said.out
    assert "xend" in said.out
