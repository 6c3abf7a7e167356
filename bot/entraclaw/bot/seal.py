"""Tell whether a file of policy is still what the daemon wrote: the seal beside it.

Pure: bytes and a MAC in, a verdict out. A seal holds a copy of what was sealed, so that a
change can be shown and undone, the number of the sealing, so that an older file with its
own seal is known as such, and what the file was before, so that a write that broke off
between the two files is no change. docs/proof.md says what that is worth.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hmac import compare_digest

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Mac = Callable[[bytes], bytes]

_FORMAT = "entraclaw seal 1"


@dataclass(frozen=True, slots=True)
class Seal:
    """What stands beside a sealed file.

    Attributes:
        name: Of the file, so that a seal is good for no other one.
        number: Of the sealing, from 1.
        before: `digest` of what the file held before.
        kept: Where the key is kept; a hint, which nothing vouches for.
        payload: What was sealed.
        mac: Over all of this but `kept`, hex.
    """

    name: str
    number: int
    before: str
    kept: str
    payload: str
    mac: str = ""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    number: int = Field(ge=1)
    before: str
    kept: str
    payload: str
    mac: str


@dataclass(frozen=True, slots=True)
class Intact:
    """The file is as it was sealed; None is no file.

    Attributes:
        payload: What counts. Where a write broke off, it is not yet in the file.
    """

    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Changed:
    """The file is not as it was sealed, and the seal says how it was.

    Attributes:
        sealed: What was sealed; None is no file.
    """

    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Broken:
    """The seal itself says nothing that could be believed.

    Attributes:
        reason: Why, to end the sentence "its seal".
    """

    reason: str


Verdict = Intact | Changed | Broken


def make(
    name: str, number: int, *, before: bytes | None, payload: bytes, kept: str, mac: Mac
) -> Seal:
    """Seal *payload*, UTF-8, which takes the place of *before*; *kept* is where the key is."""
    bare = Seal(name, number, digest(before), kept, payload.decode())
    return replace(bare, mac=mac(_covered(bare)).hex())


def write(seal: Seal) -> bytes:
    """Write a seal so that `read` gives the same."""
    return json.dumps(asdict(seal), indent=2).encode() + b"\n"


def read(raw: bytes) -> Seal:
    """Read a seal; whether it is good, `judge` says.

    Raises:
        ValueError: It is none.
    """
    try:
        return Seal(**_Strict.model_validate_json(raw).model_dump())
    except ValidationError:
        raise ValueError("is damaged") from None


def judge(name: str, found: bytes | None, raw: bytes | None, known: int, mac: Mac) -> Verdict:
    """Tell what the file *name* is worth.

    Args:
        name: Of the file.
        found: What it holds; None is no file.
        raw: The seal beside it; None is none.
        known: The number of the last sealing that is remembered; 0 is none.
        mac: Makes the MAC, with the profile's own key.
    """
    if raw is None and known == 0:
        return Intact(None) if found is None else Changed(None)
    if raw is None:
        return Broken("is gone")
    try:
        seal = read(raw)
    except ValueError as error:
        return Broken(str(error))
    if not compare_digest(mac(_covered(seal)).hex().encode(), seal.mac.encode()):
        return Broken("was not made with the key of this profile")
    if seal.name != name or seal.number < known:
        return Broken("is an older one, or of another file")
    payload = seal.payload.encode()
    is_theirs = found != payload and digest(found) != seal.before
    return Changed(payload) if is_theirs else Intact(payload)


def digest(payload: bytes | None) -> str:
    """Name the content of a file; empty for no file."""
    return "" if payload is None else hashlib.sha256(payload).hexdigest()


def _covered(seal: Seal) -> bytes:
    # JSON, so that no value can reach into the next.
    words = [_FORMAT, seal.name, seal.number, seal.before, seal.payload]
    return json.dumps(words, ensure_ascii=True).encode()
