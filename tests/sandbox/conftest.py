"""One sandbox process for the whole session, started as anybody would start it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.reader import Reader
from sandbox.scene import BOUND_S, Credential, Endpoint, Hired, Listen, Scene, start
from sandbox.stand import Stand
from sandbox.window import Window


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    home = tmp_path_factory.mktemp("sandbox") / "home"
    with start(home, "--patience", "0.3") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        scene = Scene(json.loads(process.stdout.readline()))
        yield scene
        scene.session.close()
        process.stdin.close()
        assert process.wait(BOUND_S) == 0


@pytest.fixture
def window(scene: Scene) -> Generator[Window]:
    """A browser that opened the printed URL."""
    window = Window(scene)
    window.enter()
    with window.session:
        yield window


@pytest.fixture(scope="session")
def credential() -> Credential:
    return Credential.make()


@pytest.fixture(scope="session")
def stranger() -> Credential:
    """A key whose certificate nobody registered."""
    return Credential.make()


@pytest.fixture
def agent(scene: Scene, credential: Credential) -> Hired:
    return scene.hire(credential)


@pytest.fixture
async def listen() -> AsyncGenerator[Listen]:
    """Serve endpoints on ports of their own until the test ends."""
    async with AsyncExitStack() as stack:

        async def serve(endpoint: Endpoint) -> str:
            app = web.Application()
            app.router.add_post("/api/messages", endpoint.take)
            server = await stack.enter_async_context(TestServer(app, host="127.0.0.1"))
            stack.callback(endpoint.stuck.set)
            return str(server.make_url("/api/messages"))

        yield serve


@pytest.fixture
async def stand(scene: Scene, credential: Credential, listen: Listen) -> Stand:
    url = await listen(endpoint := Endpoint())
    return Stand(scene, await asyncio.to_thread(scene.hire, credential, endpoint=url), endpoint)


@pytest.fixture
def reader(scene: Scene, agent: Hired) -> Reader:
    """The agent's view of Graph."""
    return Reader(scene, agent)
