"""Where a token's PIN comes from, and that one that was refused is not offered again."""

import pytest
from keyring.backends import fail

from contracts.token import Items
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.pin import Pin
from entraclaw.identity.keys.system_keyring import SystemKeyring

TOKEN = "entraclaw"
NO_KEYRING = SystemKeyring(fail.Keyring)


class Person:
    """Types one PIN after the other, and counts how often she was asked."""

    def __init__(self, *pins: str) -> None:
        self.pins = list(pins)
        self.asked = 0

    def __call__(self, token: str) -> str:
        assert token == TOKEN
        self.asked += 1
        return self.pins.pop(0)


def keyring(pin: str | None) -> SystemKeyring:
    return SystemKeyring(lambda: Items(pin))


def test_pin_in_the_keyring_is_taken_and_nobody_is_asked() -> None:
    person = Person()

    assert Pin(TOKEN, keyring("1234"), person).get() == "1234"
    assert person.asked == 0


@pytest.mark.parametrize("nothing", [NO_KEYRING, keyring(None)])
def test_person_is_asked_once_where_the_keyring_has_none(nothing: SystemKeyring) -> None:
    person = Person("1234")
    pin = Pin(TOKEN, nothing, person)

    assert pin.missing() is None
    assert (pin.get(), pin.get(), person.asked) == ("1234", "1234", 1)


def test_pin_that_was_refused_is_asked_for_again() -> None:
    person = Person("wrong", "wrong", "1234")
    pin = Pin(TOKEN, NO_KEYRING, person)
    pin.refuse(pin.get())

    with pytest.raises(KeyUnavailable, match="not tried again"):
        pin.get()
    assert pin.get() == "1234"


def test_keyring_that_cannot_be_asked_is_the_reason_where_nobody_types() -> None:
    pin = Pin(TOKEN, NO_KEYRING)

    assert "cannot be read" in str(pin.missing())
    with pytest.raises(KeyUnavailable, match="no keystore"):
        pin.get()


def test_printing_a_pin_shows_none() -> None:
    pin = Pin(TOKEN, NO_KEYRING, Person("1234"))
    assert pin.get()

    assert "1234" not in f"{pin!r} {pin}"
