"""A TPM 2.0 in software (swtpm) with a token in it, reached through tpm2-pkcs11.

`make parts` installs both. A machine's own TPM is shared by the kernel (/dev/tpmrm0); here
tpm2-abrmd does that on a session bus. Nobody's own TPM is touched.
"""

import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.token import LABEL, PIN

BOUND_S = 30.0
NEEDED = ("swtpm", "swtpm_setup", "tpm2-abrmd", "tpm2_ptool", "dbus-run-session")
ABSENT = [name for name in NEEDED if not shutil.which(name)]
MODULE = next(iter(sorted(Path("/usr/lib").glob("*/libtpm2_pkcs11.so.1"))), None)
MISSING = bool(ABSENT) or MODULE is None
REASON = f"`make parts` installs {' and '.join(ABSENT) or 'libtpm2-pkcs11-1'}"

OWN_BUS = ("dbus-run-session", "--")

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


@contextmanager
def software_tpm(folder: Path, *before: str) -> Generator[Path]:
    """Run a TPM with a token in it, in this process's environment, while the body runs.

    *before* are the words that give it a session bus: `OWN_BUS`, or none if there is one.
    """
    assert MODULE is not None
    state, store = folder / "tpm", folder / "token"
    for one in (state, store):
        one.mkdir()
    with (
        pytest.MonkeyPatch.context() as environ,
        (state / "log").open("w", encoding="utf-8") as log,
    ):
        environ.setenv("STATE", str(state))
        environ.setenv("PORT", str(two_ports()))
        with subprocess.Popen(
            [*before, "sh", "-c", SESSION],
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
            process.stdin.close()
            assert process.wait(BOUND_S) == 0


def make_token() -> None:
    run("tpm2_ptool", "init")
    run("tpm2_ptool", "addtoken", "--pid=1", f"--label={LABEL}", "--sopin=0000", f"--userpin={PIN}")


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=BOUND_S)
