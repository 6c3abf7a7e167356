from collections.abc import AsyncGenerator, Generator

import pytest

from entraclaw.identity import AgentIds
from identity.stranger import Authority, Strange, strangers
from identity.tenant import Tenant, emulated


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
    async with strangers(authority) as start:
        yield start
