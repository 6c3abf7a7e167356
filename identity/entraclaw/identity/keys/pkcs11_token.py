"""One PKCS#11 token, opened for one errand at a time; its refusals in plain words.

A session lives as long as its errand: a token may be pulled, a TPM put to sleep, and a
login is worth no more than the moment it is used in. The module is let go of after every
failure, so that the next errand starts anew. Standard: PKCS#11 2.40 (OASIS).
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pkcs11
from pkcs11 import Mechanism

from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.pin import Pin

PATIENCE_S = 30.0  # a TPM makes a key in a second, the slowest in ten

_LAST_TRY = 0x00020000  # CKF_USER_PIN_FINAL_TRY; python-pkcs11 has no name for these two
_LOCKED = 0x00040000  # CKF_USER_PIN_LOCKED
_SIGNS = frozenset({Mechanism.SHA256_RSA_PKCS_PSS, Mechanism.SHA256_RSA_PKCS})

# A module has one login for the whole process, and python-pkcs11 does not lock.
_turn = threading.Lock()

_WRONG_PIN = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)
_GONE = (
    pkcs11.NoSuchToken,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
    pkcs11.DeviceRemoved,
    pkcs11.SlotIDInvalid,
)
_BUSY = (
    pkcs11.DeviceError,
    pkcs11.DeviceMemory,
    pkcs11.FunctionFailed,
    pkcs11.GeneralError,
    pkcs11.HostMemory,
    pkcs11.SessionCount,
)


class Pkcs11Token:
    """The token of one label behind one PKCS#11 module."""

    def __init__(
        self, module: Path, label: str, pin: Pin, *, patience_s: float = PATIENCE_S
    ) -> None:
        """Nothing is loaded before the token is first used.

        *patience_s* is how long an errand waits for another one of this process.
        """
        self._module, self._label, self._pin = module, label, pin
        self._patience_s = patience_s

    def __repr__(self) -> str:
        """Name the label only."""
        return f"Pkcs11Token({self._label!r})"

    def unavailable(self) -> str | None:
        """Say why the token cannot be used here; nobody logs in."""
        if not self._module.is_file():
            return f"the PKCS#11 module {self._module} is not there"
        try:
            with self._using() as token:
                reason = _unfit(token)
        except KeyUnavailable as error:
            return str(error)
        missing = reason or self._pin.missing()
        return None if missing is None else f"the token {self._label!r}: {missing}"

    @contextmanager
    def session(self, *, writing: bool = False) -> Generator[pkcs11.Session]:
        """Open the token and log in, for one errand.

        Raises:
            KeyUnavailable: No PIN, a wrong one, a locked or absent token, a busy one.
        """
        pin = self._pin.get()  # before the turn is taken: a person may have to type it
        with self._using() as token:
            self._spare(token)
            try:
                session = token.open(rw=writing, user_pin=pin)
            except _WRONG_PIN:
                self._pin.refuse(pin)
                raise
            with session:
                yield session

    def _spare(self, token: pkcs11.Token) -> None:
        if int(token.flags) & _LAST_TRY:
            raise KeyUnavailable(
                f"the token {self._label!r} would lock at the next wrong PIN; it is not tried",
                hint="log in once with the token's own program, then try again",
            )

    @contextmanager
    def _using(self) -> Generator[pkcs11.Token]:
        if not _turn.acquire(timeout=self._patience_s):
            raise KeyUnavailable(
                f"the token {self._label!r} is busy with another call", hint="try again later"
            )
        try:
            yield self._find()
        except pkcs11.PKCS11Error as error:
            _let_go(self._module)
            raise self._in_words(error) from error
        finally:
            _turn.release()

    def _find(self) -> pkcs11.Token:
        try:
            return pkcs11.lib(str(self._module)).get_token(token_label=self._label)
        except pkcs11.NoSuchToken:
            # Some modules know the tokens that were there when they were initialised, and
            # SoftHSM passes over one that another process is just writing to.
            _let_go(self._module)
            return pkcs11.lib(str(self._module)).get_token(token_label=self._label)

    def _in_words(self, error: pkcs11.PKCS11Error) -> KeyUnavailable:
        told = f"the token {self._label!r}"
        match error:
            case pkcs11.PinLocked():
                return KeyUnavailable(
                    f"{told} is locked after too many wrong PINs",
                    hint="set a new PIN with its own program; a TPM unlocks itself in time, "
                    "or by `tpm2_dictionarylockout --clear-lockout`",
                )
            case pkcs11.UserPinNotInitialized() | pkcs11.PinExpired():
                return KeyUnavailable(
                    f"{told} has no PIN of a user that is good now",
                    hint="set one with the token's own program",
                )
            case pkcs11.MultipleTokensReturned():
                return KeyUnavailable(
                    f"more than one token is named {self._label!r}",
                    hint="give one of them another label, and name it as pkcs11_token",
                )
            case _:
                return self._of_its_kind(error, told)

    def _of_its_kind(self, error: pkcs11.PKCS11Error, told: str) -> KeyUnavailable:
        if isinstance(error, _WRONG_PIN):
            return KeyUnavailable(
                f"{told} refused the PIN", hint=f"correct it with {self._pin.cure}"
            )
        if isinstance(error, _GONE):
            return KeyUnavailable(
                f"{told} is not there",
                hint="put it in, or make it: docs/identity/keys-pkcs11.md",
            )
        if isinstance(error, _BUSY):
            return KeyUnavailable(
                f"{told} is busy or failing ({type(error).__name__})",
                hint="try again; a TPM needs a resource manager: docs/identity/keys-pkcs11.md",
            )
        if type(error) is pkcs11.PKCS11Error:  # how python-pkcs11 says that nothing was loaded
            return KeyUnavailable(
                f"the PKCS#11 module {self._module} cannot be loaded",
                hint="name the right one as pkcs11_module in config.toml",
            )
        return KeyUnavailable(f"{told} refused ({type(error).__name__})")


def _unfit(token: pkcs11.Token) -> str | None:
    if int(token.flags) & _LOCKED:
        return "it is locked after too many wrong PINs"
    if not pkcs11.TokenFlag.USER_PIN_INITIALIZED & token.flags:
        return "no PIN is set on it"
    return None if _SIGNS & token.slot.get_mechanisms() else "it makes no RSA signatures"


def _let_go(module: Path) -> None:
    """Finalize the module; it stays loaded, since objects not yet collected call into it."""
    try:
        pkcs11.lib(str(module)).finalize()
    except pkcs11.PKCS11Error:
        return  # it was never there, or is broken already
