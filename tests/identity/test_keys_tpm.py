"""The contract against a TPM 2.0 in software (swtpm), through tpm2-pkcs11.

`make parts` installs both.
"""

from collections.abc import Generator
from pathlib import Path

import pkcs11
import pytest

from contracts.keystore import NAME, OpenStore, refuses_everything
from contracts.token import PIN, Items, Pkcs11Contract, store_of
from entraclaw.errors import KeyUnavailable
from identity import software_tpm
from identity.software_tpm import OWN_BUS, run

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(software_tpm.MISSING, reason=software_tpm.REASON),
]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Run a TPM and make a token in it, while the tests last."""
    with software_tpm.software_tpm(tmp_path_factory.mktemp("tpm"), *OWN_BUS) as module:
        yield module
        pkcs11.lib(str(module)).finalize()


@pytest.fixture(scope="module")
def open_store(module: Path) -> OpenStore:
    return lambda: store_of(module)


class TestTpm(Pkcs11Contract):
    pass


def test_tpm_that_is_locked_says_how_it_is_unlocked(module: Path) -> None:
    """The TPM's own rule: it takes no PIN at all for a while after too many wrong ones."""
    items = Items("wrong-pin")
    store = store_of(module, items)
    run("tpm2_dictionarylockout", "--setup-parameters", "--max-tries=1", "--recovery-time=1000")
    with pytest.raises(KeyUnavailable):
        store.load(NAME)
    items.pin = PIN

    with pytest.raises(KeyUnavailable, match="is locked after too many wrong PINs") as refusal:
        store.load(NAME)
    assert "--clear-lockout" in refusal.value.hint

    run("tpm2_dictionarylockout", "--clear-lockout")
    store.load(NAME)


def test_tpm_that_nobody_shares_is_busy_or_failing(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens where the resource manager is not running, or the user is not in its group."""
    store = store_of(module)
    store.load(NAME)
    pkcs11.lib(str(module)).finalize()
    monkeypatch.setenv("TPM2_PKCS11_TCTI", "device:/nowhere/tpmrm0")

    refuses_everything(store)
    assert store.unavailable()

    monkeypatch.undo()
    assert store.unavailable() is None
