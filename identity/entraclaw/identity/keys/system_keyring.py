"""The operating system's keyring, if it is one that protects what it keeps.

`keyring` falls back to whatever backend is installed, one that keeps nothing and one that
writes plain text among them, so only the named ones are accepted.
"""

from collections.abc import Callable
from typing import TypeVar

import keyring
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringError

from entraclaw.errors import KeyUnavailable

_ITEMS_ONLY = "keyring.backends.Windows"  # safe, and too small for a key
_SAFE = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
    }
)

# KWallet 5 drops the zeros at the head of the secret that it agrees on with whoever asks, and
# so one answer in 256 is gibberish, or an error. Each request agrees on another.
_TRIES = 3

_Answer = TypeVar("_Answer")


class SystemKeyring:
    """Items of the user's own keyring, each a text under a service and a name."""

    def __init__(
        self,
        backend: Callable[[], KeyringBackend] = keyring.get_keyring,
        *,
        for_keys: bool = False,
    ) -> None:
        """Ask *backend* for the keyring each time, since a session may unlock it later.

        *for_keys*: the items are private keys, which one of the keyrings has no room for.
        """
        self._backend = backend
        self._for_keys = for_keys

    def unavailable(self) -> str | None:
        """Say why the operating system's keyring cannot be used here."""
        module = type(self._chosen()).__module__
        if module in _SAFE or (module == _ITEMS_ONLY and not self._for_keys):
            return None
        if module == _ITEMS_ONLY:
            return "the Windows vault holds 2,560 bytes in an item, less than a key needs"
        if module == "keyring.backends.fail":
            return "the system offers no keystore (is a desktop session unlocked?)"
        if module == "keyring.backends.null":
            return "keyring is turned off: its null backend keeps nothing"
        return f"{module} does not protect what it keeps"

    def get(self, service: str, name: str) -> str | None:
        """Read an item; None means there is none.

        Raises:
            KeyUnavailable: The keyring cannot be used, or is locked.
        """
        return _asked(lambda: self._safe().get_password(service, name))

    def put(self, service: str, name: str, text: str) -> None:
        """Write an item.

        Raises:
            KeyUnavailable: As for `get`.
        """
        _asked(lambda: self._put(service, name, text))

    def remove(self, service: str, name: str) -> None:
        """Remove an item; removing what is not there is no error.

        Raises:
            KeyUnavailable: As for `get`.
        """
        # Asked first: the error of removing says both that it is not there and that it
        # cannot be removed.
        if self.get(service, name) is not None:
            _asked(lambda: self._safe().delete_password(service, name))

    def _put(self, service: str, name: str, text: str) -> None:
        self._safe().set_password(service, name, text)  # pyright: ignore[reportUnknownMemberType]  # keyring wraps it without types

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
        safe = _SAFE | {_ITEMS_ONLY}
        return next((link for link in chosen.backends if type(link).__module__ in safe), chosen)


def _asked(ask: Callable[[], _Answer]) -> _Answer:
    tries = 1
    while True:
        try:
            return ask()
        except KeyUnavailable:
            raise
        except Exception as error:
            # Not KeyringError alone: backends let through what their own libraries raise. That
            # may be gone the next time; what the keyring itself says is meant.
            if isinstance(error, KeyringError) or tries == _TRIES:
                raise KeyUnavailable(
                    f"the system keystore refused ({type(error).__name__})",
                    hint="unlock your login keyring, then try again",
                ) from error
            tries += 1
