"""The key stores a profile may name, and its own key in the one it names."""

from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import KeyMisused, KeyUnavailable
from entraclaw.identity.keys import Binding, Key, KeyStore, choose
from entraclaw.identity.keys.file import UnsafeFileKeyStore
from entraclaw.identity.keys.keyring_store import KeyringKeyStore


def open_store(settings: Settings) -> KeyStore:
    """Open the store the profile names.

    Raises:
        KeyUnavailable: It cannot be used on this machine.
    """
    stores: dict[str, KeyStore] = {
        Store.KEYRING: KeyringKeyStore(),
        Store.UNSAFE_FILE: UnsafeFileKeyStore(settings.folder / "keys"),
    }
    return choose(stores, settings.key_store)


def find_key(settings: Settings) -> Key:
    """Find the profile's key.

    Raises:
        KeyUnavailable: There is none, or its store cannot be used.
        KeyMisused: It was made for another tenant or login host.
    """
    key = open_store(settings).load(settings.profile)
    if key is None:
        raise KeyUnavailable(
            f"the profile {settings.profile!r} has no key in {settings.key_store}",
            hint="make one and register its certificate on the blueprint",
        )
    if settings.agent is not None and key.binding != Binding(
        settings.cloud.login, settings.agent.tenant
    ):
        raise KeyMisused(
            "the key of this profile was made for another tenant or login host",
            hint="correct cloud and tenant in config.toml, or make a new key",
        )
    return key
