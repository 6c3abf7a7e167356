"""What a setup keeps in a profile's folder: its journal, its lock, the settings it writes."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from entraclaw.bot.setup import config_text
from entraclaw.bot.whole import write_whole
from entraclaw.errors import EntraclawError, JournalUnreadable
from entraclaw.identity.provisioning.journal import Journal, read, written

_NAME = "setup.json"


class JournalFile:
    """The journal of one profile's setup, in its ``state`` folder."""

    def __init__(self, folder: Path) -> None:
        """Keep it for the profile in *folder*."""
        self._path = folder / "state" / _NAME

    def read(self) -> Journal | None:
        """Read it; None if nothing was set up.

        Raises:
            JournalUnreadable: It is damaged, half-written, or of another version.
        """
        try:
            return read(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise JournalUnreadable(str(self._path), str(reason)) from None

    def keep(self, journal: Journal) -> None:
        """Write *journal*, durably.

        Raises:
            EntraclawError: The disk does not take it; nothing more may be made.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            write_whole(self._path, written(journal).encode())
        except OSError as error:
            raise _unwritten(self._path, error) from error

    def remove(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)


@contextmanager
def one_setup(folder: Path) -> Generator[None]:
    """Hold the right to set up or take down the profile in *folder*.

    Raises:
        EntraclawError: Somebody else does.
    """
    run = folder / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(run / "setup.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EntraclawError(
            "this profile is being set up, or taken down, already",
            hint="let the other command finish, or stop it: what it did is noted",
        ) from None
    try:
        yield
    finally:
        lock.release()


def new_settings(folder: Path, values: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """Give those of *values* that the profile's ``config.toml`` does not have yet.

    Raises:
        EntraclawError: It cannot be read, or not be changed for sure.
    """
    return config_text.new(_text(folder / "config.toml"), values)


def write_settings(folder: Path, values: Mapping[str, str | list[str]]) -> None:
    """Write *values* into the profile's ``config.toml``; the rest of it stays.

    Raises:
        EntraclawError: It cannot be changed for sure, or the disk does not take it.
    """
    path = folder / "config.toml"
    _replace(path, config_text.changed(_text(path), values))


def remove_settings(folder: Path, values: Mapping[str, str]) -> None:
    """Take *values* out of ``config.toml`` where they are what they were.

    Raises:
        EntraclawError: As `write_settings` does.
    """
    path = folder / "config.toml"
    if path.exists():
        _replace(path, config_text.removed(_text(path), values))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise EntraclawError(f"{path} cannot be read ({error})", hint="correct it") from error


def _replace(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> EntraclawError:
    return EntraclawError(
        f"{path} cannot be written ({error.strerror})",
        hint="make room on the disk, or correct who owns the folder",
    )
