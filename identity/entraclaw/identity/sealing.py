"""Seal what must lie on the disk and be read by nobody else: AES-256-GCM.

A sealed text is bound to what it is for, and opens for nothing else. The key stands in the
operating system's keyring, or in a file for the sandbox and tests, and is given to nobody.

Format, by which a text of another kind is told from a damaged one: a line of words, a nonce
of 12 bytes, the text, a tag of 16 (NIST SP 800-38D).
"""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.system_keyring import SystemKeyring

_MAGIC = b"entraclaw sealed 1\n"
_NONCE, _TAG, _KEY = 12, 16, 32
_SERVICE = "entraclaw"
_OTHERS = 0o077
_CURE = "`entraclaw sign-out` forgets it, then `entraclaw sign-in`"


class Seal:
    """A key that seals and opens, and never leaves."""

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes.

        Raises:
            ValueError: They are not 32.
        """
        if len(key) != _KEY:
            raise ValueError("the key is not 32 bytes")
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        """Show nothing."""
        return "Seal()"

    def __reduce__(self) -> NoReturn:
        """Stay in this process."""
        raise TypeError("a seal is not carried away")

    def close(self, text: bytes, purpose: Sequence[str]) -> bytes:
        """Seal *text* so that it opens for *purpose* alone."""
        # Random: with 2^32 texts under one key a nonce may repeat; there is one an hour.
        nonce = secrets.token_bytes(_NONCE)
        return _MAGIC + nonce + self._cipher.encrypt(nonce, text, _bound(purpose))

    def open(self, sealed: bytes, purpose: Sequence[str]) -> bytes:
        """Open what was sealed for *purpose*.

        Raises:
            ValueError: It was cut off, changed, sealed by another key or for another purpose.
        """
        if not sealed.startswith(_MAGIC) or len(sealed) < len(_MAGIC) + _NONCE + _TAG:
            raise ValueError("it is cut off, or is none")
        body = sealed[len(_MAGIC) :]
        try:
            return self._cipher.decrypt(body[:_NONCE], body[_NONCE:], _bound(purpose))
        except InvalidTag:
            raise ValueError("it was changed, or is sealed for another profile") from None


class SealStore(Protocol):
    """Where one seal is kept."""

    def unavailable(self) -> str | None:
        """Say why it cannot be kept here, or None if it can."""
        ...

    def load(self) -> Seal | None:
        """Find the seal; None means there is none.

        Raises:
            KeyUnavailable: The place cannot be used, or what it holds is no seal.
        """
        ...

    def create(self) -> Seal:
        """Make a new one in the place of whatever was there.

        Raises:
            KeyUnavailable: The place cannot be used.
        """
        ...

    def delete(self) -> None:
        """Remove it; removing what is not there is no error.

        Raises:
            KeyUnavailable: The place cannot be used.
        """
        ...


class KeyringSeal:
    """A `SealStore` in the operating system's keyring, if that protects what it keeps."""

    def __init__(self, name: str, keyring: SystemKeyring | None = None) -> None:
        """Keep it under *name*, one for each profile."""
        self._name, self._keyring = name, keyring or SystemKeyring()

    def unavailable(self) -> str | None:
        """Say why the keyring cannot be used."""
        return self._keyring.unavailable()

    def load(self) -> Seal | None:
        """Find it."""
        text = self._keyring.get(_SERVICE, self._name)
        return None if text is None else _read(text, f"the keyring's item {self._name!r}")

    def create(self) -> Seal:
        """Make it."""
        text = _new()
        self._keyring.put(_SERVICE, self._name, text)
        return _read(text, self._name)

    def delete(self) -> None:
        """Remove it."""
        self._keyring.remove(_SERVICE, self._name)


class UnsafeFileSeal:
    """A `SealStore` of one file, mode 0600: for the sandbox and tests."""

    def __init__(self, path: Path) -> None:
        """Keep it at *path*."""
        self._path = path

    def unavailable(self) -> str | None:
        """Never: what is wrong with the file is told when it is used."""
        return None

    def load(self) -> Seal | None:
        """Find it; refuses a file that others can read."""
        try:
            is_open = os.name == "posix" and bool(self._path.stat().st_mode & _OTHERS)
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise KeyUnavailable(f"{self._path} cannot be read", hint=_CURE) from error
        if is_open:
            raise KeyUnavailable(
                f"{self._path} can be read by others", hint=f"chmod 600 {self._path}"
            )
        return _read(text, str(self._path))

    def create(self) -> Seal:
        """Make it."""
        text = _new()
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            # O_EXCL: the mode is right from the first byte.
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise KeyUnavailable(f"{self._path} cannot be written ({error.strerror})") from error
        return _read(text, str(self._path))

    def delete(self) -> None:
        """Remove it."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise KeyUnavailable(f"{self._path} cannot be removed ({error.strerror})") from error


def _new() -> str:
    return b64encode(secrets.token_bytes(_KEY)).decode("ascii")


def _read(text: str, where: str) -> Seal:
    try:
        return Seal(b64decode(text, validate=True))
    except ValueError:
        # From None: what could not be read may be most of the secret.
        raise KeyUnavailable(f"{where} holds no key", hint=_CURE) from None


def _bound(purpose: Sequence[str]) -> bytes:
    """Write *purpose* so that no two read the same."""
    return _MAGIC + b"\0".join(word.encode() for word in purpose)
