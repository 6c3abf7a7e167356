"""From a message in Teams to the doorbell on its host's stdin: `python -m bench.bell`.

The daemon is the one that `entraclaw serve` starts, the shim the real one, and the host
reads its pipe in a thread of its own and answers nothing but with a read and a `done`. One
message at a time, each rung for anew. Beside it, in the same run, how long Teams waits for
the 202.
"""

import asyncio
import json
import queue
import subprocess
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bench.report import Figures, quantile_ms, run, say
from bench.scene import Host, daemon, opened, profile
from bench.sizes import size
from bot.stage import Stage
from scenarios.processes import SHIM

NUMBER, WARMING = size(500, 50), 20
_BOUND_S = 20.0
_BELL = b'"method":"notifications/claude/channel"'


class Listening:
    """A host that notes when it was rung."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process, self._numbers = process, 0
        self.rung: queue.Queue[float] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at = time.perf_counter()
            if _BELL in line:
                self.rung.put(at)
            else:
                self._answers.put(json.loads(line))

    def say(self, message: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def call(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        self._numbers += 1
        self.say({"id": self._numbers, "method": method, "params": params})
        return self._answers.get(timeout=_BOUND_S)

    def close_all(self) -> None:
        """Read what waits until nothing does, and close each turn without an answer."""
        while messages := self.tool("read_messages", {})["structuredContent"]["messages"]:
            for message in messages:
                self.tool("done", {"turn": message["turn"]})

    def tool(self, name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        answer = self.call("tools/call", {"name": name, "arguments": arguments})
        assert not answer["result"].get("isError"), answer
        return dict(answer["result"])


@asynccontextmanager
async def _listening(stage: Stage) -> AsyncGenerator[Listening]:
    process = await asyncio.to_thread(
        subprocess.Popen,
        SHIM,
        env=stage.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    host = Listening(process)
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    }
    try:
        await asyncio.to_thread(host.call, "initialize", params)
        host.say({"method": "notifications/initialized"})
        await asyncio.to_thread(host.close_all)
        yield host
    finally:
        process.kill()
        process.wait(_BOUND_S)


async def measure() -> Figures:
    say(f"doorbell, {NUMBER} messages")
    async with (
        opened() as (emulation, folder),
        profile(emulation, folder / "bell") as stage,
        daemon(stage, conversations=0) as ours,
        _listening(stage) as host,
    ):
        await ours.rest()
        await asyncio.to_thread(host.close_all)
        trips = [await _trip(ours, host) for _ in range(WARMING + NUMBER)][WARMING:]
    accepts, rings = map(list, zip(*trips, strict=True))
    accept, behind = quantile_ms(accepts, 0.5), quantile_ms(rings, 0.5)
    return {
        "bell_accept_p50_ms": accept,
        "bell_p50_ms": behind,
        "bell_p99_ms": quantile_ms(rings, 0.99),
        "bell_over_accept": round(behind / accept, 2),
    }


async def _trip(ours: Host, host: Listening) -> tuple[float, float]:
    """Send one; seconds until its 202, and from that to the doorbell."""
    while not host.rung.empty():
        host.rung.get()
    sent = await ours.send([ours.letters.one()], 1)
    accepted = sent.began + sent.seconds[0]
    rung = await asyncio.to_thread(host.rung.get, timeout=_BOUND_S)
    await asyncio.to_thread(host.close_all)
    return sent.seconds[0], rung - accepted


if __name__ == "__main__":
    run(measure)
