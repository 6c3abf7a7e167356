"""Keep the list of who may speak: `state/access.json` of a profile, and its seal.

Whoever writes it holds a lock, writes the whole file anew, and seals it. A list that cannot
be read, or that was changed without its seal, is refused as a whole and left as it is: it
lets nobody in, and nothing of it is lost.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from entraclaw.bot.access import Access
from entraclaw.bot.access_format import decode, encode
from entraclaw.bot.seal import Broken, Changed, Intact
from entraclaw.bot.seal_key import Kept, SealKeys
from entraclaw.bot.sealed_file import Mark, SealedFile, Unreadable
from entraclaw.errors import (
    AccessUnreadable,
    AccessUnsealed,
    AccessUnwritable,
    EntraclawError,
    KeyUnavailable,
)

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the list on the disk is worth.

    Attributes:
        sealed: The list as it was sealed, empty if none was; None where the seal does not say.
        found: The list as the file has it; None where it cannot be read.
        why: Why the file is refused; empty where it counts.
        is_changed: Whether that is because it is not as it was sealed.
    """

    sealed: Access | None
    found: Access | None
    why: str = ""
    is_changed: bool = False


class AccessFile:
    """The list of the profile in one folder."""

    def __init__(
        self, folder: Path, keys: SealKeys | None = None, patience_s: float = _PATIENCE_S
    ) -> None:
        """Know the file; *patience_s* is how long to wait for another who writes.

        *keys* finds what seals it; None takes the profile's own.
        """
        self.path = folder / "state" / "access.json"
        self._file = SealedFile(self.path, keys or SealKeys.of(folder), patience_s)
        self._mark: Mark | None = None
        self._access = Access()
        self._trouble: EntraclawError | None = None
        self._opening = asyncio.Lock()
        self.is_open = False
        self._adopted = 0.0  # when a list from before there were seals was sealed

    def open(self) -> None:
        """Find what seals the list; a list from before there were seals is sealed as it is.

        Blocks while the keyring asks a person.

        Raises:
            KeyUnavailable: The key is where nobody can get at it now.
            AccessUnwritable: The disk does not take it.
        """
        if self.is_open:
            return
        try:
            with self._locked():
                if self._file.open(_is_list):
                    self._adopted = time.time()
                    _log.warning("the list of who may speak was sealed as it was found")
        except Unreadable as error:
            _log.warning("the list of who may speak has no seal yet: %s", error)
        self.is_open = True

    async def now(self) -> Access:
        """Give the list for the gate, opened first.

        Raises:
            KeyUnavailable: As `open` does: who may speak is not known.
            AccessUnwritable: The same.
        """
        if not self.is_open:
            async with self._opening:
                try:
                    await asyncio.to_thread(self.open)
                except (KeyUnavailable, AccessUnwritable) as error:
                    self._trouble = error
                    raise
        return self.current()

    def current(self) -> Access:
        """Give the list; it is read again when the file or its seal has changed.

        A list that cannot be read, or is not as it was sealed, is an empty one, so that the
        sponsors, and only they, may speak. `trouble` then says why.

        Raises:
            KeyUnavailable: What sealed it cannot be asked now.
        """
        mark = self._file.marks()
        if mark is not None and mark == self._mark:
            return self._access
        before = self._trouble
        try:
            self._access, self._trouble, self._mark = self.load(), None, mark
        except AccessUnreadable as error:
            self._access, self._trouble, self._mark = Access(), error, None
            if before is None or str(before) != str(error):
                _log.warning("only sponsors may speak: %s", error)
        return self._access

    @property
    def trouble(self) -> EntraclawError | None:
        """Why the list that was last asked for is empty, or none, although there is a file."""
        return self._trouble

    def load(self) -> Access:
        """Read the list; where there is no file, and none was sealed, it is empty.

        Raises:
            AccessUnreadable: There is a file, and it cannot be taken at its word.
            AccessUnsealed: It is not as it was sealed.
            KeyUnavailable: What sealed it cannot be asked now.
        """
        sight = self.sight()
        if sight.is_changed:
            raise AccessUnsealed(str(self.path), sight.why)
        if sight.sealed is None:
            raise AccessUnreadable(str(self.path), sight.why)
        return sight.sealed

    def sight(self) -> Sight:
        """Look at the file and its seal.

        Raises:
            AccessUnreadable: The file cannot be read, or others may write it.
            KeyUnavailable: What sealed it cannot be asked now.
        """
        try:
            looked = self._file.look()
        except Unreadable as error:
            raise AccessUnreadable(str(self.path), str(error)) from None
        found, why = _read(looked.found)
        match looked.verdict:
            case None:  # before the first daemon
                return Sight(found, found, why)
            case Intact(payload):
                sealed, why = _read(payload)
                return Sight(sealed, sealed, why)
            case Changed(before):
                said = f"it was changed outside the daemon{why and f', and {why}'}"
                return Sight(_read(before)[0], found, said, is_changed=True)
            case Broken(reason):
                return Sight(None, found, f"its seal {reason}", is_changed=True)

    def change(self, edit: Callable[[Access], tuple[Access, _T]]) -> tuple[Access, _T]:
        """Replace the list by what *edit* makes of it; give that, and its other result.

        Blocks while another process writes; call it from a thread where that matters.

        Raises:
            AccessUnreadable: The list cannot be taken at its word, and stays as it is.
            AccessUnwritable: It could not be written, and is as it was.
            KeyUnavailable: What seals it cannot be asked now.
        """
        self.open()
        with self._locked():
            before = self.load()
            after, result = edit(before)
            if after != before:
                self._replace(encode(after))
        return after, result

    def accept(self, expected: Access) -> Access:
        """Seal the list as the file has it, whatever was sealed before.

        Raises:
            AccessUnreadable: The file is no list, or another one than was *expected*.
            AccessUnwritable: It could not be sealed.
        """
        with self._locked():
            try:
                is_lost = self.sight().sealed is None
            except KeyUnavailable:
                is_lost = True
            found = self._found()
            if found != expected:
                raise AccessUnreadable(str(self.path), "it was changed again meanwhile")
            if is_lost:
                self._file.begin_anew()
            self._replace(encode(found))
        self._adopted = 0.0
        return found

    def restore(self) -> Access:
        """Put the list back as it was sealed.

        Raises:
            AccessUnsealed: The seal does not say how it was.
            AccessUnwritable: It could not be written.
        """
        with self._locked():
            sight = self.sight()
            if sight.sealed is None or (sight.is_changed and not self._file.put_back()):
                raise AccessUnsealed(str(self.path), sight.why)
        return sight.sealed

    def set_aside(self, now: float) -> Path | None:
        """Rename a list that is refused, so that an empty one takes its place.

        Returns:
            Where it is now; None when it counts, and stays.

        Raises:
            AccessUnwritable: It could not be renamed, or the empty one not sealed.
        """
        aside = self.path.with_name(f"{self.path.name}.unreadable-{now:.0f}")
        with self._locked():
            try:
                self.load()
            except AccessUnreadable:
                if self.path.exists():
                    self.path.rename(aside)
                self._replace(encode(Access()))
                return aside
        return None

    def document(self) -> dict[str, object]:
        """Shape for `status` what protects the list, without asking the keyring."""
        key = self._file.key
        if self.is_open:
            self.current()
        return {
            "kept": key.kept.value if key else None,
            "is_weak": key is not None and key.kept is Kept.FILE,
            "adopted": self._adopted or None,
        }

    def _found(self) -> Access:
        try:
            return decode(self.path.read_bytes())
        except FileNotFoundError:
            return Access()
        except OSError as error:
            raise AccessUnreadable(str(self.path), str(error.strerror)) from error
        except ValueError as error:
            raise AccessUnreadable(str(self.path), str(error)) from None

    def _replace(self, raw: bytes) -> None:
        try:
            self._file.replace(raw)
        except Unreadable as error:
            raise AccessUnwritable(str(self.path), str(error)) from error

    @contextmanager
    def _locked(self) -> Generator[None]:
        try:
            with self._file.locked():
                yield
        except TimeoutError as error:
            raise AccessUnwritable(str(self.path), str(error)) from None
        except OSError as error:
            raise AccessUnwritable(str(self.path), str(error.strerror)) from error


def _read(raw: bytes | None) -> tuple[Access | None, str]:
    """Read a list; gives it, or why it is none."""
    if raw is None:
        return Access(), ""
    try:
        return decode(raw), ""
    except ValueError as error:
        return None, str(error)


def _is_list(raw: bytes) -> bool:
    return _read(raw)[0] is not None
