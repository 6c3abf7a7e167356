"""The PIN of a token: from the system's keyring or a prompt, and from nowhere else.

A token counts wrong PINs and locks after a few. So a PIN that was refused is not offered
again, however often the agent tries to sign.
"""

from collections.abc import Callable

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.system_keyring import SystemKeyring

SERVICE = "entraclaw-pin"  # the keyring's word for a group of items; the token names the item


class Pin:
    """What opens one token; it remembers what was typed, and what was refused."""

    def __init__(
        self,
        token: str,
        keyring: SystemKeyring,
        ask: Callable[[str], str] | None = None,
    ) -> None:
        """Look in *keyring* first, then *ask* once, where there is somebody to ask."""
        self._token, self._keyring, self._ask = token, keyring, ask
        self._typed: str | None = None
        self._refused: str | None = None

    def __repr__(self) -> str:
        """Name the token only."""
        return f"Pin({self._token!r})"

    def missing(self) -> str | None:
        """Say why there is no PIN; asks nobody."""
        if self._typed or self._ask:
            return None
        try:
            kept = self._keyring.get(SERVICE, self._token)
        except KeyUnavailable as error:
            return f"its PIN cannot be read: {error}"
        return None if kept else "no PIN for it is in the system's keyring"

    def get(self) -> str:
        """Give the PIN.

        Raises:
            KeyUnavailable: There is none, or the token refused this very PIN before.
        """
        pin = self._typed or self._kept() or self._asked()
        if pin == self._refused:
            self._typed = None
            raise KeyUnavailable(
                f"the token {self._token!r} refused this PIN before; it is not tried again",
                hint=f"correct it with {self.cure}: a token locks after a few wrong PINs",
            )
        return pin

    def refuse(self, pin: str) -> None:
        """Remember that the token did not take *pin*."""
        self._typed, self._refused = None, pin

    @property
    def cure(self) -> str:
        """The command that keeps the PIN for good."""
        return f"`keyring set {SERVICE} {self._token}`"

    def _kept(self) -> str | None:
        try:
            return self._keyring.get(SERVICE, self._token)
        except KeyUnavailable:
            if self._ask is None:
                raise
            return None

    def _asked(self) -> str:
        if self._ask is None:
            raise KeyUnavailable(
                f"there is no PIN for the token {self._token!r}",
                hint=f"keep it in the system's keyring with {self.cure}",
            )
        self._typed = self._ask(self._token)
        return self._typed
