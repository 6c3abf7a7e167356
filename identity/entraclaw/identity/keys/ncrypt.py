"""Windows' own key storage (CNG), as few calls of it as a key store needs.

Only Windows imports this. Every handle is closed where it was opened; every call's status
is looked at. https://learn.microsoft.com/windows/win32/api/ncrypt/
"""

import ctypes
import hashlib
import sys
from collections.abc import Generator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric import rsa

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm
from entraclaw.identity.keys.certificate import BITS
from entraclaw.identity.keys.cng import public_of

if sys.platform != "win32":
    raise ImportError("ncrypt.dll is Windows' own")

TPM = "Microsoft Platform Crypto Provider"
SOFTWARE = "Microsoft Software Key Storage Provider"

_SILENT = 0x40  # NCRYPT_SILENT_FLAG: a daemon has no screen to ask on
_PERSIST = 0x80000000  # NCRYPT_PERSIST_FLAG
_SIGNING = 0x2  # NCRYPT_ALLOW_SIGNING_FLAG
_PAD_PKCS1 = 0x2  # BCRYPT_PAD_PKCS1
_PAD_PSS = 0x8  # BCRYPT_PAD_PSS
_SALT_BYTES = 32  # PS256: as long as the digest, RFC 7518 §3.5
_EXISTS = 0x8009000F  # NTE_EXISTS
_ABSENT = frozenset({0x80090016, 0x8009000D, 0x80090011})  # NTE_BAD_KEYSET, _NO_KEY, _NOT_FOUND


class _Pkcs1(ctypes.Structure):
    """BCRYPT_PKCS1_PADDING_INFO."""

    _fields_ = (("algorithm", ctypes.c_wchar_p),)


class _Pss(ctypes.Structure):
    """BCRYPT_PSS_PADDING_INFO."""

    _fields_ = (("algorithm", ctypes.c_wchar_p), ("salt_bytes", ctypes.c_uint32))


class Ncrypt:
    """One key storage provider; a `Provider` of `entraclaw.identity.keys.cng`."""

    def __init__(self, provider: str) -> None:
        """Use the provider of that name, `TPM` or `SOFTWARE`."""
        self._name = provider
        self._calls = ctypes.WinDLL("ncrypt.dll")

    def unavailable(self) -> str | None:
        """Say why the provider cannot be used here."""
        try:
            with self._provider() as provider:
                self._do("NCryptIsAlgSupported", provider, _text("RSA"), _number(0))
        except KeyUnavailable as error:
            return str(error)
        return None

    def make(self, name: str) -> None:
        """Make a key that signs and cannot be exported."""
        with self._provider() as provider:
            key = ctypes.c_size_t()
            status = self._status(
                "NCryptCreatePersistedKey",
                provider,
                ctypes.byref(key),
                _text("RSA"),
                _text(name),
                _number(0),
                _number(0),
            )
            if status == _EXISTS:
                raise KeyUnavailable(f"Windows already holds a key named {name!r}")
            self._judge("NCryptCreatePersistedKey", status)
            with self._closing(key):
                wanted = (("Length", BITS), ("Export Policy", 0), ("Key Usage", _SIGNING))
                for what, value in wanted:
                    self._set(key, what, value)
                self._do("NCryptFinalizeKey", key, _number(_SILENT))

    def public(self, name: str) -> rsa.RSAPublicKey | None:
        """Read the public half; None means there is no key of that name."""
        with self._key(name) as key:
            if key is None:
                return None
            if self._get(key, "Export Policy") != 0:
                raise KeyUnavailable(
                    f"the key {name!r} can be exported", hint="remove it, and make a new one"
                )
            return public_of(self._public_blob(key))

    def sign(self, name: str, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign *message* with *algorithm*."""
        padding: ctypes.Structure
        match algorithm:
            case Algorithm.PS256:
                padding, flags = _Pss("SHA256", _SALT_BYTES), _PAD_PSS | _SILENT
            case Algorithm.RS256:
                padding, flags = _Pkcs1("SHA256"), _PAD_PKCS1 | _SILENT
        digest = hashlib.sha256(message).digest()
        signature = ctypes.create_string_buffer(BITS // 8)
        size = ctypes.c_uint32()
        with self._key(name) as key:
            if key is None:
                raise KeyUnavailable(f"Windows holds no key named {name!r}")
            self._do(
                "NCryptSignHash",
                key,
                ctypes.byref(padding),
                ctypes.c_char_p(digest),  # its length is said: it may hold a zero
                _number(len(digest)),
                signature,
                _number(len(signature)),
                ctypes.byref(size),
                _number(flags),
            )
        return signature.raw[: size.value]

    def remove(self, name: str) -> None:
        """Remove a key; removing what is not there is no error."""
        with self._provider() as provider:
            key = self._open(provider, name)
            if key is None:
                return
            status = self._status("NCryptDeleteKey", key, _number(_SILENT))
            if status != 0:  # only a key that was removed is closed by it
                self._status("NCryptFreeObject", key)
            self._judge("NCryptDeleteKey", status)

    @contextmanager
    def _provider(self) -> Generator[ctypes.c_size_t]:
        handle = ctypes.c_size_t()
        self._do("NCryptOpenStorageProvider", ctypes.byref(handle), _text(self._name), _number(0))
        with self._closing(handle):
            yield handle

    @contextmanager
    def _key(self, name: str) -> Generator[ctypes.c_size_t | None]:
        with self._provider() as provider:
            key = self._open(provider, name)
            if key is None:
                yield None
                return
            with self._closing(key):
                yield key

    def _open(self, provider: ctypes.c_size_t, name: str) -> ctypes.c_size_t | None:
        key = ctypes.c_size_t()
        status = self._status(
            "NCryptOpenKey",
            provider,
            ctypes.byref(key),
            _text(name),
            _number(0),
            _number(_SILENT),
        )
        if status in _ABSENT:
            return None
        self._judge("NCryptOpenKey", status)
        return key

    @contextmanager
    def _closing(self, handle: ctypes.c_size_t) -> Generator[None]:
        try:
            yield
        finally:
            self._status("NCryptFreeObject", handle)

    def _set(self, key: ctypes.c_size_t, what: str, value: int) -> None:
        number = _number(value)
        self._do(
            "NCryptSetProperty",
            key,
            _text(what),
            ctypes.byref(number),
            _number(ctypes.sizeof(number)),
            _number(_PERSIST),
        )

    def _get(self, key: ctypes.c_size_t, what: str) -> int:
        number, size = _number(0), _number(0)
        self._do(
            "NCryptGetProperty",
            key,
            _text(what),
            ctypes.byref(number),
            _number(ctypes.sizeof(number)),
            ctypes.byref(size),
            _number(0),
        )
        return number.value

    def _public_blob(self, key: ctypes.c_size_t) -> bytes:
        blob, size = ctypes.create_string_buffer(1024), _number(0)
        self._do(
            "NCryptExportKey",
            key,
            ctypes.c_size_t(0),
            _text("RSAPUBLICBLOB"),
            None,
            blob,
            _number(len(blob)),
            ctypes.byref(size),
            _number(0),
        )
        return blob.raw[: size.value]

    def _do(self, call: str, *words: object) -> None:
        self._judge(call, self._status(call, *words))

    def _status(self, call: str, *words: object) -> int:
        status: int = getattr(self._calls, call)(*words)
        return status & 0xFFFFFFFF

    def _judge(self, call: str, status: int) -> None:
        if status != 0:
            raise KeyUnavailable(
                f"Windows' key storage refused ({self._name}: {call} 0x{status:08X})",
                hint="docs/identity/keys-cng.md says what the numbers mean",
            )


def _text(value: str) -> ctypes.c_wchar_p:
    return ctypes.c_wchar_p(value)


def _number(value: int) -> ctypes.c_uint32:
    return ctypes.c_uint32(value)
