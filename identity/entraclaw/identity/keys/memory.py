"""Keys that live as long as the process: for tests, and for nothing that must last."""

from collections.abc import Callable
from datetime import UTC, datetime

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.software import SoftwareKey, make


class MemoryKeyStore:
    """A `KeyStore` that forgets everything at exit."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Start empty; *now* dates the certificates."""
        self._now = now
        self._keys: dict[str, SoftwareKey] = {}

    @property
    def exportable(self) -> bool:
        """It lies in this process."""
        return True

    def unavailable(self) -> str | None:
        """Memory is always here."""
        return None

    def create(self, name: str, binding: Binding) -> SoftwareKey:
        """Make a key; refuses a name that is taken."""
        if name in self._keys:
            raise KeyUnavailable(f"memory already holds a key named {name!r}")
        self._keys[name] = make(name, binding, self._now(), write=lambda _record: None)
        return self._keys[name]

    def load(self, name: str) -> SoftwareKey | None:
        """Find a key made earlier in this process."""
        return self._keys.get(name)

    def delete(self, name: str) -> None:
        """Forget a key."""
        self._keys.pop(name, None)
