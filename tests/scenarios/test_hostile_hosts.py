"""What a host gets that does not behave, and that nobody else notices: docs/hosts.md."""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bot.stage import BOUND_S, Sandbox, Stage, staged, until
from entraclaw.bot.local_socket import LINE_LIMIT
from faults.ledger import Ledger, Message
from faults.teams import Teams
from hosts.pipe import Document
from hosts.standin import Era, Refusal, StandIn, environment
from scenarios.processes import SHIM, daemon

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.name != "posix", reason="the local socket is a Unix socket"),
]
LONG = 100_000_000
HELD_MB = 80  # that a daemon may take for a host which sends what it can


@dataclass(slots=True)
class Scene:
    """One daemon, people who write, and hosts."""

    stage: Stage
    teams: Teams
    pid: int

    async def say(self) -> Message:
        """Let somebody write in a conversation of its own."""
        message = await self.teams.say(self.teams.fresh_place())
        assert message.is_kept

        async def has_turn() -> bool:
            entries = {one.arrival.activity: one for one in self.stage.entries()}
            return bool(entries[message.activity].turn)

        await until(has_turn)
        return message

    @asynccontextmanager
    async def host(self, session: str, era: Era = Era.PROBES) -> AsyncGenerator[StandIn]:
        async with StandIn.running(SHIM, environment(self.stage.environ, session), era=era) as host:
            yield host

    async def serves(self, host: StandIn) -> None:
        """See a message come in, be read, and be answered."""
        message = await self.say()
        handed = await read(host, message)
        sent = await host.tool("reply", turn=handed["turn"], text=f"{message.word} is noted")
        assert sent["turn"] == "closed"

    async def is_attached(self, session: str) -> bool:
        return session in {one["session"] for one in (await self.stage.status())["sessions"]}

    async def answers(self) -> set[str]:
        return {one["text"] for one in await self.stage.answers()}

    def peak_mb(self) -> float:
        """The most memory the daemon ever had; 0 where the system does not tell."""
        if sys.platform != "linux":
            return 0
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024


async def read(host: StandIn, message: Message) -> Document:
    """Take *message*, which waits or comes."""
    async with asyncio.timeout(BOUND_S):
        while True:
            for handed in (await host.tool("read_messages", wait_s=30))["messages"]:
                if message.word in handed["text"].split():
                    return dict(handed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Scene]:
    home = tmp_path_factory.mktemp("hostile") / "home"
    async with staged(emulation, home) as stage, daemon(stage):
        status = await stage.status()
        teams = Teams(stage, Ledger(), status["webhook"])
        await teams.open()
        scene = Scene(stage, teams, status["pid"])
        async with scene.host("first") as host:  # takes what opening the chats said
            while (await host.tool("read_messages", wait_s=0.5))["messages"]:
                pass
            await until(lambda: _close_all(scene, host))
        yield scene


async def _close_all(scene: Scene, host: StandIn) -> bool:
    for entry in scene.stage.entries():
        if entry.turn:
            with suppress(Refusal):
                await host.tool("done", turn=entry.turn)
    inbox = (await scene.stage.status())["inbox"]
    return not any(inbox.get(state) for state in ("admitted", "waiting", "leased"))


async def test_host_that_never_calls_a_tool_is_rung_and_its_messages_go_to_the_next(
    scene: Scene,
) -> None:
    async with scene.host("idle") as idle:
        message = await scene.say()
        assert (await idle.event()).meta == {"waiting": "1"}

    async with scene.host("next") as host:
        handed = await read(host, message)
        assert handed["attempt"] == 1
        await host.tool("done", turn=handed["turn"])


async def test_host_that_reads_and_never_answers_loses_its_turn_with_its_end(
    scene: Scene,
) -> None:
    async with scene.host("good") as good:
        async with scene.host("mute") as mute:
            message = await scene.say()
            await mute.tool("attach", conversation=message.conversation)
            kept = await read(mute, message)
            await scene.serves(good)  # in another conversation

        handed = await read(good, message)
        assert (handed["turn"], handed["attempt"]) == (kept["turn"], 2)
        await good.tool("done", turn=handed["turn"])


async def test_answer_to_a_turn_of_another_session_or_of_none_is_refused(scene: Scene) -> None:
    async with scene.host("owner") as owner, scene.host("thief") as thief:
        turn = (await read(owner, await scene.say()))["turn"]
        with pytest.raises(Refusal, match="another session"):
            await thief.tool("reply", turn=turn, text="stolen")
        with pytest.raises(Refusal, match="another session"):
            await thief.tool("done", turn=turn)
        for invented in ("0" * 32, "", "../x", turn.upper() + "0"):
            with pytest.raises(Refusal, match="unknown"):
                await thief.tool("reply", turn=invented, text="made up")

        sent = await owner.tool("reply", turn=turn, text="by its owner")
        assert sent["turn"] == "closed"
    said = await scene.answers()
    assert "by its owner" in said
    assert not {"stolen", "made up"} & said


async def test_line_of_a_hundred_megabytes_is_refused_and_costs_nobody_anything(
    scene: Scene,
) -> None:
    async with scene.host("good") as good, scene.host("long") as long:
        before = scene.peak_mb()
        text = "x" * LONG
        asking = asyncio.create_task(
            long.pipe.ask("big", "tools/call", long.calling("reply", {"text": text}))
        )
        for _ in range(3):
            await scene.serves(good)
        answer = await asking
        assert answer["error"]["code"] == -32600
        assert str(LINE_LIMIT) in answer["error"]["message"]
        assert (await long.tool("whoami"))["agent_user"] == scene.stage.agent.user
        assert scene.peak_mb() - before < HELD_MB / 2


async def test_host_of_the_later_era_is_refused_throughout_and_never_rung(scene: Scene) -> None:
    async with scene.host("modern", Era.NEVER_FALLS_BACK) as modern, scene.host("good") as good:
        for method in ("tools/list", "resources/list", "subscriptions/listen", "server/discover"):
            with pytest.raises(Refusal):
                await modern.request(method, {"_meta": {}})
        with pytest.raises(Refusal):
            await modern.tool("read_messages")
        await scene.serves(good)

        assert (modern.events, modern.dropped) == ([], [])
        assert not await scene.is_attached("modern")


async def test_garbage_is_answered_line_by_line_and_the_session_goes_on(scene: Scene) -> None:
    chance = random.Random(1)  # noqa: S311 - not a secret
    lines = [chance.randbytes(size).replace(b"\n", b" ") for size in range(1, 400)]
    lines += [b"{}", b"[1,2]", b'{"jsonrpc":"2.0"}', b"null", b'"x"', b"[" * 5000, b"\0" * 99]
    async with scene.host("good") as good, scene.host("garbled") as garbled:
        await garbled.pipe.write_bytes(b"\n\n" + b"\n".join(lines) + b"\n")
        await scene.serves(good)
        asked = sum(not line.isspace() for line in lines)
        await garbled.until(lambda: len(garbled.dropped) >= asked)
        errors = {(one["id"], one["error"]["code"]) for one in garbled.dropped}
        assert errors == {(None, -32700), (None, -32600)}

        await garbled.pipe.write_bytes(b'{"method":"half a line')
        await scene.serves(good)


async def test_host_that_never_reads_is_read_no_more_and_let_go_with_its_end(
    scene: Scene,
) -> None:
    before = scene.peak_mb()
    async with scene.host("good") as good, deaf(scene, "deaf") as writing:
        sent = await flood(writing)
        assert 0 < sent < FLOOD
        await until(lambda: scene.is_attached("deaf"))
        for _ in range(3):
            await scene.serves(good)
        assert scene.peak_mb() - before < HELD_MB

    await until(lambda: _is_gone(scene, "deaf"))


async def _is_gone(scene: Scene, session: str) -> bool:
    return not await scene.is_attached(session)


FLOOD = 1 << 28  # bytes


@asynccontextmanager
async def deaf(scene: Scene, session: str) -> AsyncGenerator[asyncio.StreamWriter]:
    """A shim whose output nobody reads, past its handshake; gives its input."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *SHIM,
        env=environment(scene.stage.environ, session),
        stdin=asyncio.subprocess.PIPE,
        stdout=writing,
    )
    os.close(writing)
    assert process.stdin is not None
    hello: Document = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "deaf", "version": "1"},
    }
    told = {"method": "initialize", "params": hello, "jsonrpc": "2.0", "id": 0}
    done = {"method": "notifications/initialized", "jsonrpc": "2.0"}
    process.stdin.write(b"".join(json.dumps(one).encode() + b"\n" for one in (told, done)))
    try:
        yield process.stdin
    finally:
        psutil.Process(process.pid).kill()
        os.close(reading)
        async with asyncio.timeout(BOUND_S):
            await process.wait()


async def flood(writing: asyncio.StreamWriter) -> int:
    """Ask until nothing more is taken for a second; gives the bytes."""
    padding = b"x" * 8000
    sent = 0
    with suppress(TimeoutError):
        for number in count(1):
            meta = b'{"_meta":{"padding":"%b"}}' % padding
            asked = b'{"method":"tools/list","params":%b,"jsonrpc":"2.0","id":%d}\n'
            writing.write(asked % (meta, number))
            sent += len(padding)
            async with asyncio.timeout(1):
                await writing.drain()
            if sent > FLOOD:
                break
    return sent
