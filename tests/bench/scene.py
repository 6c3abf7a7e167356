"""The hosts that are compared, each in a process of its own, and how to write to them."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jwt
from aiohttp import web

from bench.letters import Letters
from bench.load import Run, post_all
from bench.meters import traced
from bot.stage import PROFILE, Sandbox, Stage, sandbox, staged
from entraclaw.bot.children import Child, child
from entraclaw.bot.local_client import ask
from entraclaw.errors import NotRunning
from entraclaw.identity.cloud import find

WARMING = 20  # messages, before any is measured: imports and first fetches are not the subject
BOUND_S = 300.0  # for a daemon to start, or to take its lanes through a backlog
_TOKEN_S = 7200.0  # longer than any run
_TEXT = "Could you have a look at the figures for the third quarter? " * 4
SERVE = ("entraclaw", "--profile", PROFILE, "serve", "--until-eof")


@dataclass(frozen=True, slots=True)
class Host:
    """A running host.

    Attributes:
        pid: Its process.
        letters: What is sent to it.
        stage: Its profile if it is a daemon; None if its 202 is all it does.
    """

    pid: int
    letters: Letters
    stage: Stage | None = None

    async def post(self, number: int, callers: int) -> Run:
        """Send *number* messages in a closed loop of *callers*."""
        return await self.send(self.letters.take(number), callers)

    async def send(self, requests: Iterable[bytes], callers: int) -> Run:
        return await post_all(self.letters.url, requests, callers)

    async def rest(self) -> None:
        """Wait until nothing that was admitted is left to judge."""
        if self.stage is None:
            return
        async with asyncio.timeout(BOUND_S):
            # Another process's lanes: there is no event to wait for.
            while (await answer(self.stage.folder))["inbox"]["admitted"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened() -> AsyncGenerator[tuple[Sandbox, Path]]:
    """Run the sandbox, in a folder that goes away."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        scene = sandbox(folder / "tenant")
        emulation = await asyncio.to_thread(scene.__enter__)
        try:
            yield emulation, folder
        finally:
            await asyncio.to_thread(scene.__exit__, None, None, None)


@asynccontextmanager
async def profile(emulation: Sandbox, home: Path) -> AsyncGenerator[Stage]:
    """Hire an agent that answers as its sponsor bids."""
    async with staged(emulation, home) as stage:
        yield stage


@asynccontextmanager
async def daemon(
    stage: Stage, *, conversations: int = 64, trace: Path | None = None, keep: bool = False
) -> AsyncGenerator[Host]:
    """Run *stage*'s daemon, with an empty inbox unless it shall *keep* what it has."""
    if not keep:
        for left in stage.folder.glob("inbox.db*"):
            left.unlink()
    async with AsyncExitStack() as stack:
        if trace is None:
            running = child("the daemon", SERVE, stage.environ, speaks=False)
            await stack.enter_async_context(running)
        else:
            await stack.enter_async_context(traced(SERVE, stage.environ, trace))
        status = await answer(stage.folder)
        await stage.tenant.set_endpoint(stage.agent.user, status["webhook"])
        draft = await stage.activity(text=_TEXT)
        token = await stage.token(lifetime_s=_TOKEN_S)
        letters = Letters(draft, token, status["webhook"], conversations)
        host = Host(status["pid"], letters, stage)
        await host.post(WARMING, 1)
        yield host


async def answer(folder: Path) -> dict[str, Any]:
    """Wait for the daemon of the profile in *folder* to tell its status."""
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                return await asyncio.to_thread(ask, str(folder))
            except NotRunning:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def floor(stage: Stage, folder: Path) -> AsyncGenerator[Host]:
    """Run the floor, which knows the key that *stage*'s tokens are signed with."""
    token = await stage.token(lifetime_s=_TOKEN_S)
    words = ["bench.floor", str(folder / "floor.db"), await _jwk(stage, token)]
    async with child("the floor", [*words, stage.agent.blueprint], os.environ, speaks=True) as run:
        draft = await stage.activity(text=_TEXT)
        host = await _listening(run, draft, token)
        await host.post(WARMING, 1)
        yield host


@asynccontextmanager
async def stock(stage: Stage) -> AsyncGenerator[Host]:
    """Run the SDK's echo host, and the connector it answers to."""
    async with (
        _connector() as service_url,
        child("the stock host", ["bench.stock"], os.environ, speaks=True) as run,
    ):
        draft = await stage.activity(text=_TEXT, serviceUrl=service_url)
        host = await _listening(run, draft, "none")
        await host.post(WARMING, 1)
        yield host


async def _listening(running: Child, draft: dict[str, Any], token: str) -> Host:
    said = await running.line(BOUND_S)
    return Host(said["pid"], Letters(draft, token, f"http://127.0.0.1:{said['port']}"))


async def _jwk(stage: Stage, token: str) -> str:
    """Fetch the key that signed *token*, as the daemon does."""
    cloud = find(str(stage.sandbox.cloud), stage.sandbox.cloud.parent)
    trust = ssl.create_default_context(cafile=cloud.tls_ca)
    url = f"{cloud.login}/{stage.agent.tenant}/discovery/v2.0/keys"
    async with stage.session.get(url, ssl=trust) as response:
        keys = (await response.json(content_type=None))["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    return json.dumps(next(key for key in keys if key["kid"] == kid))


@asynccontextmanager
async def _connector() -> AsyncGenerator[str]:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"id": "1"}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
