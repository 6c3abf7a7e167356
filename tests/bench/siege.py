"""The worst company: a host that died with its leases, and a Microsoft that hangs for ever.

Connections to the sandbox are still accepted and nothing on them is answered, the
signing keys least of all, while strangers send tokens that name an unknown key.
`patience_over_p999` is the channel's own patience over an honest request's p99.9.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from bench.letters import Letters
from bench.load import insist
from bench.report import Figures, quantile_ms, say
from bench.scene import BOUND_S, daemon
from bench.sizes import size
from bot.stage import Stage
from entraclaw.bot.children import child, descendants
from scenarios.processes import SHIM

NUMBER, CALLERS = size(10_000, 500), 8
STRANGERS, PAUSE_S = 8, 0.1  # enough that the hanging host is always asked; `tarpit` does not pause
PATIENCE_MS = 15_000.0  # Teams sends an activity again that was not answered in this time


async def measure(stage: Stage) -> Figures:
    say(f"a dead host, hanging keys, {CALLERS} callers, {NUMBER} messages")
    async with daemon(stage) as host:
        await _die(stage)
        unknown = await stage.token(header={"kid": "unknown"})
        async with _hanging(), _strangers(replace(host.letters, token=unknown)):
            run = await host.post(NUMBER, CALLERS)
    worst = quantile_ms(run.seconds, 0.999)
    return {
        "besieged_p99_ms": quantile_ms(run.seconds, 0.99),
        "besieged_p999_ms": worst,
        "patience_over_p999": round(PATIENCE_MS / worst, 1),
    }


async def _die(stage: Stage) -> None:
    """Let a host take what waits, and kill it before it is done with it."""
    words = ["entraclaw.sandbox.host", "--", *SHIM]
    async with child("the host", words, stage.environ, speaks=True) as host:
        pid = (await host.line(BOUND_S))["pid"]
        while (await host.line(BOUND_S))["event"] != "received":
            pass
        os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def _hanging() -> AsyncGenerator[None]:
    """Stop the sandbox: the kernel goes on accepting for it."""
    (emulation,) = [p for p in descendants() if "entraclaw.sandbox" in p.cmdline()]
    emulation.suspend()
    try:
        yield
    finally:
        emulation.resume()


@asynccontextmanager
async def _strangers(letters: Letters) -> AsyncGenerator[None]:
    request = letters.one()
    callers = [asyncio.create_task(insist(letters.url, request, PAUSE_S)) for _ in range(STRANGERS)]
    try:
        yield
    finally:
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
