"""Make a profile's key where there is none, in the first store that can."""

from collections.abc import Mapping
from datetime import UTC, datetime

from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.keystores import candidates
from entraclaw.bot.settings import Store
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys import Binding, Key, KeyStore
from entraclaw.identity.keys.certificate import end_of


def made(stores: Mapping[Store, KeyStore], noted: KeyNote, binding: Binding) -> tuple[Store, Key]:
    """Make the first key, or one in the place of a key that nobody takes any more.

    Gives the store that has it, too.

    Raises:
        KeyUnavailable: There is one that is good, or no store can be used here.
    """
    names = candidates(noted)
    for place, store in stores.items():
        if store.unavailable() is not None:
            continue
        held = next((name for name in names if store.load(name)), None)
        if held is not None:
            return place, _renewed(place, store, held, noted, binding)
    place, store = _first_usable(stores)
    return place, store.create(names[0], binding)


def _renewed(place: Store, store: KeyStore, held: str, noted: KeyNote, binding: Binding) -> Key:
    key = store.load(held)
    if key is None or end_of(key.certificate) > datetime.now(UTC):
        raise KeyUnavailable(
            f"the profile has a key in {place} already",
            hint="`entraclaw key list` shows it, `entraclaw key rotate` changes it",
        )
    note = noted.about(held)
    store.delete(note.other)
    made = store.create(note.other, binding)
    noted.keep(noted.about(note.other))
    store.delete(held)
    return made


def _first_usable(stores: Mapping[Store, KeyStore]) -> tuple[Store, KeyStore]:
    reasons: list[str] = []
    for name, store in stores.items():
        reason = store.unavailable()
        if reason is None:
            return name, store
        reasons.append(f"{name}: {reason}")
    raise KeyUnavailable(
        f"no key store can be used here: {'; '.join(reasons)}",
        hint="docs/identity/keys.md says what each needs",
    )
