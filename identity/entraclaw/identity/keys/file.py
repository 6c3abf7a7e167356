"""A private key in a plain file: for the sandbox, where the key guards nothing.

Anything that can read the user's files can copy such a key, which is why the name says
so and why every profile but the sandbox's must ask for it by that name.
"""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.software import SoftwareKey, make, read


class UnsafeFileKeyStore:
    """A `KeyStore` of one file per key, mode 0600 in a folder of mode 0700."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep keys under *folder*, which is made when the first key is."""
        self._folder = folder
        self._now = now

    @property
    def exportable(self) -> bool:
        """A plain file is copied by whoever can read it."""
        return True

    def unavailable(self) -> str | None:
        """Say why the folder cannot be used: it is a file, or others may look into it."""
        try:
            mode = self._folder.stat().st_mode
        except FileNotFoundError:
            return None  # it is made when the first key is
        except OSError as error:
            return f"{self._folder} cannot be used ({error.strerror})"
        if not stat.S_ISDIR(mode):
            return f"{self._folder} is not a folder"
        return f"{self._folder} is open to others" if _is_open(mode) else None

    def create(self, name: str, binding: Binding) -> SoftwareKey:
        """Make a key; refuses a name that is taken."""
        self._refuse_unusable()
        return make(name, binding, self._now(), lambda text: self._write(name, text))

    def load(self, name: str) -> SoftwareKey | None:
        """Find a key; refuses a file that others can read."""
        self._refuse_unusable()
        path = self._path(name)
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise KeyUnavailable(f"the key file {path} cannot be read") from error
        if _is_open(mode):
            raise KeyUnavailable(
                f"the key file {path} can be read by others", hint=f"chmod 600 {path}"
            )
        return read(text, str(path))

    def delete(self, name: str) -> None:
        """Remove the file."""
        self._refuse_unusable()
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise KeyUnavailable(f"{self._path(name)} cannot be removed") from error

    def _refuse_unusable(self) -> None:
        reason = self.unavailable()
        if reason is not None:
            raise KeyUnavailable(f"the key folder cannot be used: {reason}")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def _write(self, name: str, text: str) -> None:
        path = self._path(name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # O_EXCL: the mode is right from the first byte, and no key is ever overwritten.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError as error:
            raise KeyUnavailable(f"{path} already holds a key") from error
        except OSError as error:
            raise KeyUnavailable(f"the key file {path} cannot be written") from error


def _is_open(mode: int) -> bool:
    return os.name == "posix" and bool(mode & 0o077)
