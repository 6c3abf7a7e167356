"""The contract against SoftHSM 2: a token in software, its keys kept in a folder of the run.

`make parts` installs it.
"""

from collections.abc import Generator
from pathlib import Path

import pkcs11
import pytest

from contracts.keystore import BINDING, NAME, OpenStore
from contracts.token import LABEL, PIN, Items, Pkcs11Contract, store_of, token
from entraclaw.errors import KeyUnavailable
from identity import softhsm
from identity.softhsm import make_token, util

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(softhsm.MISSING, reason=softhsm.REASON),
]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A token made for the run, in a folder made for the run: nobody's own is touched."""
    folder = tmp_path_factory.mktemp("softhsm")
    with softhsm.softhsm(folder, LABEL, "twin", "twin", "leaving") as module:
        yield module
        pkcs11.lib(str(module)).finalize()


@pytest.fixture(scope="module")
def open_store(module: Path) -> OpenStore:
    return lambda: store_of(module)


class TestSoftHsm(Pkcs11Contract):
    pass


def test_two_tokens_of_one_label_are_one_too_many(module: Path) -> None:
    assert "more than one" in str(store_of(module, Items(), "twin").unavailable())


def test_token_that_goes_away_is_reported_at_the_next_signature(module: Path) -> None:
    store = store_of(module, Items(), "leaving")
    key = store.create(NAME, BINDING)
    util("--delete-token", "--token=leaving")

    with pytest.raises(KeyUnavailable):
        key.sign(b"message")
    assert "is not there" in str(store.unavailable())


def test_token_that_comes_later_is_found(module: Path) -> None:
    store = store_of(module, Items(), "late")
    assert "is not there" in str(store.unavailable())

    make_token("late")

    assert store.unavailable() is None
    assert store.load(NAME) is None


def test_module_that_is_no_module_is_named(module: Path, tmp_path: Path) -> None:
    (tmp_path / "module.so").write_bytes(b"no library")

    assert "is not there" in str(store_of(tmp_path / "nowhere.so").unavailable())
    assert "cannot be loaded" in str(store_of(tmp_path / "module.so").unavailable())
    with pytest.raises(KeyUnavailable, match="cannot be loaded"):
        store_of(tmp_path / "module.so").load(NAME)
    assert store_of(module).unavailable() is None


def test_printing_a_store_shows_no_pin(module: Path) -> None:
    opened = token(module, Items())

    assert PIN not in f"{opened!r} {vars(opened)!r}"
