"""Keep one person's sign-in on the disk, sealed: who it is, and msal's own cache.

The daemon and the command line both write it: a lock, the whole file anew, one rename. What
cannot be opened is refused as what it is, and never taken for nobody signed in.

Format: docs/decisions/0009-signing-in.md
"""

import json
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from entraclaw.errors import KeyUnavailable, SignInUnreadable
from entraclaw.identity.sealing import Seal, SealStore

_VERSION = 1
_PATIENCE_S = 10.0
_LARGEST = 1 << 20

Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Account:
    """The person who signed in.

    Attributes:
        oid: Object id in the profile's tenant, lower case.
        name: As the directory has it.
        upn: The name to sign in with.
        since: When it was, seconds since the epoch.
    """

    oid: str
    name: str
    upn: str
    since: float


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is kept: the person, and msal's cache, which holds what tokens are got with."""

    account: Account
    cache: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a file is for; it opens for nothing else."""

    profile: str
    login: str
    tenant: str
    client: str

    @property
    def words(self) -> tuple[str, ...]:
        """All of it, in an order that stays."""
        return ("sign-in", self.profile, self.login, self.tenant, self.client)


class SignInFile:
    """The sign-in of one profile."""

    def __init__(
        self, path: Path, purpose: Purpose, seals: SealStore, patience_s: float = _PATIENCE_S
    ) -> None:
        """Keep it at *path*; *patience_s* is how long to wait for another who writes."""
        self.path, self._purpose, self._seals = path, purpose, seals
        self._patience_s = patience_s

    def unavailable(self) -> str | None:
        """Say why no sign-in can be kept here, or None if one can."""
        return self._seals.unavailable()

    def mark(self) -> Mark | None:
        """Tell the file as it is from what it was or will be; None if there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(f"it cannot be read ({error.strerror})") from error
        return found.st_mtime_ns, found.st_ino, found.st_size

    def read(self) -> SignIn | None:
        """Read it; None if nobody is signed in.

        Raises:
            SignInUnreadable: It is damaged, foreign, or its key is gone.
            KeyUnavailable: The keyring cannot be used, or is locked.
        """
        try:
            with self.path.open("rb") as file:
                sealed = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(f"it cannot be read ({error.strerror})") from error
        seal = self._seals.load()
        if seal is None:
            raise self._unreadable("its key is gone from where it was kept")
        try:
            return _decode(seal.open(sealed, self._purpose.words))
        except ValueError as error:
            raise self._unreadable(str(error)) from None

    @contextmanager
    def changing(self) -> Generator[None]:
        """Be the only one who changes it.

        Raises:
            KeyUnavailable: Somebody else does, for too long.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self.path.with_suffix(".lock"), timeout=self._patience_s, mode=0o600)
        try:
            with lock:
                yield
        except Timeout:
            raise KeyUnavailable(
                "another process is changing the sign-in, and takes too long",
                hint="try again in a moment",
            ) from None

    def write(self, sign_in: SignIn) -> None:
        """Put *sign_in* in the place of what was there; only while `changing`.

        Raises:
            KeyUnavailable: Its key, or the file, cannot be written.
        """
        seal = (self._seals.load() if self.path.exists() else None) or self._seals.create()
        self._put(seal.close(_encode(sign_in), self._purpose.words))

    def renew(self, sign_in: SignIn, over: Mark | None) -> bool:
        """Put *sign_in* in the place of what had the mark *over*; False if that has changed.

        Raises:
            KeyUnavailable: As for `write`.
        """
        with self.changing():
            seal: Seal | None = self._seals.load() if self.mark() == over else None
            if seal is not None:
                self._put(seal.close(_encode(sign_in), self._purpose.words))
        return seal is not None

    def forget(self) -> None:
        """Remove it, then its key; only while `changing`.

        Raises:
            KeyUnavailable: One of the two cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise KeyUnavailable(f"{self.path} cannot be removed ({error.strerror})") from error
        self._seals.delete()

    def _put(self, sealed: bytes) -> None:
        aside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise KeyUnavailable(f"{self.path} cannot be written ({error.strerror})") from error

    def _unreadable(self, reason: str) -> SignInUnreadable:
        return SignInUnreadable(str(self.path), reason)


def _encode(sign_in: SignIn) -> bytes:
    document = {"version": _VERSION, "account": asdict(sign_in.account), "cache": sign_in.cache}
    return json.dumps(document).encode()


def _decode(raw: bytes) -> SignIn:
    document = cast("dict[str, object]", json.loads(raw))  # sealed: we wrote it
    if document.get("version") != _VERSION:
        raise ValueError("it was written by another version")
    account = cast("dict[str, object]", document["account"])
    return SignIn(
        Account(
            oid=str(account["oid"]),
            name=str(account["name"]),
            upn=str(account["upn"]),
            since=float(cast("float", account["since"])),
        ),
        str(document["cache"]),
    )
