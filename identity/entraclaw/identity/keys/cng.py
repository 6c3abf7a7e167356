"""Keys in Windows' own key storage (CNG): in the TPM where there is one, never exportable.

The storage keeps key pairs and no certificates. The certificate, which is public and
signed by the key itself, lies in a file beside, and is refused if it is not the key's own.
"""

import json
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Algorithm, Binding
from entraclaw.identity.keys.certificate import Elsewhere, binding_of, pem, self_signed
from entraclaw.identity.keys.elsewhere import KeyElsewhere
from entraclaw.identity.keys.proof import check_signature

_VERSION = 1
_BLOB = struct.Struct("<6I")  # BCRYPT_RSAKEY_BLOB
_MAGIC = 0x31415352  # BCRYPT_RSAPUBLIC_MAGIC


class Provider(Protocol):
    """One of Windows' key storage providers; `entraclaw.identity.keys.ncrypt` calls it."""

    def unavailable(self) -> str | None:
        """Say why it cannot be used here, or None."""
        ...

    def make(self, name: str) -> None:
        """Make a key pair that cannot be exported; refuses a name that is taken."""
        ...

    def public(self, name: str) -> rsa.RSAPublicKey | None:
        """Read the public half; None means there is no such key."""
        ...

    def sign(self, name: str, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign *message* with *algorithm*."""
        ...

    def remove(self, name: str) -> None:
        """Remove a key; removing what is not there is no error."""
        ...


class CngKeyStore:
    """A `KeyStore` over Windows' providers, the first usable one of them for a new key."""

    def __init__(
        self,
        folder: Path,
        providers: Sequence[Provider],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        group: str = "entraclaw",
    ) -> None:
        """Keep certificates in *folder*; *providers* stand in the order of preference.

        Windows keeps the keys of a user in one place, under names that begin with *group*.
        """
        self._folder, self._providers, self._now = folder, tuple(providers), now
        self._group = group

    @property
    def exportable(self) -> bool:
        """A key that could be exported is refused."""
        return False

    def unavailable(self) -> str | None:
        """Say why none of the providers can be used here."""
        reasons = [provider.unavailable() for provider in self._providers]
        return None if None in reasons else "; ".join(reason for reason in reasons if reason)

    def create(self, name: str, binding: Binding) -> KeyElsewhere:
        """Have the first provider that can make a key; refuses a name that is taken."""
        self._refuse_unusable()
        if self._record(name).exists() or self._holder(name) is not None:
            raise KeyUnavailable(f"Windows already holds a key named {name!r}")
        reasons: list[str] = []
        for provider in self._usable():
            try:
                return self._make(provider, name, binding)
            except KeyUnavailable as error:
                reasons.append(str(error))
        raise KeyUnavailable(f"no key was made: {'; '.join(reasons)}")

    def load(self, name: str) -> KeyElsewhere | None:
        """Find a key; refuses one whose certificate is missing or foreign."""
        self._refuse_unusable()
        holder = self._holder(name)
        try:
            text = self._record(name).read_text(encoding="ascii")
        except FileNotFoundError:
            text = None
        except (OSError, ValueError) as error:
            raise KeyUnavailable(f"{self._record(name)} cannot be read") from error
        if holder is None and text is None:
            return None
        if holder is None:
            raise self._lost()
        if text is None:
            raise _damaged("its certificate is missing")
        provider, public = holder
        try:
            record = json.loads(text)
            certificate = x509.load_pem_x509_certificate(record["certificate"].encode("ascii"))
            binding, algorithm = binding_of(certificate, public), Algorithm(record["algorithm"])
            if record["version"] != _VERSION:
                raise _damaged("its record is of another version")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _damaged("its certificate is not its own") from None
        return KeyElsewhere(
            partial(provider.sign, self._label(name)), pem(certificate), algorithm, binding
        )

    def delete(self, name: str) -> None:
        """Remove the key from every provider, and its certificate."""
        self._refuse_unusable()
        for provider in self._usable():
            provider.remove(self._label(name))
        try:
            self._record(name).unlink(missing_ok=True)
        except OSError as error:
            raise KeyUnavailable(f"{self._record(name)} cannot be removed") from error

    def _make(self, provider: Provider, name: str, binding: Binding) -> KeyElsewhere:
        label = self._label(name)
        provider.make(label)
        try:
            public = provider.public(label)
            if public is None:
                raise _damaged("it is not where it was made")
            key = self._certified(partial(provider.sign, label), public, name, binding)
            self._write(name, key)
        except KeyUnavailable:
            provider.remove(label)
            raise
        return key

    def _certified(
        self,
        sign: Callable[[Algorithm, bytes], bytes],
        public: rsa.RSAPublicKey,
        name: str,
        binding: Binding,
    ) -> KeyElsewhere:
        there = Elsewhere(public, partial(sign, Algorithm.RS256))
        certificate = pem(self_signed(there, name, binding, self._now()))
        key = KeyElsewhere(sign, certificate, Algorithm.PS256, binding)
        try:
            check_signature(key)
        except KeyUnavailable:
            # Many TPMs know no salt but the longest, and Windows then refuses to sign.
            key = KeyElsewhere(sign, certificate, Algorithm.RS256, binding)
            check_signature(key)
        return key

    def _lost(self) -> KeyUnavailable:
        reasons = [said for said in (one.unavailable() for one in self._providers) if said]
        if not reasons:
            return _damaged("its private half is missing")
        return KeyUnavailable(
            f"the key may be where Windows does not reach now: {'; '.join(reasons)}",
            hint="is the TPM turned off in the firmware?",
        )

    def _holder(self, name: str) -> tuple[Provider, rsa.RSAPublicKey] | None:
        for provider in self._usable():
            public = provider.public(self._label(name))
            if public is not None:
                return provider, public
        return None

    def _usable(self) -> list[Provider]:
        return [provider for provider in self._providers if provider.unavailable() is None]

    def _refuse_unusable(self) -> None:
        reason = self.unavailable()
        if reason is not None:
            raise KeyUnavailable(f"Windows' key storage cannot be used: {reason}")

    def _label(self, name: str) -> str:
        return f"{self._group} {name}"

    def _record(self, name: str) -> Path:
        return self._folder / f"{name}.cng.json"

    def _write(self, name: str, key: KeyElsewhere) -> None:
        record = {
            "version": _VERSION,
            "algorithm": key.algorithm,
            "certificate": key.certificate.decode("ascii"),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._record(name).open("x", encoding="ascii") as file:
                file.write(json.dumps(record))
        except OSError as error:
            raise KeyUnavailable(f"{self._record(name)} cannot be written") from error


def public_of(blob: bytes) -> rsa.RSAPublicKey:
    """Read Windows' BCRYPT_RSAPUBLIC_BLOB: six little-endian words, exponent, modulus.

    Raises:
        KeyUnavailable: It is no such blob.
    """
    try:
        magic, _, exponent_bytes, modulus_bytes, _, _ = _BLOB.unpack_from(blob)
        rest = blob[_BLOB.size :]
        if magic != _MAGIC or len(rest) < exponent_bytes + modulus_bytes:
            raise _damaged("its public half makes no sense")
        exponent = int.from_bytes(rest[:exponent_bytes], "big")
        modulus = int.from_bytes(rest[exponent_bytes : exponent_bytes + modulus_bytes], "big")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (struct.error, ValueError):
        raise _damaged("its public half makes no sense") from None


def _damaged(why: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"the key in Windows' key storage is damaged: {why}",
        hint="remove it, and make a new one",
    )
