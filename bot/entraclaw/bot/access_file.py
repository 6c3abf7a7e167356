"""Keep the list of who may speak: `state/access.json` of a profile.

The command line and the daemon both write it: a lock, the whole file anew, one rename.
A list that cannot be read is refused as a whole and left as it is: whoever edits it by
hand and makes a mistake loses nothing, and lets nobody in.
"""

import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from entraclaw.bot.access import DESK, Access, Account, Listed, Pending
from entraclaw.bot.plain import plain_name
from entraclaw.errors import AccessUnreadable, AccessUnwritable

_VERSION: Final = 1
_SIZE_LIMIT = 1 << 20
_PATIENCE_S = 5.0
_OTHERS_WRITE = 0o022
_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Mark = tuple[int, int, int, int]
_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_Guid = Annotated[str, StringConstraints(pattern=f"^{_GUID}$")]
_By = Annotated[str, StringConstraints(pattern=f"^({DESK}|{_GUID})$")]
_Seconds = Annotated[float, Field(ge=0, le=253402300799)]  # what a date can say


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Head(BaseModel):
    model_config = ConfigDict(strict=True)

    version: int


class _Person(_Strict):
    tenant: _Guid
    oid: _Guid
    name: str

    @property
    def account(self) -> Account:
        return self.tenant, self.oid


class _Listed(_Person):
    since: _Seconds
    by: _By


class _Pending(_Person):
    code: str
    until: _Seconds
    told: Annotated[int, Field(ge=1)]


class _Document(_Strict):
    version: Literal[1]
    pairing: bool
    allowed: list[_Listed]
    denied: list[_Listed]
    pending: list[_Pending]


def decode(raw: bytes) -> Access:
    """Read a list.

    Raises:
        ValueError: It is none; the text of the error says what is wrong.
    """
    try:
        if _Head.model_validate_json(raw).version > _VERSION:
            raise ValueError("it was written by a newer version")
        document = _Document.model_validate_json(raw)
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    return Access(
        allowed={
            one.account: Listed(plain_name(one.name), one.since, one.by) for one in document.allowed
        },
        denied={
            one.account: Listed(plain_name(one.name), one.since, one.by) for one in document.denied
        },
        pairing=document.pairing,
        pending=tuple(
            Pending(one.code, one.account, plain_name(one.name), one.until, one.told)
            for one in document.pending
        ),
    )


def encode(access: Access) -> bytes:
    """Write a list so that `decode` reads the same, and a person can too."""
    document = _Document(
        version=_VERSION,
        pairing=access.pairing,
        allowed=_entries(access.allowed),
        denied=_entries(access.denied),
        pending=[
            _Pending(
                code=one.code,
                tenant=one.account[0],
                oid=one.account[1],
                name=one.name,
                until=one.until,
                told=one.told,
            )
            for one in access.pending
        ],
    )
    return document.model_dump_json(indent=2).encode() + b"\n"


class AccessFile:
    """The list of the profile in one folder."""

    def __init__(self, folder: Path, patience_s: float = _PATIENCE_S) -> None:
        """Know the file; *patience_s* is how long to wait for another who writes."""
        self.path = folder / "state" / "access.json"
        self._patience_s = patience_s
        self._mark: _Mark | None = None
        self._access = Access()
        self._trouble: AccessUnreadable | None = None

    def load(self) -> Access:
        """Read the list; where there is no file it is empty.

        Raises:
            AccessUnreadable: There is a file, and it cannot be taken at its word.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read(_SIZE_LIMIT + 1)
        except FileNotFoundError:
            return Access()
        except OSError as error:
            raise AccessUnreadable(str(self.path), str(error.strerror)) from error
        if os.name == "posix" and mode & _OTHERS_WRITE:
            raise AccessUnreadable(str(self.path), "others may write it: chmod 600")
        if len(raw) > _SIZE_LIMIT:
            raise AccessUnreadable(str(self.path), "it is too large")
        try:
            return decode(raw)
        except ValueError as error:
            raise AccessUnreadable(str(self.path), str(error)) from None

    def current(self) -> Access:
        """Give the list for the gate; it is read again when the file has changed.

        Never raises: a list that cannot be read is an empty one, so that the sponsors,
        and only they, may speak. `trouble` then says why.
        """
        mark = self._look()
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
    def trouble(self) -> AccessUnreadable | None:
        """Why the last `current` gave an empty list although there is a file."""
        return self._trouble

    def change(self, edit: Callable[[Access], tuple[Access, _T]]) -> tuple[Access, _T]:
        """Replace the list by what *edit* makes of it; give that, and its other result.

        Blocks while another process writes; call it from a thread where that matters.

        Raises:
            AccessUnreadable: The list cannot be read, and stays as it is.
            AccessUnwritable: It could not be written, and is as it was.
        """
        with self._locked():
            before = self.load()
            after, result = edit(before)
            if after != before:
                self._write(encode(after))
        return after, result

    def set_aside(self, now: float) -> Path | None:
        """Rename a list that cannot be read, so that an empty one takes its place.

        Returns:
            Where it is now; None when it can be read, and stays.

        Raises:
            AccessUnwritable: It could not be renamed.
        """
        aside = self.path.with_name(f"{self.path.name}.unreadable-{now:.0f}")
        with self._locked():
            try:
                self.load()
            except AccessUnreadable:
                self.path.rename(aside)
                return aside
        return None

    def _look(self) -> _Mark | None:
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_size, seen.st_mode

    @contextmanager
    def _locked(self) -> Generator[None]:
        state = self.path.parent
        lock = FileLock(state / "access.lock", timeout=self._patience_s, mode=0o600)
        try:
            for folder in (state.parent, state):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with lock:
                yield
        except Timeout:
            raise AccessUnwritable(str(self.path), "another process is writing it") from None
        except OSError as error:
            raise AccessUnwritable(str(self.path), str(error.strerror)) from error

    def _write(self, raw: bytes) -> None:
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)  # left by one that died here
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        if os.name == "posix":  # the rename itself must survive a power cut
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _entries(listed: Mapping[Account, Listed]) -> list[_Listed]:
    return [
        _Listed(tenant=tenant, oid=oid, name=note.name, since=note.since, by=note.by)
        for (tenant, oid), note in listed.items()
    ]


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
