"""The contract against a TPM 2.0 in software (swtpm), through tpm2-pkcs11.

`make parts` installs both. A machine's own TPM is shared by the kernel (/dev/tpmrm0); here
tpm2-abrmd does that on a session bus of its own. Nobody's own TPM is touched.
"""

import shutil
import socket
import subprocess
from collections.abc import Generator
from pathlib import Path

import pkcs11
import pytest

from contracts.keystore import NAME, OpenStore, refuses_everything
from contracts.token import LABEL, PIN, Items, Pkcs11Contract, store_of
from entraclaw.errors import KeyUnavailable

BOUND_S = 30.0
NEEDED = ("swtpm", "swtpm_setup", "tpm2-abrmd", "tpm2_ptool", "dbus-run-session")
MISSING = [name for name in NEEDED if not shutil.which(name)]
MODULE = next(iter(sorted(Path("/usr/lib").glob("*/libtpm2_pkcs11.so.1"))), None)

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(
        bool(MISSING) or MODULE is None,
        reason=f"`make parts` installs {' and '.join(MISSING) or 'libtpm2-pkcs11-1'}",
    ),
]

# Says the address of the bus on its first line, and ends with stdin.
SESSION = """
swtpm_setup --tpm2 --tpmstate "$STATE" --overwrite >&2 || exit 1
swtpm socket --tpm2 --tpmstate dir="$STATE" --flags not-need-init,startup-clear \\
    --seccomp action=none --server type=tcp,port=$PORT,bindaddr=127.0.0.1 \\
    --ctrl type=tcp,port=$((PORT + 1)),bindaddr=127.0.0.1 >&2 &
tpm=$!
for _ in $(seq 100); do
    tpm2-abrmd --allow-root --session --tcti="swtpm:host=127.0.0.1,port=$PORT" >&2 &
    broker=$!
    for _ in $(seq 100); do
        kill -0 $broker || break
        if dbus-send --print-reply --dest=org.freedesktop.DBus / \\
            org.freedesktop.DBus.NameHasOwner string:com.intel.tss2.Tabrmd | grep -q true; then
            echo "$DBUS_SESSION_BUS_ADDRESS"
            cat >&2
            kill $broker $tpm
            exit 0
        fi
        sleep 0.05
    done
done
exit 1
"""


def two_ports() -> int:
    """A port that is free, and the next one too: swtpm is told about the second on it."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no two ports are free")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Run a TPM and make a token in it, while the tests last."""
    assert MODULE is not None
    state, store = tmp_path_factory.mktemp("tpm"), tmp_path_factory.mktemp("token")
    with (
        pytest.MonkeyPatch.context() as environ,
        (state / "log").open("w", encoding="utf-8") as log,
    ):
        environ.setenv("STATE", str(state))
        environ.setenv("PORT", str(two_ports()))
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
            assert address, (state / "log").read_text(encoding="utf-8")
            environ.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            for name in ("TPM2_PKCS11_TCTI", "TPM2TOOLS_TCTI"):
                environ.setenv(name, "tabrmd:bus_type=session")
            environ.setenv("TPM2_PKCS11_STORE", str(store))
            make_token()
            yield MODULE
            pkcs11.lib(str(MODULE)).finalize()
            process.stdin.close()
            assert process.wait(BOUND_S) == 0


def make_token() -> None:
    run("tpm2_ptool", "init")
    run("tpm2_ptool", "addtoken", "--pid=1", f"--label={LABEL}", "--sopin=0000", f"--userpin={PIN}")


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=BOUND_S)


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
