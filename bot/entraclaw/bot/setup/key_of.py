"""The key of a profile that is set up: the one that is there, or a new one for its tenant."""

import base64
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from entraclaw.bot.key_making import made
from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.keystores import candidates, stores_of
from entraclaw.bot.rotating import one_at_a_time
from entraclaw.bot.settings import Settings
from entraclaw.errors import KeyMisused, KeyUnavailable
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.provisioning.certificates import Certificate


def thumbprint_here(settings: Settings, tenant: str) -> str:
    """Name the certificate of the profile's key; empty if this machine has none for *tenant*."""
    try:
        key = _held(settings, Binding(settings.cloud.login, tenant))
    except (KeyUnavailable, KeyMisused):
        return ""
    return thumbprint(key.certificate) if key else ""


def key_for(settings: Settings, tenant: str) -> Key:
    """Give the profile's key for *tenant*; make it where there is none.

    Raises:
        KeyUnavailable: No store can be used here.
        KeyMisused: The key that is there is for another tenant or login host.
    """
    binding = Binding(settings.cloud.login, tenant)
    with one_at_a_time(settings.folder):
        held = _held(settings, binding)
        if held is not None:
            return held
        _, key = made(stores_of(settings), KeyNote(settings.folder, settings.profile), binding)
        return key


def certificate_of(key: Key, profile: str) -> Certificate:
    """Shape the certificate of *key* for the list of an application."""
    read = x509.load_pem_x509_certificate(key.certificate)
    der = base64.b64encode(read.public_bytes(Encoding.DER)).decode("ascii")
    return Certificate(thumbprint(key.certificate), der, f"entraclaw {profile}")


def delete_key(settings: Settings) -> None:
    """Delete the profile's keys from every store that may have them.

    Raises:
        KeyUnavailable: A store is locked, or does not do it.
    """
    noted = KeyNote(settings.folder, settings.profile)
    for store in stores_of(settings).values():
        if store.unavailable() is None:
            for name in noted.names:
                store.delete(name)
    noted.remove()


def _held(settings: Settings, binding: Binding) -> Key | None:
    noted = KeyNote(settings.folder, settings.profile)
    key = next(_keys(settings, candidates(noted)), None)
    if key is not None and key.binding != binding:
        raise KeyMisused(
            "the key of this profile was made for another tenant or login host",
            hint="set up another profile (`--profile NAME`), or take this one down first",
        )
    return key


def _keys(settings: Settings, names: tuple[str, ...]) -> Iterator[Key]:
    for store in stores_of(settings).values():
        if store.unavailable() is None:
            found = (store.load(name) for name in names)
            yield from (key for key in found if key is not None)
