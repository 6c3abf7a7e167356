"""A key store that cannot be here: what it would need is not installed, or is elsewhere."""

from typing import NoReturn

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding


class AbsentKeyStore:
    """A `KeyStore` that refuses everything, with the reason."""

    def __init__(self, reason: str, *, exportable: bool) -> None:
        """Stand in for a store that would be *exportable*."""
        self._reason, self._exportable = reason, exportable

    @property
    def exportable(self) -> bool:
        """What it would be."""
        return self._exportable

    def unavailable(self) -> str:
        """Say why it is not here."""
        return self._reason

    def create(self, name: str, binding: Binding) -> NoReturn:
        """Refuse."""
        raise KeyUnavailable(f"no key {name!r} for {binding.login}: {self._reason}")

    def load(self, name: str) -> NoReturn:
        """Refuse."""
        raise KeyUnavailable(f"no key {name!r}: {self._reason}")

    def delete(self, name: str) -> NoReturn:
        """Refuse."""
        raise KeyUnavailable(f"no key {name!r} to remove: {self._reason}")
