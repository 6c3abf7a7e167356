"""From the post to the host that has the text, and to the answer in Teams, one at a time.

The host is the sandbox's, over the real shim; its clock and ours are the same one.
"""

import time
from collections.abc import Mapping
from typing import Any

from bench.report import Figures, quantile_ms, say
from bench.scene import BOUND_S, WARMING, Host, daemon
from bench.sizes import size
from bot.stage import Stage
from entraclaw.bot.children import Child
from scenarios.processes import host as attached

# With what warms up and the word that it waits, not more than a conversation may be sent in
# an hour.
NUMBER = size(95, 30)


async def measure(stage: Stage) -> Figures:
    say(f"hand-over, {NUMBER} messages")
    async with daemon(stage, conversations=0) as ours, attached(stage) as host:
        await take(host, WARMING)
        trips = [await travel(ours, host, f"message {n}") for n in range(NUMBER)]
    received, replied = zip(*trips, strict=True)
    return {
        "handover_p50_ms": quantile_ms(list(received), 0.5),
        "handover_p99_ms": quantile_ms(list(received), 0.99),
        "answer_p50_ms": quantile_ms(list(replied), 0.5),
    }


async def travel(ours: Host, host: Child, text: str) -> tuple[float, float]:
    """Send *text*; seconds until the host has it, and until its answer is in Teams."""
    request = ours.letters.one(text=text)
    began = time.monotonic_ns()
    await ours.send([request], 1)
    received = await _event(host, "received")
    assert received["text"] == text
    replied = await _event(host, "replied")
    assert replied["error"] is None
    return (received["at"] - began) / 1e9, (replied["at"] - began) / 1e9


async def take(host: Child, number: int) -> None:
    """Let *host* answer the *number* messages that wait for it."""
    for _ in range(number):
        assert (await _event(host, "replied"))["error"] is None


async def _event(host: Child, name: str) -> Mapping[str, Any]:
    while (said := await host.line(BOUND_S))["event"] != name:
        pass
    return said
