import pytest

from contracts.keystore import KeyStoreContract, OpenStore
from entraclaw.identity.keys.memory import MemoryKeyStore


@pytest.fixture(scope="module")
def open_store() -> OpenStore:
    store = MemoryKeyStore()
    return lambda: store


class TestMemoryKeyStore(KeyStoreContract):
    pass
