"""Whether the profile is locked: nothing is handed out and nothing is sent while it is.

A file in the profile's ``state`` folder, so that it survives a restart. One that cannot
be read counts as locked.
"""

import os
from contextlib import suppress
from pathlib import Path

from entraclaw.errors import EntraclawError, Locked


class ProfileLock:
    """The lock of one profile."""

    def __init__(self, folder: Path) -> None:
        """Keep it in the profile *folder*."""
        self._path = folder / "state" / "locked"
        self._unwritten = ""  # why it is locked, while that is not on the disk

    @property
    def reason(self) -> str:
        """Why it is locked; empty when it is not."""
        try:
            return self._path.read_text(encoding="utf-8").strip() or "no reason was written"
        except FileNotFoundError:
            return self._unwritten
        except (OSError, UnicodeDecodeError):
            return self._unwritten or "its lock cannot be read"

    def check(self) -> None:
        """Refuse when it is locked.

        Raises:
            Locked: It is.
        """
        reason = self.reason
        if reason:
            raise Locked(reason)

    def lock(self, reason: str) -> None:
        """Lock it, at once and durably; a lock that can be read keeps its reason.

        Raises:
            EntraclawError: The disk does not take it. It is locked until the daemon ends,
                and whoever asked must ask again.
        """
        with suppress(OSError, UnicodeDecodeError):
            if self._path.read_text(encoding="utf-8").strip():
                return
        self._unwritten = self._unwritten or reason
        try:
            self._write(self._unwritten)
        except OSError as error:
            raise EntraclawError(f"the lock cannot be written ({error.strerror})") from error
        self._unwritten = ""

    def _write(self, reason: str) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{reason}\n")
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":  # the file's name must survive a power cut, too
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
