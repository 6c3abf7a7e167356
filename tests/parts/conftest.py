"""What the parts' tests share: a daemon's stage, and a Graph that Microsoft's client calls."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack

import pytest

from bot.conftest import emulation, stage
from graph_shape.ledger import Ledger
from parts.graph_sdk import ClientOf, GraphStand, Sdk
from sandbox.administrator import Administrator
from sandbox.inside import inside, routes
from sandbox.scene import Credential
from sandbox.tour import reader_of

__all__ = ["emulation", "stage"]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Generator[GraphStand]:
    with inside(tmp_path_factory.mktemp("inside") / "home") as scene:
        agent = scene.hire(Credential.make())
        yield GraphStand(scene, agent, Ledger(scene.cloud["graph"], routes()))


@pytest.fixture
async def client_of(graph: GraphStand) -> AsyncGenerator[ClientOf]:
    """Makes clients, each of which shows a token."""
    async with AsyncExitStack() as stack:

        def make(token: str) -> Sdk:
            client = Sdk(graph.scene, token, graph.ledger)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(graph: GraphStand, client_of: ClientOf) -> Sdk:
    """The agent user's."""
    return client_of(reader_of(graph.scene, graph.agent).token)


@pytest.fixture
def admin(graph: GraphStand, client_of: ClientOf) -> Sdk:
    """An administrator's."""
    return client_of(Administrator.sign_in(graph.scene).token)
