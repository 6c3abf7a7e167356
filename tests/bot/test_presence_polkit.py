"""A real polkit asks a real password of a user made for the test, in a place of its own.

`make parts` installs polkit. It needs the system bus and a user with a password; so the
tests run in a mount namespace, where the bus, the users and polkit's folders are ours and
nobody else's are touched. That takes root, or a sudo that asks for nothing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.polkit_inside import PASSWORD
from entraclaw.bot.presence.polkit import Polkit, policy

ROOT = Path(__file__).parents[2]
BOUND_S = 150.0
UID = 4242
POLKITD = Path("/usr/lib/polkit-1/polkitd")
NEEDED = ("unshare", "setpriv", "dbus-daemon", "pkcheck", "pkttyagent", "openssl")
MISSING = [name for name in NEEDED if not shutil.which(name)]

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def as_root() -> list[str] | None:
    """What makes root of us; None where nothing does."""
    if os.name != "posix" or os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    tried = shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False, timeout=10)
    return sudo if tried and tried.returncode == 0 else None


# $1 is a folder of ours, $2 the user's id; the rest is what is run as that user.
INSIDE = r"""
set -eu
cd "$1"; uid=$2; shift 2
mkdir -p /run/dbus
mount -t tmpfs none /run/dbus
for name in passwd group shadow; do cp -p /etc/$name $name; done
echo "person:x:$uid:$uid::/tmp:/bin/sh" >>passwd
echo "person:x:$uid:" >>group
echo "person:$(openssl passwd -6 "$PASSWORD"):19000:0:99999:7:::" >>shadow
for name in passwd group shadow; do mount --bind $name /etc/$name; done
mount --bind actions /usr/share/polkit-1/actions
mount --bind rules /etc/polkit-1/rules.d
mount -t tmpfs -o mode=0777 none home
dbus-daemon --system --fork --nopidfile
/usr/lib/polkit-1/polkitd --no-debug >polkitd.log 2>&1 &
dbus-send --system --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
    org.freedesktop.DBus.StartServiceByName string:org.freedesktop.PolicyKit1 uint32:0 \
    >/dev/null 2>&1 || true
unset PASSWORD
# The user may read the interpreter wherever it is, and do nothing else that others may not.
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@"
"""


@pytest.mark.parts
@pytest.mark.timeout(BOUND_S + 10)
@pytest.mark.skipif(
    bool(MISSING) or not POLKITD.exists(), reason="`make parts` installs polkit, dbus, openssl"
)
@pytest.mark.skipif(sys.platform != "linux" or as_root() is None, reason="it needs root")
def test_polkit_keeps_the_word_of_a_presence(tmp_path: Path) -> None:
    for name in ("actions", "rules", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "rules").chmod(0o777)
    words = policy(UID, "person")
    (tmp_path / "actions" / f"entraclaw.agent.u{UID}.policy").write_text(words, encoding="utf-8")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    tests += ["--basetemp", str(tmp_path / "home" / "base"), "tests/bot/polkit_inside.py"]
    inside = ["sh", "-c", INSIDE, "sh", str(tmp_path), str(UID)]
    in_the_tree = ["sh", "-c", f'cd "{ROOT}" && exec "$@"', "sh"]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PASSWORD": PASSWORD,
        "HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ENTRACLAW_POLKIT_RULES": str(tmp_path / "rules"),
    }
    env = ["env", "-i", *(f"{name}={value}" for name, value in environ.items())]
    ran = subprocess.run(
        [*(as_root() or ()), *env, *UNSHARE, *inside, *in_the_tree, *tests],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="polkit is Linux'")
def test_who_polkit_asks_for_nothing_cannot_be_asked() -> None:
    reason = Polkit(os.getpid()).unavailable()

    assert reason is None or reason
    if os.geteuid() == 0:
        assert reason == "polkit asks root for nothing"
