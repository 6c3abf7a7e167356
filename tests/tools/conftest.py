import ssl
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from identity.conftest import authority, strange, tenant
from identity.stranger import Authority
from identity.tenant import Tenant

__all__ = ["authority", "session", "strange", "tenant"]


@pytest.fixture
async def session(tenant: Tenant, authority: Authority) -> AsyncGenerator[aiohttp.ClientSession]:
    """A session that trusts the tenant, and the strangers as well."""
    context = ssl.create_default_context(cafile=tenant.cloud.tls_ca)
    context.load_verify_locations(authority.bundle)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session
