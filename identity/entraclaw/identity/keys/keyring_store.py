"""Keys in the operating system's own keystore, through `keyring`."""

from collections.abc import Callable
from datetime import UTC, datetime

import keyring
from keyring.backend import KeyringBackend

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.software import SoftwareKey, make, read
from entraclaw.identity.keys.system_keyring import SystemKeyring

_SERVICE = "entraclaw"


class KeyringKeyStore:
    """A `KeyStore` over Secret Service, KWallet or the macOS Keychain."""

    def __init__(
        self,
        backend: Callable[[], KeyringBackend] = keyring.get_keyring,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask *backend* for the keystore each time, since a session may unlock it later."""
        self._keyring = SystemKeyring(backend, for_keys=True)
        self._now = now

    @property
    def exportable(self) -> bool:
        """Any program of the same session can read an item."""
        return True

    def unavailable(self) -> str | None:
        """Say why the operating system's keystore cannot be used here."""
        return self._keyring.unavailable()

    def create(self, name: str, binding: Binding) -> SoftwareKey:
        """Make a key; refuses a name that is taken."""
        if self.load(name) is not None:
            raise KeyUnavailable(f"the keystore already holds a key named {name!r}")
        return make(
            name, binding, self._now(), lambda text: self._keyring.put(_SERVICE, name, text)
        )

    def load(self, name: str) -> SoftwareKey | None:
        """Find a key."""
        text = self._keyring.get(_SERVICE, name)
        return None if text is None else read(text, f"the keystore item {name!r}")

    def delete(self, name: str) -> None:
        """Remove the item."""
        self._keyring.remove(_SERVICE, name)
