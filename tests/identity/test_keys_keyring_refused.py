"""Backends of `keyring` that keep nothing, or keep it in the open. No store is touched."""

import sys
from collections.abc import Callable, Sequence

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import SecretService, fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from contracts.keystore import refuses_everything
from entraclaw.errors import KeyUnavailable
from entraclaw.identity.keys.keyring_store import KeyringKeyStore
from entraclaw.identity.keys.system_keyring import SystemKeyring


class Plaintext(KeyringBackend):
    """What an installed add-on may offer."""

    # keyring knows every class there is, and must not choose this one.
    priority = -1.0  # pyright: ignore[reportAssignmentType]  # keyring's own word for a constant
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012 - one for all, to see what arrives

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Chain(ChainerBackend):
    """What keyring offers where several backends work."""

    priority = -1.0  # pyright: ignore[reportAssignmentType]  # the same
    links: tuple[type[KeyringBackend], ...] = (Plaintext, null.Keyring)

    @property
    def backends(self) -> list[KeyringBackend]:  # pyright: ignore[reportIncompatibleVariableOverride]  # keyring's own kind of property
        return [link() for link in self.links]


class ChainWithSafeLink(Chain):
    links = (Plaintext, SecretService.Keyring)


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, Plaintext, Chain])
def test_keyring_that_does_not_protect_is_refused_with_a_reason(
    backend: Callable[[], KeyringBackend],
) -> None:
    store = KeyringKeyStore(backend)

    assert store.unavailable()
    refuses_everything(store)
    assert Plaintext.kept == {}


def test_safe_keyring_is_taken_out_of_a_chain() -> None:
    assert KeyringKeyStore(ChainWithSafeLink).unavailable() is None


class Stumbling(Plaintext):
    """As KWallet 5 is once in 256 times; `troubles` are raised before there is an answer."""

    __module__ = "keyring.backends.SecretService"  # a backend is judged by where it is from
    priority = -1.0  # pyright: ignore[reportAssignmentType]  # the same
    troubles: Sequence[Exception] = ()

    def get_password(self, service: str, username: str) -> str | None:
        if self.troubles:
            trouble, *self.troubles = self.troubles
            raise trouble
        return f"{service} {username}"


def stumbling(*troubles: Exception) -> Stumbling:
    backend = Stumbling()  # type: ignore[no-untyped-call]  # keyring types part of itself
    backend.troubles = troubles
    return backend


GIBBERISH = UnicodeDecodeError("utf-8", b"\xf6", 0, 1, "invalid start byte")


def test_answer_that_was_gibberish_twice_is_asked_for_again() -> None:
    backend = stumbling(GIBBERISH, GIBBERISH)

    assert SystemKeyring(lambda: backend).get("entraclaw", "default") == "entraclaw default"


def test_answer_that_stays_gibberish_is_a_refusal() -> None:
    backend = stumbling(*[GIBBERISH] * 4)

    with pytest.raises(KeyUnavailable, match="UnicodeDecodeError"):
        SystemKeyring(lambda: backend).get("entraclaw", "default")
    assert len(backend.troubles) == 1


def test_locked_keyring_is_asked_once() -> None:
    """Ours: each time might put a dialog on the screen."""
    backend = stumbling(KeyringLocked(), KeyringLocked())

    with pytest.raises(KeyUnavailable, match="KeyringLocked"):
        SystemKeyring(lambda: backend).get("entraclaw", "default")
    assert len(backend.troubles) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_keyring_that_stopped_answering_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon outlives the desktop session whose bus it was started with."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")

    refuses_everything(KeyringKeyStore(SecretService.Keyring))
