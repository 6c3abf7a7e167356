"""The key stores a profile may name, and its own key in the one that holds it."""

import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import KeyMisused, KeyUnavailable
from entraclaw.identity.keys import Binding, Key, KeyStore
from entraclaw.identity.keys.absent import AbsentKeyStore
from entraclaw.identity.keys.certificate import end_of, refuse_untimely
from entraclaw.identity.keys.file import UnsafeFileKeyStore
from entraclaw.identity.keys.keyring_store import KeyringKeyStore
from entraclaw.identity.keys.pin import Pin
from entraclaw.identity.keys.proof import prove
from entraclaw.identity.keys.system_keyring import SystemKeyring
from entraclaw.identity.rotation_orders import Note

# A TPM, where one is usable, before what can be copied; a plain file only by its name.
PREFERRED = (
    (Store.PKCS11, Store.CNG, Store.KEYRING)
    if sys.platform == "win32"
    else (Store.PKCS11, Store.KEYRING)
)

_NEAR = timedelta(days=30)  # of its certificate's end, a key should be replaced

_NO_KEY = (
    "unlock the store that has it, or name another one as key_store in config.toml; "
    "`entraclaw key new` makes one, and prints the certificate to register"
)
_TPM_MODULES = (
    "/usr/lib/*/libtpm2_pkcs11.so.1",  # Debian, Ubuntu
    "/usr/lib64/pkcs11/libtpm2_pkcs11.so",  # Fedora, openSUSE
    "/usr/lib/pkcs11/libtpm2_pkcs11.so",  # Arch
)


class ProfileKey:
    """Finds the key of one profile, and remembers which store had it."""

    def __init__(
        self,
        settings: Settings,
        stores: Mapping[Store, KeyStore] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Look in *stores*, or in this machine's, each time the key is asked for."""
        self._settings, self._now = settings, now
        self._stores = stores or stores_of(settings)
        self.noted = KeyNote(settings.folder, settings.profile)
        self._found: Store | None = None
        self._name = self.noted.names[0]
        self._ends: datetime | None = None
        self._trouble: str | None = None

    def __call__(self) -> Key:
        """Find the profile's key.

        Raises:
            KeyUnavailable: There is none, its store cannot be used, its certificate has ended.
            KeyMisused: It was made for another tenant or login host.
        """
        key = self._find()
        agent = self._settings.agent
        if agent is not None and key.binding != Binding(self._settings.cloud.login, agent.tenant):
            raise KeyMisused(
                "the key of this profile was made for another tenant or login host",
                hint="correct cloud and tenant in config.toml, or make a new key",
            )
        refuse_untimely(key.certificate, self._now())
        return key

    def place(self) -> tuple[Store, KeyStore, Note]:
        """Say where the profile's key is, and what is noted of it.

        Raises:
            EntraclawError: As when it is asked for; it can be used, and its certificate is valid.
        """
        self()
        if self._found is None:
            raise KeyUnavailable("no key store has the profile's key")
        note = self.noted.read() or self.noted.about(self._name)
        return self._found, self._stores[self._found], note

    def held(self) -> tuple[Store, Key, bool]:
        """Find the key, whomever it is for and whatever its certificate says.

        Returns:
            The store that has it, the key, and whether it can be copied from there.

        Raises:
            KeyUnavailable: There is none, or its store cannot be used.
        """
        key = self._find()
        store = cast("Store", self._found)  # just set
        return store, key, self._stores[store].exportable

    def prove(self) -> None:
        """Try the store that holds the key, where it is more than a plain file.

        Raises:
            KeyUnavailable: It does not do its work.
        """
        self._find()
        if self._found is None or self._found is Store.UNSAFE_FILE:
            return  # what a file does not do, the key's own file has shown
        try:
            prove(self._stores[self._found], f"{self._settings.profile} self-check")
        except KeyUnavailable as error:
            self._trouble = str(error)
            raise
        self._trouble = None

    def document(self) -> dict[str, object]:
        """Shape for `status` what is known without asking a store."""
        named = self._settings.key_store
        store = self._found or (None if named is Store.AUTO else named)
        return {
            "store": store or named,
            "exportable": None if store is None else self._stores[store].exportable,
            "trouble": self._trouble,
            "ends": self._ends.isoformat(" ", "seconds") if self._ends else None,
            "warning": self._warning(),
        }

    def _warning(self) -> str | None:
        """Say that the key should be replaced soon, and how."""
        if self._ends is None or self._ends - self._now() > _NEAR:
            return None
        days = max((self._ends - self._now()).days, 0)
        left = f"ends in {days} days" if days > 1 else "ends within two days"
        return f"the key's certificate {left} ({self._ends:%Y-%m-%d}): `entraclaw key rotate`"

    def _find(self) -> Key:
        passed: list[str] = []
        cures: list[str] = []
        for name in _order(self._settings.key_store):
            reason = self._stores[name].unavailable()
            key = self._load(self._stores[name]) if reason is None else None
            if key is not None:
                self._found, self._ends = name, end_of(key.certificate)
                return key
            passed.append(f"{name} {f'cannot be used here: {reason}' if reason else 'has none'}")
            cures += _cures(self._stores[name], self._settings.profile) if reason else []
        raise KeyUnavailable(
            f"no key for the profile {self._settings.profile!r}: {'; '.join(passed)}",
            hint="; ".join(cures) or _NO_KEY,
        )

    def _load(self, store: KeyStore) -> Key | None:
        tried: tuple[str, ...] = ()
        # Once more where a rotation came to its end between the note and the store.
        while (names := candidates(self.noted)) != tried:
            for name in names:
                key = store.load(name)
                if key is not None:
                    self._name = name
                    return key
            tried = names
        return None


def candidates(noted: KeyNote) -> tuple[str, ...]:
    """Name the profile's key; where nothing is noted, the names it may have, likeliest first."""
    note = noted.read()
    return (note.current,) if note is not None else noted.names


def _cures(store: KeyStore, name: str) -> list[str]:
    """Have a store that cannot be used say what it needs, by asking it all the same."""
    try:
        store.load(name)
    except KeyUnavailable as error:
        return [error.hint] if error.hint else []
    return []  # it can, by now


def stores_of(settings: Settings, names: Sequence[Store] | None = None) -> dict[Store, KeyStore]:
    """Make the stores that may hold the key of a profile, in the order of preference.

    *names* makes those instead. None is opened before it is used.
    """
    makers: dict[Store, Callable[[], KeyStore]] = {
        Store.PKCS11: lambda: _token_store(settings),
        Store.CNG: lambda: _windows_store(settings),
        Store.KEYRING: KeyringKeyStore,
        Store.UNSAFE_FILE: lambda: UnsafeFileKeyStore(settings.folder / "keys"),
    }
    return {name: makers[name]() for name in names or _order(settings.key_store)}


def _order(named: Store) -> tuple[Store, ...]:
    return PREFERRED if named is Store.AUTO else (named,)


def _token_store(settings: Settings) -> KeyStore:
    module = settings.pkcs11_module or _tpm_module()
    if module is None:
        return AbsentKeyStore(
            "config.toml names no pkcs11_module, and no token was made in a TPM", exportable=False
        )
    if find_spec("pkcs11") is None:
        return AbsentKeyStore('it needs `pip install "entraclaw[pkcs11]"`', exportable=False)
    from entraclaw.identity.keys.pkcs11 import (  # noqa: PLC0415 - an extra, and a compiled one
        Pkcs11KeyStore,
    )
    from entraclaw.identity.keys.pkcs11_token import Pkcs11Token  # noqa: PLC0415 - the same

    pin = Pin(settings.pkcs11_token, SystemKeyring(), _prompt())
    return Pkcs11KeyStore(Pkcs11Token(module, settings.pkcs11_token, pin))


def _windows_store(settings: Settings) -> KeyStore:
    if sys.platform != "win32":
        return AbsentKeyStore("it is Windows' own", exportable=False)
    from entraclaw.identity.keys import ncrypt  # noqa: PLC0415 - nothing but Windows can
    from entraclaw.identity.keys.cng import CngKeyStore  # noqa: PLC0415 - the same

    providers = (ncrypt.Ncrypt(ncrypt.TPM), ncrypt.Ncrypt(ncrypt.SOFTWARE))
    return CngKeyStore(settings.folder / "keys", providers)


def _tpm_module() -> Path | None:
    """Find tpm2-pkcs11 where it was set up: loaded anywhere else it makes an empty database."""
    if not any((place / "tpm2_pkcs11.sqlite3").is_file() for place in _tpm_databases()):
        return None
    found = (path for place in _TPM_MODULES for path in sorted(Path("/").glob(place[1:])))
    return next(found, None)


def _tpm_databases() -> tuple[Path, ...]:
    try:
        return Path("/etc/tpm2_pkcs11"), Path.home() / ".tpm2_pkcs11"
    except RuntimeError:  # nobody's home is known
        return (Path("/etc/tpm2_pkcs11"),)


def _prompt() -> Callable[[str], str] | None:
    """Ask whoever sits at the terminal, if somebody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(token: str) -> str:
        try:
            return getpass.getpass(f"PIN of the token {token!r}: ", sys.stderr)
        except EOFError:
            raise KeyUnavailable(f"no PIN was typed for the token {token!r}") from None

    return ask
