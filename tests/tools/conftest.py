import ssl
from collections.abc import AsyncGenerator, Generator

import aiohttp
import pytest

from identity.stranger import Authority, Strange, strangers
from identity.tenant import Tenant, emulated


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Generator[Tenant]:
    with emulated(tmp_path_factory.mktemp("tenant") / "home") as tenant:
        yield tenant


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def strange(authority: Authority) -> AsyncGenerator[Strange]:
    async with strangers(authority) as start:
        yield start


@pytest.fixture
async def session(tenant: Tenant, authority: Authority) -> AsyncGenerator[aiohttp.ClientSession]:
    """A session that trusts the tenant, and the strangers as well."""
    context = ssl.create_default_context(cafile=tenant.cloud.tls_ca)
    context.load_verify_locations(authority.bundle)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session
