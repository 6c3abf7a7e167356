"""A KDE session with nobody at it: KWallet, opened as a login opens it.

A program, for `dbus-run-session`: says the address of its bus on the first line, and ends
with its stdin. PAM hands kwalletd what it made of the password through a pipe, and the
session's environment through a socket
(https://invent.kde.org/plasma/kwallet-pam); so no dialog asks for either.
"""

import hashlib
import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# jeepney ships no types.
jeepney: Any = importlib.import_module("jeepney")
messages: Any = importlib.import_module("jeepney.bus_messages")
blocking: Any = importlib.import_module("jeepney.io.blocking")

Bus = Any
BOUND_S = 30.0
BUS = "org.freedesktop.DBus"
KWALLET = jeepney.DBusAddress("/modules/kwalletd5", "org.kde.kwalletd5", "org.kde.KWallet")
WALLET = "kdewallet"
HASH_BYTES = 56  # what kwalletd reads from the pipe

# The dialogs of a first use and of a first access are for people.
SETTINGS = """\
[Wallet]
First Use=false
Enabled=true
Leave Open=true
Close When Idle=false
Prompt on Open=false
Use One Wallet=true
Default Wallet=kdewallet

[org.freedesktop.secrets]
apiEnabled=true

[org.freedesktop.secrets.aliases]
default=kdewallet
"""


@contextmanager
def kwalletd(password: str, owns: str) -> Generator[None]:
    """Run kwalletd with the wallet open; it must take the name *owns* on the bus."""
    place = Path(os.environ["XDG_RUNTIME_DIR"], "kwallet5.socket")
    place.unlink(missing_ok=True)
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as door, blocking.open_dbus_connection("SESSION") as bus:
        door.bind(str(place))
        door.listen(1)
        os.write(writing, hashlib.pbkdf2_hmac("sha512", password.encode(), b"salt", 1, HASH_BYTES))
        os.close(writing)
        rule = messages.MatchRule(type="signal", interface=BUS, member="NameOwnerChanged")
        rule.add_arg_condition(0, owns)
        blocking.Proxy(messages.message_bus, bus, timeout=BOUND_S).AddMatch(rule)
        with (
            bus.filter(rule) as taken,
            subprocess.Popen(
                ["kwalletd5", "--pam-login", str(reading), str(door.fileno())],  # noqa: S607 - wherever it is
                env={**os.environ, "PAM_KWALLET5_LOGIN": str(place)},
                pass_fds=(reading, door.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
            ) as daemon,
        ):
            try:
                tell(place)
                bus.recv_until_filtered(taken, timeout=BOUND_S)
                use(bus)
                yield
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(BOUND_S)


def tell(place: Path) -> None:
    """Give kwalletd the environment that it waits for."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(BOUND_S)
        line.connect(str(place))
        for name in ("DBUS_SESSION_BUS_ADDRESS", "HOME", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR"):
            line.sendall(f"{name}={os.environ[name]}\n".encode())


def use(bus: Bus) -> None:
    """Have kwalletd answer for the wallet: the first time, only then has it been made."""
    call = jeepney.new_method_call(KWALLET, "open", "sxs", (WALLET, 0, "test"))
    [handle] = bus.send_and_get_reply(call, timeout=BOUND_S).body
    assert handle > 0, handle


def main() -> None:
    """Have a wallet made, then serve it: only what is there at its start is offered to others."""
    settings = Path(os.environ["HOME"], ".config", "kwalletrc")
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS, encoding="utf-8")
    with kwalletd("a-password-for-the-test", owns="org.kde.kwalletd5"):
        pass
    with kwalletd("a-password-for-the-test", owns="org.freedesktop.secrets"):
        sys.stdout.write(f"{os.environ['DBUS_SESSION_BUS_ADDRESS']}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
