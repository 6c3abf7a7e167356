"""A real daemon in this loop, against a real sandbox in its own process."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil

from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import Entry
from entraclaw.bot.inbox_look import look
from entraclaw.bot.local_client import ask
from entraclaw.bot.pace import Pace
from entraclaw.bot.sessions import Connection
from entraclaw.bot.settings import Settings
from entraclaw.bot.tenant import Tenant
from entraclaw.errors import NotRunning
from entraclaw.identity import AgentIds
from entraclaw.identity.cloud import find
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.file import UnsafeFileKeyStore

BOUND_S = 30.0  # a loaded machine starts a daemon slowly
PROFILE = "test"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, and one key made for its tenant."""

    control: str
    secret: str
    cloud: Path
    keys: Path
    certificate: bytes


@contextmanager
def sandbox(home: Path) -> Generator[Sandbox]:
    process = subprocess.Popen(
        [sys.executable, "-m", "entraclaw.sandbox", "--home", str(home), "--patience", "20"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        tenant = asyncio.run(_home_tenant(ready))
        cloud = Path(ready["cloud"])
        binding = Binding(find(str(cloud), cloud.parent).login, tenant)
        key = UnsafeFileKeyStore(home / "keys").create(PROFILE, binding)
        yield Sandbox(ready["control"], ready["secret"], cloud, home / "keys", key.certificate)
    finally:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(BOUND_S) == 0


async def _home_tenant(ready: dict[str, str]) -> str:
    async with aiohttp.ClientSession() as session:
        return await Tenant(session, ready["control"], ready["secret"]).home()


@dataclass(slots=True)
class Stage:
    """A profile with an agent; `daemon` while one runs in this loop."""

    sandbox: Sandbox
    session: aiohttp.ClientSession
    tenant: Tenant
    agent: AgentIds
    home: Path
    client: str = ""  # where a person signs in, if one does

    @property
    def folder(self) -> Path:
        return self.home / PROFILE

    @property
    def receives(self) -> str:
        """To whom people write: the bot, where there is one."""
        return self.agent.bot or self.agent.user

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "ENTRACLAW_HOME": str(self.home)}

    def settings(self) -> Settings:
        return Settings.read({"ENTRACLAW_HOME": str(self.home)}, PROFILE)

    @asynccontextmanager
    async def daemon(self, pace: Pace | None = None, seat: str = "s") -> AsyncGenerator[Daemon]:
        """A daemon, and a session that gets all and hears no ring, unless *seat* is empty."""
        async with Daemon.running(self.settings(), pace) as daemon:
            await self.tenant.set_endpoint(self.receives, daemon.webhook)
            if seat and daemon.desk is not None:
                await daemon.desk.arrive(Connection(seat, 0, unrung))
            yield daemon

    async def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with self.session.request(
            method,
            f"{self.sandbox.control}/control/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.sandbox.secret}"},
        ) as response:
            document: dict[str, Any] = await response.json()
            assert response.ok, document
            return document

    async def token(self, **changes: object) -> str:
        """A token as the channel signs it, or one that differs as *changes* say."""
        kind = "classic" if self.agent.bot else "agentic"
        body = {"agent": self.receives, "kind": kind, **changes}
        token: str = (await self.control("POST", "tokens", body))["token"]
        return token

    async def activity(self, **changes: object) -> dict[str, Any]:
        """An activity as the channel writes it, or one that differs as *changes* say."""
        draft = await self.control("GET", f"activity/{self.receives}")
        return {**draft["activity"], **changes}

    async def post(
        self,
        daemon: Daemon,
        body: object,
        token: str | None = None,
        **headers: str,
    ) -> aiohttp.ClientResponse:
        """Post to the webhook as stock aiohttp does; bytes go as they are."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        bearer = token or await self.token()
        sent = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json", **headers}
        response = await self.session.post(
            f"{daemon.webhook}/api/messages", data=data, headers=sent
        )
        await response.read()
        return response

    async def say(self, text: str, **changes: object) -> dict[str, Any]:
        """Let somebody (Ada, unless ``person`` says otherwise) write in Teams."""
        person = changes.pop("person", "ada")
        body = {"from": person, "agent": self.receives, "text": text, **changes}
        return await self.control("POST", "messages", body)

    def entries(self) -> list[Entry]:
        """What the inbox holds, oldest first."""
        with look(self.folder / "inbox.db") as seen:
            return seen.latest(1000)[::-1]

    async def answers(self) -> list[dict[str, Any]]:
        """What this agent, or its bot, said, oldest first."""
        entries = (await self.control("GET", "transcript?after=0&wait_s=0"))["entries"]
        return [e for e in entries if e["sender"] and e["sender"]["oid"] == self.receives]

    async def status(self) -> dict[str, Any]:
        return await asyncio.to_thread(ask, str(self.folder))


@asynccontextmanager
async def staged(
    sandbox: Sandbox, home: Path, inbound: str = "agentic", acts_as: str = "agent_user"
) -> AsyncGenerator[Stage]:
    """Hire an agent, a bot or both, with one certificate, and write their profile."""
    async with aiohttp.ClientSession() as session:
        tenant = Tenant(session, sandbox.control, sandbox.secret)
        stage = Stage(sandbox, session, tenant, AgentIds(await tenant.home()), home)
        if acts_as == "agent_user":
            stage.agent = (await tenant.hire(sandbox.certificate)).ids
        if inbound == "bot":
            body = {"name": "Clawbot", "certificate": sandbox.certificate.decode()}
            stage.agent = replace(
                stage.agent, bot=(await stage.control("POST", "bots", body))["bot"]
            )
        if acts_as == "delegated":
            stage.client = (await stage.control("POST", "clients", {"name": "Claw"}))["id"]
        shutil.copytree(sandbox.keys, stage.folder / "keys")
        named = asdict(stage.agent) | {"client": stage.client}
        ids = {name: value for name, value in named.items() if value}
        chosen = {"inbound": inbound, "acts_as": acts_as, "key_store": "unsafe-file"}
        lines = {"cloud": str(sandbox.cloud), **ids, **chosen}
        text = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
        (stage.folder / "config.toml").write_text(f"{text}port = 0\n", encoding="utf-8")
        try:
            yield stage
        finally:
            await _end_daemon(stage)
            _hang_up()


async def _end_daemon(stage: Stage) -> None:
    """End the daemon that a shim started: it outlives every host, on purpose."""
    try:
        process = psutil.Process((await stage.status())["pid"])
    except NotRunning:
        return
    process.terminate()

    async def is_gone() -> bool:
        # A zombie is gone: who reaps it is not our business.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    await until(is_gone)


def _hang_up() -> None:
    """Drop the connections that a daemon of this loop broke off and that still say goodbye.

    TLS waits for its peer to say it too. A loop that ends first leaves a socket open, which is
    found by the garbage collector in the middle of some other test.
    """
    for transport in [*getattr(asyncio.get_running_loop(), "_transports", {}).values()]:
        protocol = transport.get_protocol()
        within = getattr(protocol, "_app_transport", None)  # of asyncio's own SSLProtocol
        if within is not None and within.is_closing():
            transport.abort()


async def unrung(_method: str, _params: dict[str, Any]) -> None:
    """Be a host that hears nothing."""


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *holds*, at most `BOUND_S`."""
    async with asyncio.timeout(BOUND_S):
        # What it looks at is another process or its file: there is no event to wait for.
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
