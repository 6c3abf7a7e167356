"""Which of a profile's two key names is its key, and how far a rotation got: `key.json`.

It lies in the profile's folder, is written whole or not at all, and holds no secret. A
profile that never changed its key has none.
"""

import json
import os
from pathlib import Path
from typing import cast

from entraclaw.errors import EntraclawError, KeyUnavailable
from entraclaw.identity.rotation_orders import Note, Phase

_VERSION = 1


class KeyNote:
    """The note of one profile."""

    def __init__(self, folder: Path, profile: str) -> None:
        """Keep it in *folder*; the two names are made of *profile*."""
        self._path = folder / "key.json"
        self.names = (profile, f"{profile} 2")  # no profile's name has a space in it

    def read(self) -> Note | None:
        """Read it; None means that nothing was noted yet.

        Raises:
            KeyUnavailable: It cannot be read, or is not one of ours.
        """
        try:
            shown: object = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        document = cast("dict[str, object]", shown) if isinstance(shown, dict) else {}
        current, thumbprint = document.get("key"), document.get("thumbprint")
        if document.get("version") != _VERSION or current not in self.names:
            raise self._damaged()
        if document.get("phase") not in set(Phase) or not isinstance(thumbprint, str):
            raise self._damaged()
        return self.about(str(current), Phase(str(document["phase"])), thumbprint)

    def about(self, current: str, phase: Phase = Phase.SETTLED, thumbprint: str = "") -> Note:
        """Make a note of which the other name is the other of the two."""
        [other] = set(self.names) - {current}
        return Note(current, other, phase, thumbprint)

    def keep(self, note: Note) -> None:
        """Write *note* in the place of what was noted, durably.

        Raises:
            EntraclawError: The disk does not take it; what was noted is as it was.
        """
        document = {
            "version": _VERSION,
            "key": note.current,
            "phase": note.phase,
            "thumbprint": note.thumbprint,
        }
        fresh = self._path.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{json.dumps(document)}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            if os.name == "posix":  # the file's name must survive a power cut, too
                folder = os.open(self._path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            raise EntraclawError(
                f"{self._path} cannot be written ({error.strerror})",
                hint="make room on the disk, or correct who owns the folder",
            ) from error

    def remove(self) -> None:
        """Forget it: neither name has a key any more."""
        self._path.unlink(missing_ok=True)

    def _damaged(self) -> KeyUnavailable:
        return KeyUnavailable(
            f"{self._path}, which says which key is the profile's, is damaged",
            hint="restore it, or remove it: the profile's first key is used then, if it is there",
        )
