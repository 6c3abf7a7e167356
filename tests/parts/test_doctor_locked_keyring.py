"""The doctor beside a real Secret Service that is locked: gnome-keyring, on a bus of its own."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from bot.conftest import emulation, stage
from bot.stage import PROFILE, Stage

__all__ = ["emulation", "stage"]

BOUND_S = 30.0
MISSING = [name for name in ("dbus-run-session", "gnome-keyring-daemon") if not shutil.which(name)]

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(bool(MISSING), reason=f"`make parts` installs {' and '.join(MISSING)}"),
]

# The keyring is unlocked with a password, given the profile's key, asked, locked, and asked
# again. It would outlive its bus, and so is ended by the id the bus knows it by.
SESSION = """
echo a-password-for-the-test |
    gnome-keyring-daemon --unlock --components=secrets --daemonize >&2 || exit 1
"$PYTHON" -m entraclaw key new >"$NEW" || exit 1
"$PYTHON" -m entraclaw doctor --json
"$PYTHON" -c '
from keyring.backends.SecretService import Keyring
collection = Keyring().get_preferred_collection()
collection.lock()
' || exit 1
"$PYTHON" -m entraclaw doctor --json
bus=org.freedesktop.DBus
kill "$(dbus-send --print-reply=literal --dest=$bus /org/freedesktop/DBus \\
    $bus.GetConnectionUnixProcessID string:org.freedesktop.secrets | awk '{ print $2 }')"
"""


def listen(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the doctor says before the keyring is locked, and after."""
    runtime = stage.home / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {
        **os.environ,
        "ENTRACLAW_HOME": str(stage.home),
        "ENTRACLAW_PROFILE": PROFILE,
        "HOME": str(stage.home),
        "XDG_DATA_HOME": str(stage.home / "data"),
        "XDG_RUNTIME_DIR": str(runtime),
        "PYTHON": sys.executable,
        "NEW": str(stage.home / "new.pem"),
    }
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", SESSION],  # noqa: S607 - wherever it is
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_S,
    )
    assert done.stdout.count("\n") == 2, done.stderr
    open_, locked = (json.loads(line) for line in done.stdout.splitlines())
    return open_, locked


def red(document: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in document["findings"] if not one["ok"]}


async def test_keyring_that_is_locked_is_the_one_red_line(stage: Stage) -> None:
    config = stage.folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace('"unsafe-file"', '"keyring"')
    config.write_text(text, encoding="utf-8")
    shutil.rmtree(stage.folder / "keys")
    stage.folder.chmod(0o700)

    before, after = await asyncio.to_thread(listen, stage)

    # The key it made is in nobody's Entra: that is what a doctor who can read it sees.
    assert list(red(before)) == ["certificate"]
    assert list(red(after)) == ["key"]
    assert "the system keystore refused" in red(after)["key"]["says"]
    assert red(after)["key"]["cure"] == "unlock your login keyring, then try again"
