"""The key that seals a profile's policy, and how often it has sealed.

It is kept in the system's keyring where there is one, else in a file beside the policy,
which is weak and is called so. A profile whose own key is in a plain file has this one
there, too. It makes MACs and is given to nobody.
"""

import hmac
import json
import os
import secrets
import stat
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from entraclaw.bot.whole import write_whole
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.system_keyring import SystemKeyring

_SERVICE = "entraclaw seal"
_OTHERS = 0o077
_BYTES = 32


class Kept(StrEnum):
    """Where the key is kept."""

    KEYRING = "keyring"
    FILE = "file"


class Records(Protocol):
    """A place that holds the one record of a profile."""

    @property
    def kept(self) -> Kept:
        """Which place this is."""
        ...

    def unavailable(self) -> str | None:
        """Say why it cannot be used here, or None if it can."""
        ...

    def read(self) -> str | None:
        """Read the record; None means there is none.

        Raises:
            KeyUnavailable: The place is locked, or open to others.
        """
        ...

    def write(self, text: str) -> None:
        """Write the record, in the place of any before.

        Raises:
            KeyUnavailable: It could not be written.
        """
        ...


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    key: Annotated[str, StringConstraints(pattern=f"^[0-9a-f]{{{2 * _BYTES}}}$")]
    sealed: dict[str, Annotated[int, Field(ge=1)]]


class SealKey:
    """A key that we may use; `SealKeys` finds it."""

    def __init__(self, key: bytes, sealed: Mapping[str, int], records: Records) -> None:
        """Make MACs with *key*; *sealed* is how often each file was, kept in *records*."""
        self._key, self._sealed, self._records = key, dict(sealed), records

    @property
    def kept(self) -> Kept:
        """Where it is kept."""
        return self._records.kept

    def mac(self, words: bytes) -> bytes:
        """Make the MAC of *words*: HMAC-SHA-256 (RFC 2104)."""
        return hmac.digest(self._key, words, "sha256")

    def known(self, name: str) -> int:
        """Tell the number of the last sealing of *name*; 0 if it never was."""
        return self._sealed.get(name, 0)

    def advance(self, name: str, number: int) -> None:
        """Remember, for good, that *name* was sealed for the time *number*.

        Raises:
            KeyUnavailable: It could not be kept; it is remembered until we end.
        """
        self._sealed[name] = number
        self.keep()

    def keep(self) -> None:
        """Write the record.

        Raises:
            KeyUnavailable: It could not be written.
        """
        record = _Record(key=self._key.hex(), sealed=self._sealed)
        self._records.write(record.model_dump_json())


class SealKeys:
    """Finds the key of one profile, or makes it."""

    def __init__(
        self, places: tuple[Records, ...], make: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Look in *places*, the best first; *make* gives random bytes."""
        self._places, self._make = places, make

    @classmethod
    def of(cls, folder: Path) -> "SealKeys":
        """Look where the profile in *folder* keeps it."""
        file = FileRecord(folder / "state" / "seal.key")
        if names_plain_file(folder):
            return cls((file,))
        return cls((KeyringRecord(SystemKeyring(), str(folder.absolute())), file))

    def find(self) -> SealKey | None:
        """Find the key; None means that there is none, and nothing was ever sealed.

        Raises:
            KeyUnavailable: A place that may have it is locked, or what it has is damaged.
        """
        for place in self._places:
            text = place.read() if place.unavailable() is None else None
            if text is not None:
                return _key(text, place)
        return None

    def make(self) -> SealKey:
        """Make a key in the best place that can be used; one that was there is lost.

        Raises:
            KeyUnavailable: No place can.
        """
        place = next(one for one in self._places if one.unavailable() is None)
        key = SealKey(self._make(_BYTES), {}, place)
        key.keep()
        return key

    def why_not(self, kept: str) -> str:
        """Say why the place called *kept* cannot be used here; empty if it can."""
        reasons = (one.unavailable() for one in self._places if one.kept == kept)
        return next((reason for reason in reasons if reason), "")


class KeyringRecord:
    """The record in the system's keyring."""

    def __init__(self, keyring: SystemKeyring, name: str) -> None:
        """Keep it under *name*, which is the profile's folder."""
        self._keyring, self._name = keyring, name

    @property
    def kept(self) -> Kept:
        """The keyring."""
        return Kept.KEYRING

    def unavailable(self) -> str | None:
        """Say why there is no keyring."""
        return self._keyring.unavailable()

    def read(self) -> str | None:
        """Read the item."""
        return self._keyring.get(_SERVICE, self._name)

    def write(self, text: str) -> None:
        """Write the item."""
        self._keyring.put(_SERVICE, self._name, text)


class FileRecord:
    """The record in a plain file: whatever writes the policy can read it."""

    def __init__(self, path: Path) -> None:
        """Keep it at *path*."""
        self._path = path

    @property
    def kept(self) -> Kept:
        """A file."""
        return Kept.FILE

    def unavailable(self) -> str | None:
        """A file can always be tried."""
        return None

    def read(self) -> str | None:
        """Read the file; refuses one that others can."""
        try:
            mode = self._path.stat().st_mode
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise KeyUnavailable(f"the key of the seal cannot be read: {self._path}") from error
        if os.name == "posix" and stat.S_IMODE(mode) & _OTHERS:
            raise KeyUnavailable(
                f"the key of the seal can be read by others: {self._path}",
                hint=f"chmod 600 {self._path}",
            )
        return text

    def write(self, text: str) -> None:
        """Write the file whole, or not at all."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._path, text.encode())
        except OSError as error:
            raise KeyUnavailable(f"the key of the seal cannot be kept: {self._path}") from error


def names_plain_file(folder: Path) -> bool:
    """Tell whether the profile in *folder* says itself that its key is in a plain file.

    Read from the file alone, as the setting is: whoever sets the environment of a daemon
    must not choose where the key of the seal is looked for.
    """
    try:
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return config.get("key_store") == "unsafe-file"


def _key(text: str, place: Records) -> SealKey:
    try:
        record = _Record.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        raise KeyUnavailable(
            f"the key of the seal is damaged, in the {place.kept}",
            hint="`entraclaw access accept` makes a new one: docs/proof.md",
        ) from None
    return SealKey(bytes.fromhex(record.key), record.sealed, place)
