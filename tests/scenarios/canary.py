"""Secrets in every shape they may have, and a search for pieces of them.

A secret is cut into pieces. Whatever holds one holds at least that much of the secret; whatever
holds `2 * PIECE - 1` bytes of it in a row holds one.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PIECE = 24  # bytes

_PEM_BYTES = 48  # of a key, on a line of its PEM


class Canary:
    """What must be nowhere."""

    def __init__(
        self, tokens: Iterable[str], keys: Iterable[rsa.RSAPrivateKey] = (), words: str = ""
    ) -> None:
        """Look for *tokens* (JWTs), the private halves of *keys*, and *words* as they are."""
        shapes = (shape for token in tokens for shape in _of_token(token))
        halves = (shape for key in keys for shape in _of_key(key))
        self._pieces = {piece for shape in (*shapes, *halves) for piece in _cut(shape)}
        self._words = words.encode()
        assert self._pieces or self._words

    def is_in(self, data: bytes) -> bool:
        """Whether *data* holds a piece."""
        if self._words and self._words in data:
            return True
        last = len(data) - PIECE
        return any(data[start : start + PIECE] in self._pieces for start in range(last + 1))

    def sighted(self, places: Mapping[str, bytes]) -> list[str]:
        """Name the *places* that hold a piece."""
        return [name for name, data in places.items() if self.is_in(data)]


def files(folder: Path, *, but: Iterable[Path] = ()) -> dict[str, bytes]:
    """Read every file below *folder*, by its name there, apart from those in *but*."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path not in but}


def processes(sealed: int) -> dict[str, bytes]:
    """Read command line and environment of every process below this one.

    The process *sealed* may refuse to show its environment, unless we are root.
    """
    places: dict[str, bytes] = {}
    for process in psutil.Process().children(recursive=True):
        places[f"{process.pid} cmdline"] = "\n".join(process.cmdline()).encode()
        try:
            environ = process.environ()
        except psutil.AccessDenied:
            assert process.pid == sealed
            continue
        places[f"{process.pid} environ"] = "\n".join(environ.values()).encode()
    return places


def _of_token(token: str) -> Iterator[bytes]:
    # The header is no secret, and the same for all.
    _, _, rest = token.partition(".")
    payload, _, signature = rest.rpartition(".")
    assert payload
    assert signature
    yield from _shapes(rest.encode())
    yield from _shapes(base64.urlsafe_b64decode(f"{signature}=="))


def _of_key(key: rsa.RSAPrivateKey) -> Iterator[bytes]:
    private = key.private_numbers()
    for number in (private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        yield from _shapes(raw)
        yield raw[::-1]  # as OpenSSL has it in memory
        yield str(number).encode()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    begin = der.index(private.d.to_bytes((private.d.bit_length() + 7) // 8, "big"))
    for start in range(-(-begin // _PEM_BYTES) * _PEM_BYTES, len(der), _PEM_BYTES):
        yield base64.b64encode(der[start : start + _PEM_BYTES])


def _shapes(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield b"".join(bytes((one, 0)) for one in raw)  # UTF-16, and any wider string
    for before in range(3):  # where in a longer text it may stand
        whole = raw[before : len(raw) - (len(raw) - before) % 3]
        yield base64.b64encode(whole)
        yield base64.urlsafe_b64encode(whole)


def _cut(shape: bytes) -> Iterator[bytes]:
    for start in range(0, len(shape) - PIECE + 1, PIECE):
        yield shape[start : start + PIECE]
