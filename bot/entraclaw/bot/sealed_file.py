"""A file of policy and the seal beside it: read together, written one after the other.

The seal is written first. A reader that finds the new seal beside the old file takes what
was sealed, and so does whoever comes after a power cut; a file that is neither the new one
nor the old one was changed by somebody else. `entraclaw.bot.seal` judges.
"""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from entraclaw.bot import seal
from entraclaw.bot.seal import Broken, Changed, Intact, Verdict
from entraclaw.bot.seal_key import SealKey, SealKeys
from entraclaw.bot.whole import write_whole
from entraclaw.errors import KeyUnavailable

SIZE_LIMIT = 1 << 20
_PATIENCE_S = 5.0
_OTHERS_WRITE = 0o022
_TRIES = 3  # a reader between two whole writes sees neither; three in a row are none

_log = logging.getLogger(__name__)

Mark = tuple[int, ...]


class Unreadable(Exception):
    """The file, or its seal, cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found.

    Attributes:
        verdict: Of the seal; None while the profile has none, and the file is believed.
        found: What the file holds; None is no file.
    """

    verdict: Verdict | None
    found: bytes | None


class SealedFile:
    """One file, its seal, and the lock that those who write hold."""

    def __init__(self, path: Path, keys: SealKeys, patience_s: float = _PATIENCE_S) -> None:
        """Know the file *path*; *patience_s* is how long to wait for another who writes."""
        self.path, self._keys, self._patience_s = path, keys, patience_s
        self._seal = path.with_name(f"{path.name}.seal")
        self._name = path.name
        self._key: SealKey | None = None
        self._is_lost = False  # the key, as far as was looked

    @property
    def key(self) -> SealKey | None:
        """The key that seals it; None while it is not open."""
        return self._key

    def open(self, is_good: Callable[[bytes], bool]) -> bool:
        """Find the key, or make it where nothing was ever sealed.

        Returns:
            Whether a file from before there were seals was sealed as it was found. One
            that is not good is left without a seal, and so is refused.

        Raises:
            KeyUnavailable: The key is where nobody can get at it now.
            OSError: The disk does not take it.
            Unreadable: There is a file, and it cannot be taken at its word.
        """
        self._key = self._key or self._find()
        if self._key is not None:
            return False
        if _bytes(self._seal) is not None:  # so it is not from before, whatever else
            self._is_lost = True
            return False
        found = self._found()
        self._key = self._keys.make()
        if found is None or not is_good(found):
            return False
        self._write(self._key, found, found)
        return True

    def look(self) -> Looked:
        """Read the file and judge it.

        Raises:
            KeyUnavailable: The key is where nobody can get at it now.
            Unreadable: The file cannot be read, or others may write it.
        """
        key = self._key if self._key or self._is_lost else self._find()
        looked = self._look(key)
        for _ in range(_TRIES - 1):
            if not isinstance(looked.verdict, Changed):
                break
            looked = self._look(key)
        return looked

    def _look(self, key: SealKey | None) -> Looked:
        found, raw = self._found(), self._raw_seal()  # in this order
        return Looked(self._judge(key, found, raw), found)

    def replace(self, payload: bytes) -> None:
        """Write *payload* and seal it, whatever stands there; the lock must be held.

        Raises:
            KeyUnavailable: There is no key, or the number of the sealing cannot be kept.
            OSError: The disk does not take it.
            Unreadable: There is a file that cannot be read.
        """
        self._key = self._key or self._find() or self._keys.make()
        self._write(self._key, self._settled(self._key, payload), payload)

    def put_back(self) -> bool:
        """Write the file as it was sealed, whatever stands there; the lock must be held.

        Returns:
            False where the seal does not say how it was; nothing is written then.

        Raises:
            KeyUnavailable: The key is where nobody can get at it now.
            OSError: The disk does not take it.
            Unreadable: There is a file that cannot be read.
        """
        match self.look().verdict:
            case Changed(bytes(payload)) | Intact(bytes(payload)):
                write_whole(self.path, payload)
                return True
            case _:
                return False

    def begin_anew(self) -> None:
        """Forget the key and what it sealed; the next `replace` seals with a new one."""
        self._key = self._keys.make()

    def marks(self) -> Mark | None:
        """Give what differs once the file or its seal does; None if there is no file."""
        try:
            return (*_stat(self.path), *_stat(self._seal))
        except OSError:
            return None

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other writers out while the body runs.

        Raises:
            TimeoutError: Another one writes, and does not end.
            OSError: The folder cannot be made or written.
        """
        state = self.path.parent
        lock = FileLock(state / f"{self.path.stem}.lock", timeout=self._patience_s, mode=0o600)
        for folder in (state.parent, state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise TimeoutError("another process is writing it") from None
        try:
            yield
        finally:
            lock.release()

    def _find(self) -> SealKey | None:
        key = self._keys.find()
        if key is None:
            self._refuse_a_hidden_key()
        return key

    def _refuse_a_hidden_key(self) -> None:
        """Raise where the seal says that its key is in a place that cannot be used now."""
        try:
            kept = seal.read(_bytes(self._seal) or b"").kept
        except (ValueError, OSError):
            return
        reason = self._keys.why_not(kept)
        if reason:
            raise KeyUnavailable(
                f"the key of the seal is in the {kept}, which cannot be used: {reason}",
                hint="unlock it, or start the daemon where it can be reached",
            )

    def _judge(self, key: SealKey | None, found: bytes | None, raw: bytes | None) -> Verdict | None:
        if key is not None:
            return seal.judge(self._name, found, raw, key.known(self._name), key.mac)
        return None if raw is None else Broken("has lost its key")

    def _found(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read(SIZE_LIMIT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreadable(str(error.strerror)) from error
        if os.name == "posix" and mode & _OTHERS_WRITE:
            raise Unreadable("others may write it: chmod 600")
        if len(raw) > SIZE_LIMIT:
            raise Unreadable("it is too large")
        return raw

    def _raw_seal(self) -> bytes | None:
        try:
            return _bytes(self._seal)
        except OSError as error:
            raise Unreadable(f"its seal cannot be read ({error.strerror})") from error

    def _settled(self, key: SealKey, payload: bytes) -> bytes | None:
        """Finish a write that broke off; gives what *payload* takes the place of.

        Where that is not as it was sealed, nothing but *payload* itself may stand there once
        it is: a change that was undone must be seen when it is made again.
        """
        found = self._found()
        match self._judge(key, found, self._raw_seal()):
            case Intact(before):
                if before is not None and before != found:
                    write_whole(self.path, before)
                return before
            case _:
                return payload

    def _write(self, key: SealKey, before: bytes | None, payload: bytes) -> None:
        number = max(key.known(self._name), self._number()) + 1
        made = seal.make(
            self._name, number, before=before, payload=payload, kept=key.kept, mac=key.mac
        )
        write_whole(self._seal, seal.write(made))
        write_whole(self.path, payload)
        try:
            key.advance(self._name, number)
        except KeyUnavailable as error:  # it is sealed; only an older one is not known as such
            _log.warning("the number of the sealing is not kept: %s", error)

    def _number(self) -> int:
        try:
            return seal.read(_bytes(self._seal) or b"").number
        except (ValueError, OSError):
            return 0


def _bytes(path: Path) -> bytes | None:
    """Read a file; None if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(8 * SIZE_LIMIT)
    except FileNotFoundError:
        return None


def _stat(path: Path) -> Mark:
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size, seen.st_mode
