"""The contract against KWallet, through the Secret Service that it offers too.

`make parts` installs it. The wallet is made for the run, in a home made for the run:
nobody's own is touched.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from contracts.keystore import NAME, OpenStore, RecordedKeyStoreContract
from entraclaw.identity.keys.keyring_store import KeyringKeyStore
from entraclaw.identity.keys.system_keyring import SystemKeyring
from identity.secret_items import Items, secret_service

BOUND_S = 30.0
SESSION = Path(__file__).with_name("wallet_session.py")
MISSING = [name for name in ("dbus-run-session", "kwalletd5") if not shutil.which(name)]

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(bool(MISSING), reason=f"`make parts` installs {' and '.join(MISSING)}"),
]


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Run a session bus with an open wallet, ours while the tests last; gives its home."""
    home = tmp_path_factory.mktemp("home")
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "QT_QPA_PLATFORM": "offscreen"}
    inherited = {
        name: value for name, value in os.environ.items() if name[:4] not in {"XDG_", "KDE_"}
    }
    with (
        pytest.MonkeyPatch.context() as environ,
        (home / "log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(
            ["dbus-run-session", "--", sys.executable, str(SESSION)],  # noqa: S607 - wherever it is
            env={**inherited, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, (home / "log").read_text(encoding="utf-8")
        environ.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield home
        process.stdin.close()
        assert process.wait(BOUND_S) == 0


@pytest.fixture(scope="module")
def records() -> Items:
    return Items(SystemKeyring(secret_service))


@pytest.fixture(scope="module")
def open_store() -> OpenStore:
    return lambda: KeyringKeyStore(secret_service)


class TestKWallet(RecordedKeyStoreContract):
    pass


def test_wallet_on_disk_does_not_show_the_key(records: Items, session: Path) -> None:
    assert "PRIVATE KEY" in records.read(NAME)

    wallet = session / ".local/share/kwalletd/kdewallet.kwl"

    assert b"PRIVATE KEY" not in wallet.read_bytes()
