from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest

from entraclaw.identity import AgentIds
from identity.stranger import Answer, Authority, Stranger, listen
from identity.tenant import Tenant, emulated

Strange: TypeAlias = Callable[[Answer], Awaitable[Stranger]]


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Generator[Tenant]:
    with emulated(tmp_path_factory.mktemp("tenant") / "home") as tenant:
        yield tenant


@pytest.fixture
def ids(tenant: Tenant) -> AgentIds:
    """An agent of its own for each test."""
    return tenant.hire()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def strange(authority: Authority) -> AsyncGenerator[Strange]:
    """Start servers that answer as they are told, until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer) -> Stranger:
            server, stranger = await listen(answer, authority)
            stack.push_async_callback(server.close)
            return stranger

        yield start
