"""Ours: what opens Microsoft 365 is in no place where somebody could come across it.

After a whole exchange with whatever may go wrong in one, and after the daemon has crashed.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.stage import BOUND_S, PROFILE, Stage, until
from cores import cores_allowed, crash
from entraclaw.bot.children import child
from entraclaw.sandbox.resources import TOKEN_EXCHANGE
from scenarios import recording
from scenarios.canary import Canary, files, processes
from scenarios.processes import SHIM, RawHost, event, is_answering, shim

ENTRACLAW = (sys.executable, "-m", "entraclaw", "--profile", PROFILE)
DAEMON = ("serve", "--until-eof")

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

# The daemon, with whatever anybody in it has to say written to its log.
TALKATIVE = """
import logging, sys
from entraclaw.bot.start import main
configure = logging.basicConfig
logging.basicConfig = lambda **words: configure(**{**words, "level": logging.DEBUG})
sys.exit(main())
"""


@dataclass(slots=True)
class Scene:
    """A stage whose every process says what it says into files of the test's own."""

    stage: Stage
    folder: Path

    @property
    def environ(self) -> Mapping[str, str]:
        return {**self.stage.environ, "PYTHONASYNCIODEBUG": "1"}

    @property
    def between(self) -> tuple[str, ...]:
        """The words that keep what a host and the shim say to each other."""
        return (sys.executable, str(recording.__file__), str(self.folder / "mcp"))

    @asynccontextmanager
    async def daemon(self, *words: str) -> AsyncGenerator[subprocess.Popen[bytes]]:
        """Run the daemon where a core of it would be found."""
        with cores_allowed(), self.saying("daemon", *words) as process:
            await until(lambda: is_answering(self.stage.folder))
            webhook = (await self.stage.status())["webhook"]
            await self.stage.tenant.set_endpoint(self.stage.agent.user, webhook)
            yield process

    @contextmanager
    def saying(self, name: str, *words: str) -> Generator[subprocess.Popen[bytes]]:
        """Run *words* while the body runs, or until they are told to end."""
        with (
            (self.folder / name).open("ab") as said,
            subprocess.Popen(
                words,
                env=dict(self.environ),
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()
                process.wait(BOUND_S)

    async def spoil(self, **fault: object) -> None:
        mine = {"agent": self.stage.agent.user, **fault}
        await self.stage.control("PUT", "entra-faults", {"faults": [mine] if fault else []})

    async def tokens(self) -> list[str]:
        """Every secret that Entra gave, or was shown, by anybody; those of this agent too."""
        secrets = (await self.stage.control("GET", "issued"))["secrets"]
        return [str(one) for one in secrets]

    def key(self) -> rsa.RSAPrivateKey:
        record = json.loads(self.key_file.read_text(encoding="ascii"))
        key = serialization.load_pem_private_key(record["private"].encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    @property
    def key_file(self) -> Path:
        return self.stage.folder / "keys" / f"{PROFILE}.key"


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Scene:
    folder = tmp_path / "said"
    folder.mkdir()
    return Scene(stage, folder)


async def answered(scene: Scene) -> None:
    """Let the sandbox's own host answer a message, as `entraclaw sandbox` does."""
    words = ["entraclaw.sandbox.host", "--", *scene.between, *SHIM]
    async with child("the host", words, scene.environ, speaks=True) as host:
        await event(host, "ready")
        await scene.stage.say("hello")
        assert (await event(host, "replied"))["error"] is None


async def fetched(scene: Scene, host: RawHost) -> str:
    """Have a picture and a file fetched, after Graph refused once; gives the open turn."""
    picture = {"name": "a.png", "content_type": "image/png", "bytes": PNG}
    text = {"name": "a.txt", "content_type": "text/plain", "bytes": "eA==", "file": True}
    await scene.stage.say("read this", attachments=[picture, text])
    [message] = (await host.tool("read_messages", wait_s=30))["messages"]
    file = next(one["id"] for one in message["attachments"] if one["kind"] != "image")
    given = {
        "name": "fetch_attachment",
        "arguments": {"turn": message["turn"], "attachment": file},
    }
    await scene.stage.control("PUT", "faults", {"graph": {"status": 403, "times": 1}})
    assert "403" in await host.refusal("use_tool", **given)
    assert (await host.tool("use_tool", **given))["text"] == "x"
    return str(message["turn"])


async def broken(scene: Scene, host: RawHost, turn: str) -> None:
    """Answer while tokens are called back, Entra says nonsense and Teams breaks."""
    await scene.stage.control("POST", f"agents/{scene.stage.agent.user}/revocations")
    await scene.spoil(html=True, status=200)
    assert "makes no sense" in await host.refusal("reply", turn=turn, text="hi")
    await scene.spoil(code=90033, status=503, times=1)
    await scene.stage.control("PUT", "faults", {"connector": {"status": 429, "times": 1}})
    assert "429" in await host.refusal("reply", turn=turn, text="hi")
    assert await host.tool("reply", turn=turn, text="hi")


async def exchange(scene: Scene) -> None:
    await answered(scene)
    async with shim(scene.environ, *scene.between) as host:
        await host.shake_hands()
        await host.tool("whoami")
        await broken(scene, host, await fetched(scene, host))


def look(scene: Scene) -> None:
    """Ask whatever a person can ask; the answers are among what was said."""
    asked = ("status", "status --json", "key list", "inbox show 1 --text")
    with ExitStack() as stack:
        saying = [scene.saying(one, *ENTRACLAW, *one.split()) for one in asked]
        for process in [stack.enter_context(one) for one in saying]:
            assert process.wait(BOUND_S) == 0


async def test_no_key_and_no_token_is_anywhere_after_an_exchange_and_a_crash(
    scene: Scene,
) -> None:
    async with scene.daemon(sys.executable, "-c", TALKATIVE, *ENTRACLAW[3:], *DAEMON) as daemon:
        with scene.saying("tail", *ENTRACLAW, "tail", "--json"):
            await exchange(scene)
            await asyncio.to_thread(look, scene)
            running = processes(sealed=daemon.pid)
        tokens = await scene.tokens()
        canary = Canary(tokens, [scene.key()])
        assert not crash(daemon, signal.SIGABRT)

    home = files(scene.stage.home, but=[scene.key_file])
    assert b" DEBUG urllib3" in home[f"{PROFILE}/logs/daemon.log"]
    said = files(scene.folder)
    assert canary.sighted({**home, **said, **running}) == []
    assert audiences(tokens) >= {
        scene.stage.agent.blueprint,  # what Teams showed us
        f"{scene.stage.settings().cloud.login}/{scene.stage.agent.tenant}/oauth2/v2.0/token",
        TOKEN_EXCHANGE,
        "https://graph.microsoft.com",
        scene.stage.settings().cloud.agent_channel,
    }


def audiences(tokens: Iterable[str]) -> set[str]:
    """Name whom *tokens* are for, to see that none was forgotten."""
    read = (jwt.decode(token, options={"verify_signature": False}) for token in tokens)
    return {str(claims["aud"]) for claims in read}
