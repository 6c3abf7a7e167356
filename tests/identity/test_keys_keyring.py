"""The contract against a real Secret Service: gnome-keyring on a session bus of its own.

`make parts` installs it. The keyring is made for the run, in a home made for the run:
nobody's own is touched.
"""

import gc
import shutil
import subprocess
from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest

from contracts.keystore import (
    BINDING,
    OpenStore,
    RecordedKeyStoreContract,
    refuses_everything,
)
from contracts.sign_in import OpenSeals, SignInContract
from entraclaw.bot.seal_key import KeyringRecord, SealKeys
from entraclaw.identity.keys.keyring_store import KeyringKeyStore
from entraclaw.identity.keys.system_keyring import SystemKeyring
from entraclaw.identity.sealing import KeyringSeal
from identity.secret_items import Items, secret_service

BOUND_S = 30.0
MISSING = [name for name in ("dbus-run-session", "gnome-keyring-daemon") if not shutil.which(name)]

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(bool(MISSING), reason=f"`make parts` installs {' and '.join(MISSING)}"),
]

# Unlocked with a password, since an empty one makes it ask on a screen. Says the address of
# the bus on its first line and ends with stdin; the keyring would outlive its bus.
SESSION = """
echo a-password-for-the-test |
    gnome-keyring-daemon --unlock --components=secrets --daemonize >&2 || exit 1
bus=org.freedesktop.DBus
dbus-send --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \\
    $bus.Peer.Ping >&2 || exit 1
keyring=$(dbus-send --print-reply=literal --dest=$bus /org/freedesktop/DBus \\
    $bus.GetConnectionUnixProcessID string:org.freedesktop.secrets | awk '{ print $2 }') || exit 1
echo "$DBUS_SESSION_BUS_ADDRESS"
cat >&2
kill "$keyring"
"""


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Run a session bus with an unlocked keyring, and make it ours while the tests last."""
    home = tmp_path_factory.mktemp("home")
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    own = {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_RUNTIME_DIR": str(runtime),
    }
    with (
        pytest.MonkeyPatch.context() as environ,
        (home / "log").open("w+", encoding="utf-8") as log,
    ):
        for name, value in own.items():
            environ.setenv(name, value)
        with subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", SESSION],  # noqa: S607 - wherever it is
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, (home / "log").read_text(encoding="utf-8")
            environ.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            yield
            process.stdin.close()
            assert process.wait(BOUND_S) == 0


@pytest.fixture(scope="module")
def records() -> Items:
    return Items(SystemKeyring(secret_service))


@pytest.fixture(scope="module")
def open_store() -> OpenStore:
    return lambda: KeyringKeyStore(secret_service)


class TestKeyringKeyStore(RecordedKeyStoreContract):
    pass


class TestKeyringSeal(SignInContract):
    @pytest.fixture
    def open_seals(self, request: pytest.FixtureRequest) -> OpenSeals:
        name = f"{request.node.name} sign-in"
        return lambda: KeyringSeal(name, SystemKeyring(secret_service))


def test_key_of_a_seal_is_kept_there_and_found_again() -> None:
    record = KeyringRecord(SystemKeyring(secret_service), "/home/ada/profile")
    keys = SealKeys((record,))
    assert (record.unavailable(), keys.find()) == (None, None)
    made = keys.make()
    made.advance("access.json", 2)

    found = keys.find()

    assert found is not None
    assert (found.mac(b"x"), found.known("access.json")) == (made.mac(b"x"), 2)


# keyring leaves its connection open where it refuses; collected here, not in a later test.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_locked_keyring_is_reported_and_nobody_waits_for_it(open_store: OpenStore) -> None:
    """Ours: a daemon has no screen to ask on."""
    open_store().create("locked", BINDING)
    collection: Any = secret_service().get_preferred_collection()  # type: ignore[no-untyped-call]  # keyring types part of itself
    with closing(collection.connection):
        collection.lock()

    refuses_everything(open_store())
    gc.collect()
