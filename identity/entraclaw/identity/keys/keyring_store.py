"""Keys in the operating system's own keystore, through `keyring`.

`keyring` falls back to whatever backend is installed, a plain-text file among them, so
only the named ones are accepted. Windows' vault holds 2,560 bytes in an item, less than
an RSA key needs.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import keyring
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import PasswordDeleteError

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.software import SoftwareKey, make, read

_SERVICE = "entraclaw"
_SAFE = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
    }
)


class KeyringKeyStore:
    """A `KeyStore` over Secret Service, KWallet or the macOS Keychain."""

    def __init__(
        self,
        backend: Callable[[], KeyringBackend] = keyring.get_keyring,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask *backend* for the keystore each time, since a session may unlock it later."""
        self._backend = backend
        self._now = now

    def unavailable(self) -> str | None:
        """Say why the operating system's keystore cannot be used here."""
        chosen = type(self._chosen())
        if chosen.__module__ in _SAFE:
            return None
        if chosen.__module__ == "keyring.backends.fail":
            return "the system offers no keystore (is a desktop session unlocked?)"
        if chosen.__module__ == "keyring.backends.Windows":
            return "the Windows vault holds 2,560 bytes in an item, less than a key needs"
        return f"{chosen.__module__} does not protect what it keeps"

    def create(self, name: str, binding: Binding) -> SoftwareKey:
        """Make a key; refuses a name that is taken."""
        if self.load(name) is not None:
            raise KeyUnavailable(f"the keystore already holds a key named {name!r}")
        return make(name, binding, self._now(), lambda text: self._write(name, text))

    def load(self, name: str) -> SoftwareKey | None:
        """Find a key."""
        with _asking():
            text = self._safe().get_password(_SERVICE, name)
        return None if text is None else read(text, f"the keystore item {name!r}")

    def delete(self, name: str) -> None:
        """Remove the item."""
        with _asking():
            try:
                self._safe().delete_password(_SERVICE, name)
            except PasswordDeleteError:
                # The same error says that it is not there and that it cannot be removed.
                if self._safe().get_password(_SERVICE, name) is not None:
                    raise

    def _write(self, name: str, text: str) -> None:
        with _asking():
            self._safe().set_password(_SERVICE, name, text)  # pyright: ignore[reportUnknownMemberType]  # keyring wraps it without types

    def _safe(self) -> KeyringBackend:
        reason = self.unavailable()
        if reason is not None:
            raise KeyUnavailable(f"the system keystore cannot be used: {reason}")
        return self._chosen()

    def _chosen(self) -> KeyringBackend:
        chosen = self._backend()
        if not isinstance(chosen, ChainerBackend):
            return chosen
        # Where several backends work, keyring offers a chain that would ask them all; the
        # first of the safe ones is taken out of it.
        return next((link for link in chosen.backends if type(link).__module__ in _SAFE), chosen)


@contextmanager
def _asking() -> Generator[None]:
    try:
        yield
    except KeyUnavailable:
        raise
    except Exception as error:
        # Not KeyringError alone: backends let through what their own libraries raise.
        raise KeyUnavailable(
            f"the system keystore refused ({type(error).__name__})",
            hint="unlock your login keyring, then try again",
        ) from error
